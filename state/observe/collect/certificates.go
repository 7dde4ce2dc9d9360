package collect

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
)

var (
	certFile     = gauge("ssl_file_cert_not_after", "the file", "When a certificate in a file expires.", "file", "serial_no", "issuer_cn", "cn", "dnsnames")
	certLive     = gauge("ssl_cert_not_after", "the endpoint", "When a certificate that an endpoint presents expires.", "endpoint", "serial_no", "issuer_cn", "cn", "dnsnames")
	certEarliest = gauge("probe_ssl_earliest_cert_expiry", "the endpoint", "When the first of the certificates that an endpoint presents expires.", "endpoint")
	certSuccess  = gauge("ssl_probe_success", "", "Whether certificates could be read: there is one for each file, pattern and endpoint.", "of")
)

func certificateMetrics() []Metric { return []Metric{certFile, certLive, certEarliest, certSuccess} }

// The bounds of what is looked at for certificates.
const (
	maxFiles     = 100
	maxChain     = 10 // certificates of a file or an endpoint
	maxEndpoints = 50
)

// certificates reads files and asks endpoints. What cannot be
// read hides nothing of the others; if nothing can be, nothing is known.
func (c *Collector) certificates(ctx context.Context, t desired.Target, p *page) error {
	known := 0
	var problems []error
	tell := func(of string, err error) {
		p.add(certSuccess, truth(err == nil), of)
		if err != nil {
			problems = append(problems, err)
			return
		}
		known++
	}
	files := 0
	for _, pattern := range t.Metrics.Certificates.Files {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			tell(pattern, fmt.Errorf("there is no file %s", pattern))
		}
		for _, name := range names {
			if files++; files > maxFiles {
				return fmt.Errorf("there are more than %d files of certificates", maxFiles)
			}
			tell(name, certificatesIn(name, p))
		}
	}
	endpoints := t.Metrics.Certificates.Endpoints
	if len(endpoints) > maxEndpoints {
		return fmt.Errorf("there are more than %d endpoints with certificates", maxEndpoints)
	}
	for i, got := range c.ask(ctx, endpoints) {
		if got.err == nil {
			chainOf(endpoints[i], got.chain, p)
		}
		tell(endpoints[i], got.err)
	}
	if known == 0 && len(problems) > 0 {
		return problems[0]
	}
	return nil
}

func certificatesIn(name string, p *page) error {
	text, err := readFile(name)
	if err != nil {
		return fmt.Errorf("read certificates: %w", err)
	}
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return fmt.Errorf("read certificates: %s has one that cannot be read", name)
		}
		if found++; found <= maxChain {
			p.add(certFile, float64(cert.NotAfter.Unix()), append([]string{name}, about(cert)...)...)
		}
	}
	if found == 0 {
		return fmt.Errorf("read certificates: %s has none", name)
	}
	return nil
}

// about is what tells a certificate from others.
func about(cert *x509.Certificate) []string {
	return []string{cert.SerialNumber.String(), cert.Issuer.CommonName, cert.Subject.CommonName, "," + strings.Join(cert.DNSNames, ",") + ","}
}

// presented is what an endpoint presents.
type presented struct {
	chain []*x509.Certificate
	err   error
}

// atOnce is how many endpoints are asked at the same time.
const atOnce = 8

// ask asks endpoints, wherever they are: whether anybody trusts in what they present
// is not asked.
func (c *Collector) ask(ctx context.Context, endpoints []string) []presented {
	all := make([]presented, len(endpoints))
	seats := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, to := range endpoints {
		wg.Go(func() {
			seats <- struct{}{}
			defer func() { <-seats }()
			all[i] = c.presented(ctx, to)
		})
	}
	wg.Wait()
	return all
}

func (c *Collector) presented(ctx context.Context, to string) presented {
	ctx, cancel := context.WithTimeout(ctx, patience/4) // one that does not answer leaves time for others
	defer cancel()
	chain, err := c.asker.Presented(ctx, "", to)
	if err != nil {
		no, err := down(ctx, err, "", to)
		if no {
			err = errors.New("nobody listens on " + to)
		}
		return presented{err: err}
	}
	if len(chain) == 0 {
		return presented{err: errors.New(to + " presents no certificate")}
	}
	return presented{chain: chain}
}

func chainOf(endpoint string, chain []*x509.Certificate, p *page) {
	earliest := chain[0].NotAfter
	for i, cert := range chain {
		if cert.NotAfter.Before(earliest) {
			earliest = cert.NotAfter
		}
		if i < maxChain {
			p.add(certLive, float64(cert.NotAfter.Unix()), append([]string{endpoint}, about(cert)...)...)
		}
	}
	p.add(certEarliest, float64(earliest.Unix()), endpoint)
}

// readFile reads a regular file, or one of /proc, of bounded size.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxRead+1))
	if err == nil && len(b) > maxRead {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return b, err
}
