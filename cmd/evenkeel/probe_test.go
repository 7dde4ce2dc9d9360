package main

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
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serve runs a server until the script ends, and sets a variable to its address:
// serve NAME KIND [VALID]. With VALID, such as 9d or -1h, it speaks TLS and its
// certificate expires then; SSL_CERT_FILE is set to who signed it.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: serve NAME KIND [VALID]")
	}
	h := kinds(args[1], ts.MkAbs(args[0]+".json"))
	if h == nil {
		ts.Fatalf("there is no kind of server %s", args[1])
	}
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if len(args) == 3 {
		days, short := strings.CutSuffix(args[2], "d")
		if short {
			days += "h"
		}
		valid, err := time.ParseDuration(days)
		ts.Check(err)
		if short {
			valid *= 24
		}
		cert, authority, err := certificate(valid)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), authority, 0o644))
		ts.Setenv("SSL_CERT_FILE", ts.MkAbs("ca.pem"))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.StartTLS()
	} else {
		s.Start()
	}
	ts.Defer(s.Close)
	if args[1] == "gone" {
		s.Close()
	}
	ts.Setenv(args[0], s.Listener.Addr().String())
}

// kinds are the kinds of servers; what a webhook is told goes to a file.
func kinds(kind, file string) http.HandlerFunc {
	says := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = io.WriteString(w, body) }
	}
	switch kind {
	case "well", "gone":
		return says(200, `{"service": "web"}`)
	case "wrong":
		return says(200, `{"service": "another"}`)
	case "broken":
		return says(500, "")
	case "blip": // each path fails once
		var mu sync.Mutex
		asked := map[string]bool{}
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if !asked[r.URL.Path] {
				asked[r.URL.Path] = true
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			_, _ = io.WriteString(w, `{"service": "web"}`)
		}
	case "unready":
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/ready") {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			_, _ = io.WriteString(w, `{"service": "web", "dependencies": {"redis": "down"}}`)
		}
	case "redirect":
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}
	case "hang":
		return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	case "webhook", "badhook":
		return func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			if err != nil || kind == "badhook" || os.WriteFile(file, b, 0o644) != nil {
				w.WriteHeader(http.StatusForbidden)
			}
		}
	}
	return nil
}

// certificate makes a certificate for 127.0.0.1, and that of who signed it.
func certificate(valid time.Duration) (cert tls.Certificate, authority []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.Add(valid),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	own, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return cert, nil, err
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, key)
	if err != nil {
		return cert, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own}), nil
}

// fill replaces ${NAME} in files by the variables of the script.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: fill FILE...")
	}
	for _, f := range args {
		var all []string
		for _, part := range strings.SplitAfter(ts.ReadFile(f), "}") {
			before, name, ok := strings.Cut(strings.TrimSuffix(part, "}"), "${")
			if !ok {
				all = append(all, part)
				continue
			}
			all = append(all, before+ts.Getenv(name))
		}
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(strings.Join(all, "")), 0o644))
	}
}
