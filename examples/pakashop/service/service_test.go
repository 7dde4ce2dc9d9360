package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// serving is one service, its address and its logs.
func serving(t *testing.T, depends string) (string, *bytes.Buffer) {
	t.Helper()
	deps, err := parseDepends(depends)
	if err != nil {
		t.Fatal(err)
	}
	logs := &bytes.Buffer{}
	server := httptest.NewServer(newApp("pakashop-backend", deps, newLogger(logs, "pakashop-backend", "20")).handler())
	t.Cleanup(server.Close)
	return server.URL, logs
}

func get(t *testing.T, address string) (int, string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func breakIt(t *testing.T, address, kind string) {
	t.Helper()
	resp, err := http.PostForm(address+"/fault", url.Values{"kind": {kind}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("fault %s: %s", kind, resp.Status)
	}
}

// listening answers what a peer sends, as a real one would.
func listening(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answer(c)
			c.Close()
		}
	}()
	return l.Addr().String()
}

func redisSaying(text string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for range 3 {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, text)
	}
}

func postgresSaying(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = c.Read(make([]byte, 512))
		_, _ = io.WriteString(c, text)
	}
}

func TestHealthSaysWhoItIs(t *testing.T) {
	address, _ := serving(t, "")
	if code, body := get(t, address+"/health"); code != 200 || body != `{"service":"pakashop-backend","status":"ok"}` {
		t.Errorf("%d %s", code, body)
	}
}

func TestReadinessIsThatOfTheRealDependencies(t *testing.T) {
	other, _ := serving(t, "")
	closed := listening(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }) // what is closed unread is reset
	const starting = "E\x00\x00\x00\x26SFATAL\x00C57P03\x00Mit is starting up\x00\x00\x00\x00"
	for _, c := range []struct {
		name, depends, says string
		code                int
	}{
		{"nothing", "", `{}`, 200},
		{"redis", "redis=redis://" + listening(t, redisSaying("+PONG\r\n")), `{"redis":"ok"}`, 200},
		{"redis loading", "redis=redis://" + listening(t, redisSaying("-LOADING Redis is loading\r\n")), `{"redis":"answers \"-LOADIN\" to PING"}`, 503},
		{"redis silent", "redis=redis://" + listening(t, func(net.Conn) { time.Sleep(time.Second) }), `{"redis":"i/o timeout"}`, 503},
		{"nobody there", "redis=redis://127.0.0.1:1", `{"redis":"connection refused"}`, 503},
		{"postgres asks for a password", "postgres=postgres://" + listening(t, postgresSaying("R\x00\x00\x00\x08")), `{"postgres":"ok"}`, 200},
		{"postgres refuses the login", "postgres=postgres://" + listening(t, postgresSaying("E\x00\x00\x00\x0bC28P01\x00")), `{"postgres":"ok"}`, 200},
		{"postgres starting", "postgres=postgres://" + listening(t, postgresSaying(starting)), `{"postgres":"it is starting up (57P03)"}`, 503},
		{"not postgres", "postgres=postgres://" + listening(t, postgresSaying("HTTP/1.1 400")), `{"postgres":"answers 'H', not as PostgreSQL does"}`, 503},
		{"another service", "backend=" + other, `{"backend":"ok"}`, 200},
		{"one that closes", "backend=http://" + closed, `{"backend":"EOF"}`, 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			address, _ := serving(t, c.depends)
			code, body := get(t, address+"/health/ready")
			var got struct{ Dependencies json.RawMessage }
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatal(err)
			}
			if code != c.code || string(got.Dependencies) != c.says {
				t.Errorf("%d %s, want %d %s", code, got.Dependencies, c.code, c.says)
			}
		})
	}
}

