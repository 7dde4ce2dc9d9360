package changes

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// maxCertificate bounds a file of certificates, in bytes.
const maxCertificate = 1 << 20

// Certificates knows which of the given files are certificates that changed,
// for whom they are and until when. A link, as ACME clients make them, is
// followed. Private keys are never read into a row.
func Certificates(paths []string) Source {
	return Source{"certificate", func(_ context.Context, w Window) ([]Change, error) {
		var rows []Change
		var errs []error
		for _, p := range paths {
			if !slices.Contains([]string{".pem", ".crt", ".cer", ".cert"}, filepath.Ext(p)) {
				continue
			}
			c, err := certificate(p, w)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
			rows = append(rows, c...)
		}
		return rows, errors.Join(errs...)
	}}
}

// certificate reads the first certificate of a file that changed in the window.
func certificate(path string, w Window) ([]Change, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil {
		return nil, err
	}
	st, ok := i.Sys().(*syscall.Stat_t)
	changed := time.Time{}
	if ok {
		changed = time.Unix(st.Ctim.Unix())
	}
	if !i.Mode().IsRegular() || !w.has(changed) {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCertificate))
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the certificate %s: %w", path, err)
		}
		return []Change{{Time: changed, Object: path, What: describe(c)}}, nil
	}
	return nil, nil // a key, or something else in PEM
}

func describe(c *x509.Certificate) string {
	names := c.DNSNames
	if len(names) == 0 {
		names = []string{c.Subject.CommonName}
	}
	return shorten(fmt.Sprintf("certificate of %s for %s until %s", c.Issuer.CommonName, strings.Join(names, ", "), c.NotAfter.UTC().Format(time.RFC3339)))
}
