package livetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/gather"
)

// issue makes a certificate that another one signs; nil: itself.
func issue(t *testing.T, name string, by *tls.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour), BasicConstraintsValid: true,
	}
	if c.IsCA = name != "shop"; c.IsCA {
		c.KeyUsage = x509.KeyUsageCertSign
	} else {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	parent, signer, chain := c, key, [][]byte(nil)
	if by != nil {
		parent, signer, chain = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey), by.Certificate
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: append([][]byte{raw}, chain...), PrivateKey: key, Leaf: leaf}
}

// Somebody outside whose certificate is of a private authority is asked no further
// while the host does not trust that; when it does, as the host does it for everybody,
// how it answers is told.
func TestEvidenceOfAPrivateAuthority(t *testing.T) {
	root := issue(t, "our own authority", nil)
	between := issue(t, "between", &root)
	shop := issue(t, "shop", &between)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{shop}}
	s.StartTLS()
	defer s.Close()
	look := actuators.Request{Action: actuators.Action{Actuator: gather.Name, Verb: "http.status", Args: map[string]string{"url": s.URL}}}

	got := says(t, look)
	mustSay(t, got, "certificate: of shop, expires ", "(in 10.0 days)", "certificate: not trusted: x509: certificate signed by unknown authority", "no answer after")
	if strings.Contains(got, "418") {
		t.Errorf("it was asked all the same:\n%s", got)
	}

	write(t, "/usr/local/share/ca-certificates/own.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate[0]})))
	run(t, "update-ca-certificates")
	got = says(t, look)
	mustSay(t, got, "tls: TLS 1.3 after", "certificate: of shop, expires ", "status: 418 I'm a teapot after")
	if strings.Contains(got, "not trusted") {
		t.Errorf("it is not trusted:\n%s", got)
	}
}