func TestFaultsCanBeSwitchedOnAndOff(t *testing.T) {
	for _, c := range []struct {
		kind, path, says string
		code             int
	}{
		{"errors", "/checkout", "internal", 500},
		{"unhealthy", "/health", "error", 500},
		{"unready", "/health/ready", "not ready", 503},
		{"wrong", "/health", "another-service", 200},
	} {
		address, _ := serving(t, "")
		breakIt(t, address, c.kind)
		if code, body := get(t, address+c.path); code != c.code || !strings.Contains(body, c.says) {
			t.Errorf("%s: %s is %d %s, want %d %s", c.kind, c.path, code, body, c.code, c.says)
		}
		breakIt(t, address, "off")
		if code, body := get(t, address+c.path); code != 200 || strings.Contains(body, c.says) {
			t.Errorf("%s is off: %s is %d %s", c.kind, c.path, code, body)
		}
	}
}

func TestAHangingServiceAnswersNothingButItsFaults(t *testing.T) {
	address, _ := serving(t, "")
	breakIt(t, address, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("it answers", resp.Status)
	}
	breakIt(t, address, "off")
	if code, _ := get(t, address+"/health"); code != 200 {
		t.Errorf("it does not answer again: %d", code)
	}
}

func TestAnUnknownFaultNamesTheKnownOnes(t *testing.T) {
	address, _ := serving(t, "")
	resp, err := http.PostForm(address+"/fault", url.Values{"kind": {"slwo"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 400 || !strings.Contains(string(body), "crash exit hang slow") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestMetricsCountWhatWasAsked(t *testing.T) {
	address, _ := serving(t, "")
	get(t, address+"/")
	breakIt(t, address, "errors")
	get(t, address+"/")
	_, text := get(t, address+"/health/metrics")
	for _, want := range []string{
		`http_requests_total{service="pakashop-backend",route="/",code="200"} 1`,
		`http_requests_total{service="pakashop-backend",route="/",code="500"} 1`,
		`http_request_error_ratio{service="pakashop-backend"} 0.5`,
		`http_request_duration_seconds_bucket{service="pakashop-backend",route="/",le="+Inf"} 2`,
		`http_request_duration_seconds_count{service="pakashop-backend",route="/"} 2`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("missing %s in\n%s", want, text)
		}
	}
}

func TestLogsArePinoShapedAndKeepTheTrace(t *testing.T) {
	address, logs := serving(t, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/checkout", nil)
	if err != nil {
		t.Fatal(err)
	}
	const id = "0af7651916cd43dd8448eb211c80319c"
	req.Header.Set("traceparent", "00-"+id+"-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var line map[string]any
	if err := json.Unmarshal(logs.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, logs)
	}
	for field, want := range map[string]any{"level": 30.0, "service": "pakashop-backend", "traceId": id, "msg": "request completed", "statusCode": 200.0} {
		if line[field] != want {
			t.Errorf("%s is %v, want %v", field, line[field], want)
		}
	}
	for _, field := range []string{"time", "pid", "hostname", "spanId"} {
		if line[field] == nil {
			t.Errorf("no %s in %s", field, logs)
		}
	}
}

func TestItTellsSystemdAndStopsCleanly(t *testing.T) {
	socket := t.TempDir() + "/notify"
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	env := map[string]string{"SERVICE": "x", "PORT": "0", "NOTIFY_SOCKET": socket}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, func(k string) string { return env[k] }, io.Discard) }()
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		b := make([]byte, 256)
		n, err := l.Read(b)
		if err != nil || !strings.HasPrefix(string(b[:n]), want) {
			t.Errorf("systemd heard %q, %v; want %s", b[:n], err, want)
		}
		cancel()
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBadSettingsAreOneClearError(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{}, "SERVICE and PORT must be set"},
		{map[string]string{"SERVICE": "x", "PORT": "0", "DEPENDS": "mysql=mysql://h"}, `DEPENDS: "mysql=mysql://h" must be like`},
		{map[string]string{"SERVICE": "x", "PORT": "no"}, "no"},
	} {
		err := run(t.Context(), func(k string) string { return c.env[k] }, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.env, err, c.want)
		}
	}
}
