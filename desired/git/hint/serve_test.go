package hint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// served is a Hook that serves on a free port, until the test ends.
func served(t *testing.T, hint func()) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	h := Handler(known(everybody), hint)
	var run sync.WaitGroup
	run.Go(func() { h.Run(ctx) })
	t.Cleanup(func() { stop(); run.Wait() })
	go func() { done <- serveOn(ctx, l, h) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("it did not end with its context")
		}
	})
	return l.Addr().String()
}

// say sends a text and returns the first line of the answer, waiting at most so long.
func say(t *testing.T, addr, text string, wait time.Duration) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(wait))
	_, _ = io.WriteString(c, text) // it may be answered, and cut, before all is said
	b, err := io.ReadAll(c)
	line, _, _ := strings.Cut(string(b), "\r\n")
	if line != "" {
		err = nil
	}
	return line, err
}

func TestAHintOverTheWire(t *testing.T) {
	hints := make(chan struct{}, 10)
	addr := served(t, func() { hints <- struct{}{} })
	for _, c := range []struct{ name, request, want string }{
		{"no host that is ours", "POST /hook HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\nX-Gitlab-Token: " + everybody + "\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 202 Accepted"},
		{"in chunks", "POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Hub-Signature-256: " + sign(everybody, "{}") + "\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "HTTP/1.1 202 Accepted"},
		{"nobody", "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 401 Unauthorized"},
		{"too much is announced", "POST /hook HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: " + everybody + "\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("x", maxBody+1), "HTTP/1.1 413 Request Entity Too Large"},
		{"too many headers", "POST /hook HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "HTTP/1.1 400 Bad Request"},
	} {
		if got, err := say(t, addr, c.request, 5*time.Second); got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	select {
	case <-hints:
	case <-time.After(5 * time.Second):
		t.Error("no hint came of it")
	}
}

// Those who send a byte now and then are cut off in time, and those who know what
// they want are heard meanwhile.
func TestSlowLoris(t *testing.T) {
	addr := served(t, func() {})
	var wait sync.WaitGroup
	for _, begin := range []string{
		"POST /hook HTTP/1.1\r\nHost: x\r\n", // headers that never end
		"POST /hook HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: " + everybody + "\r\nContent-Length: 1000\r\n\r\n",
	} {
		for range 10 {
			wait.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				began := time.Now()
				_, _ = io.WriteString(c, begin)
				gone := make(chan struct{})
				go func() { defer close(gone); _, _ = io.Copy(io.Discard, c) }()
				tick := time.NewTicker(200 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-gone:
						if took := time.Since(began); took > headTime+bodyTime+time.Second {
							t.Errorf("%q held a connection for %v", begin, took)
						}
						return
					case <-tick.C:
						_, _ = io.WriteString(c, "x")
					}
				}
			})
		}
	}
	post := "POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Gitlab-Token: " + everybody + "\r\n\r\n"
	if got, err := say(t, addr, post, 5*time.Second); got != "HTTP/1.1 202 Accepted" {
		t.Errorf("meanwhile: %q, %v", got, err)
	}
	wait.Wait()
}

// A thousand at once are all answered, and come to one hint in ten seconds.
func TestAFlood(t *testing.T) {
	var hints atomic.Int32
	began := time.Now()
	addr := served(t, func() { hints.Add(1) })
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	var wait sync.WaitGroup
	var accepted, refused atomic.Int32
	for i := range 1000 {
		wait.Go(func() {
			r, err := http.NewRequest(http.MethodPost, "http://"+addr+Path, strings.NewReader("{}"))
			if err != nil {
				t.Error(err)
				return
			}
			if i%2 == 0 {
				r.Header.Set("X-Hub-Signature-256", sign(everybody, "{}"))
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
			switch resp.StatusCode {
			case http.StatusAccepted:
				accepted.Add(1)
			case http.StatusUnauthorized:
				refused.Add(1)
			}
		})
	}
	wait.Wait()
	if accepted.Load() != 500 || refused.Load() != 500 {
		t.Errorf("%d were accepted, %d refused; want 500 and 500", accepted.Load(), refused.Load())
	}
	took := time.Since(began)
	if n := hints.Load(); n < 1 || n > 1+int32(took/pause) {
		t.Errorf("within %v they came to %d hints", took, n)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	addr := served(t, func() {})
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	post := "POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Gitlab-Token: " + everybody + "\r\n\r\n"
	if got, err := say(t, addr, post, 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("one more than may be was answered: %q, %v", got, err)
	}
	open[0].Close()
	if got, err := say(t, addr, post, 5*time.Second); got != "HTTP/1.1 202 Accepted" {
		t.Errorf("when there was room again: %q, %v", got, err)
	}
}

func TestWithoutASecretItIsNotReady(t *testing.T) {
	gone := errors.New("there is no credential git-webhook-secret in /etc/evenkeel/credentials")
	for name, secret := range map[string]func() ([]byte, error){
		"none":  func() ([]byte, error) { return nil, gone },
		"empty": known(""),
	} {
		err := Handler(secret, func() {}).Ready()
		if err == nil || !strings.Contains(err.Error(), "git-webhook-secret") || name == "none" && !errors.Is(err, gone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAddressThatCannotBeHad(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Serve(t.Context(), l.Addr().String(), Handler(known(everybody), func() {}))
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(l.Addr().(*net.TCPAddr).Port)) {
		t.Errorf("%v", err)
	}
}
