package collect

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
)

// certificate makes one that expires after so long.
func certificate(t testing.TB, name string, after time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(after)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func write(t testing.TB, file string, certs ...tls.Certificate) string {
	var text []byte
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})...)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func presents(c tls.Certificate) func(net.Conn) {
	return func(conn net.Conn) { _ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{c}}).Handshake() }
}

func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	soon, later := certificate(t, "pay.example", time.Hour), certificate(t, `evil"name`+"\n", 90*24*time.Hour)
	expired := certificate(t, "old.example", -time.Minute)
	soon.Certificate = append(soon.Certificate, expired.Certificate[0])
	write(t, filepath.Join(dir, "a.pem"), later)
	write(t, filepath.Join(dir, "b.pem"), soon)
	live := fmt.Sprintf("127.0.0.1:%d", serve(t, presents(soon)).Number)
	gone := fmt.Sprintf("127.0.0.1:%d", closed(t).Number)
	plain := fmt.Sprintf("127.0.0.1:%d", serve(t, says("220 "+secret+"\r\n")).Number)
	text, err := look(t, tester(""), desired.Metrics{Certificates: &desired.Certificates{
		Files: []string{filepath.Join(dir, "*.pem"), filepath.Join(dir, "none")}, Endpoints: []string{live, gone, plain, "169.254.169.254:443"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	has(t, text,
		fmt.Sprintf(`ssl_file_cert_not_after{file=%q,serial_no="77",issuer_cn="pay.example",cn="pay.example",dnsnames=",pay.example,"} %s`, filepath.Join(dir, "b.pem"), number(float64(now.Add(time.Hour).Unix()))),
		fmt.Sprintf(`probe_ssl_earliest_cert_expiry{endpoint=%q} %s`, live, number(float64(now.Add(-time.Minute).Unix()))),
		fmt.Sprintf(`ssl_probe_success{of=%q} 1`, live), fmt.Sprintf(`ssl_probe_success{of=%q} 0`, gone), fmt.Sprintf(`ssl_probe_success{of=%q} 0`, plain),
		`ssl_probe_success{of="169.254.169.254:443"} 0`, fmt.Sprintf(`ssl_probe_success{of=%q} 0`, filepath.Join(dir, "none")))
}

// Where nothing can be read nothing is known.
func TestNoCertificates(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, maxRead+1), 0o600); err != nil {
		t.Fatal(err)
	}
	many := filepath.Join(dir, "many")
	if err := os.Mkdir(many, 0o700); err != nil {
		t.Fatal(err)
	}
	one := certificate(t, "x", time.Hour)
	for i := range maxFiles + 1 {
		write(t, filepath.Join(many, fmt.Sprintf("%d.pem", i)), one)
	}
	for name, c := range map[string]desired.Certificates{
		"no file":           {Files: []string{filepath.Join(dir, "none")}},
		"a pipe":            {Files: []string{pipe}},
		"a folder":          {Files: []string{dir}},
		"a large file":      {Files: []string{large}},
		"no certificate":    {Files: []string{write(t, filepath.Join(dir, "empty"))}},
		"a wrong pattern":   {Files: []string{"[" + dir}},
		"too many files":    {Files: []string{filepath.Join(many, "*")}},
		"no address":        {Endpoints: []string{"nowhere"}},
		"silence":           {Endpoints: []string{fmt.Sprintf("127.0.0.1:%d", serve(t, silent).Number)}},
		"too many to ask":   {Endpoints: make([]string, maxEndpoints+1)},
		"records in excess": {Endpoints: []string{fmt.Sprintf("127.0.0.1:%d", serve(t, forever("", "\x16\x03\x03\x40\x00"+strings.Repeat("x", 1<<14))).Number)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text, err := look(t, tester(""), desired.Metrics{Certificates: &c}); err == nil {
				t.Errorf("%s", text)
			}
		})
	}
}
