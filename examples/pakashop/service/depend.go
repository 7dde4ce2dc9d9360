package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// dependency is something that this service cannot work without.
type dependency struct {
	name string
	url  *url.URL
}

// checkTimeout is how long one dependency may take to answer.
const checkTimeout = 800 * time.Millisecond

// parseDepends reads NAME=URL words.
func parseDepends(text string) (deps []dependency, err error) {
	for _, word := range strings.Fields(text) {
		name, address, ok := strings.Cut(word, "=")
		u, err := url.Parse(address)
		if !ok || name == "" || err != nil || u.Host == "" || checks[u.Scheme] == nil {
			return nil, fmt.Errorf("DEPENDS: %q must be like redis=redis://127.0.0.1:6379 (or postgres://, http://)", word)
		}
		deps = append(deps, dependency{name, u})
	}
	return deps, nil
}

// checkAll asks all at once; found says "ok" or why not.
func checkAll(ctx context.Context, deps []dependency) (found map[string]string, well bool) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	answers := make([]error, len(deps))
	var wg sync.WaitGroup
	for i, d := range deps {
		wg.Go(func() { answers[i] = checks[d.url.Scheme](ctx, d.url) })
	}
	wg.Wait()
	found, well = map[string]string{}, true
	for i, d := range deps {
		found[d.name] = "ok"
		if answers[i] != nil {
			found[d.name], well = plain(answers[i]), false
		}
	}
	return found, well
}

// plain is the innermost reason of a network error, which is what a reader of a
// readiness answer wants.
func plain(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

var checks = map[string]func(context.Context, *url.URL) error{
	"redis": checkRedis, "postgres": checkPostgres, "http": checkHTTP,
}

// client takes no redirects and keeps no connections: a check is about now.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// checkHTTP asks another service whether it lives. Asking whether it is ready
// would ask its dependencies too, and theirs.
func checkHTTP(ctx context.Context, u *url.URL) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("/health").String(), nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answers %s", resp.Status)
	}
	return nil
}

// dial connects, with the context's deadline on all that follows.
func dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if end, ok := ctx.Deadline(); ok {
		err = conn.SetDeadline(end)
	}
	return conn, err
}

// checkRedis says PING in Redis' own protocol.
func checkRedis(ctx context.Context, u *url.URL) error {
	conn, err := dial(ctx, u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return err
	}
	answer := make([]byte, 7)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if string(answer) != "+PONG\r\n" {
		return fmt.Errorf("answers %q to PING", answer)
	}
	return nil
}

// checkPostgres begins a session as far as that goes without a password: a
// server that takes connections asks for one (R) or names its reason (E). The
// reason counts: "the database system is starting up" is not well.
func checkPostgres(ctx context.Context, u *url.URL) error {
	conn, err := dial(ctx, u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(hello("health")); err != nil {
		return err
	}
	head := make([]byte, 5)
	if _, err := io.ReadFull(conn, head); err != nil {
		return err
	}
	if head[0] == 'R' {
		return nil
	}
	size := binary.BigEndian.Uint32(head[1:])
	if head[0] != 'E' || size < 4 || size > 1<<16 {
		return fmt.Errorf("answers %q, not as PostgreSQL does", head[0])
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return err
	}
	return postgresError(body)
}

// postgresError tells what an ErrorResponse means for health. Class 28 is a refused
// login, 3D an unknown database: both come from a server that works.
func postgresError(body []byte) error {
	code, message := errorFields(body)
	if strings.HasPrefix(code, "28") || strings.HasPrefix(code, "3D") {
		return nil
	}
	return fmt.Errorf("%s (%s)", message, code)
}

// refused is an ErrorResponse as an error.
func refused(body []byte) error {
	code, message := errorFields(body)
	return fmt.Errorf("%s (%s)", message, code)
}

func errorFields(body []byte) (code, message string) {
	for field := range strings.SplitSeq(string(body), "\x00") {
		switch {
		case strings.HasPrefix(field, "C"):
			code = field[1:]
		case strings.HasPrefix(field, "M"):
			message = field[1:]
		}
	}
	return code, message
}
