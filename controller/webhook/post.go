package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

const (
	limit = 10 * time.Second // for one try
	pause = time.Second      // before the other one
	tries = 2
)

// Check tells whether a URL can be one of a webhook.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("the webhook is not a URL like https://hooks.example.org/…")
	}
	return nil
}

// Post tells a webhook a value. What may be over in a moment is tried once more.
func Post(ctx context.Context, address string, value any) error {
	if err := Check(address); err != nil {
		return err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode what the webhook is told: %w", err)
	}
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	client := &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for n := 1; ; n++ {
		again, err := post(ctx, client, address, body)
		if err == nil || !again || n == tries {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// post tells it once; again says whether it may work another time.
func post(ctx context.Context, client *http.Client, address string, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the webhook is not a URL that can be asked")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "evenkeel")
	resp, err := client.Do(r)
	if err != nil {
		return true, errors.New("tell the webhook: " + words(err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch s := resp.StatusCode; {
	case s >= 200 && s < 300:
		return false, nil
	case s >= 300 && s < 400:
		return false, fmt.Errorf("tell the webhook: it redirects (status %d), and what is told goes nowhere else", s)
	default:
		return s >= 500 || s == http.StatusTooManyRequests, fmt.Errorf("tell the webhook: it answers with status %d", s)
	}
}

// words say what an error of a connection is, without the address that is in its
// own words.
func words(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var errno syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + limit.String()
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &dns):
		return "its name is not known"
	case errors.As(err, &cert):
		return "its certificate cannot be verified"
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was cut"
	}
	return "no answer that can be read"
}
