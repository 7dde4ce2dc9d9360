package ask

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// authority signs certificates for 127.0.0.1 or for another name.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// serve runs a server with a certificate for a name, until some time from now.
func (a *authority) serve(name string, valid time.Duration) *httptest.Server {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

// expiry is when the certificate of a server expires.
func expiry(s *httptest.Server) time.Time {
	if s.TLS == nil {
		return time.Time{}
	}
	cert, err := x509.ParseCertificate(s.TLS.Certificates[0].Certificate[0])
	if err != nil {
		return time.Time{}
	}
	return cert.NotAfter
}

// An Endpoint is known by its certificate; a unit by where it listens, as with
// kubelet. A certificate that cannot be verified may be this host's own affair.
func TestTLS(t *testing.T) {
	good := newAuthority(t)
	other := newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(good.cert)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for _, c := range []struct {
		name     string
		server   *httptest.Server
		endpoint Sample
		unit     Sample
	}{
		{"well", good.serve("localhost", 30*time.Minute), Sample{}, Sample{}},
		{"expired", good.serve("localhost", -time.Hour), untrusted("the certificate has expired, or is not valid yet"), Sample{}},
		{"signed by a stranger", other.serve("localhost", time.Hour), untrusted("this host does not know who signed the certificate"), Sample{}},
		{"for another name", good.serve("bank.example", time.Hour), untrusted("the certificate is for another name"), Sample{}},
		{"no TLS", plain, failed(state.ClassInvalid, "it does not speak TLS"), failed(state.ClassInvalid, "it does not speak TLS")},
	} {
		a := New(Options{Roots: roots})
		port := (&peer{Listener: c.server.Listener}).port()
		got := once(t, a, endpointProbe(desired.Probe{HTTPGet: &desired.HTTPGet{Scheme: "HTTPS", Host: "localhost", Port: port}}))
		if leaf := expiry(c.server); c.endpoint.Good() && !got.Expires.Equal(leaf) {
			t.Errorf("%s: what was verified expires at %v; want %v", c.name, got.Expires, leaf)
		}
		if got.Expires = (time.Time{}); !reflect.DeepEqual(got, c.endpoint) {
			t.Errorf("%s: of an Endpoint %+v; want %+v", c.name, got, c.endpoint)
		}
		if got := once(t, a, unitProbe(desired.Probe{HTTPGet: &desired.HTTPGet{Scheme: "HTTPS", Host: "localhost", Port: port}})); !reflect.DeepEqual(got, c.unit) {
			t.Errorf("%s: of a unit %+v; want %+v", c.name, got, c.unit)
		}
	}
}
