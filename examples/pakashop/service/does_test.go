package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// playing is a service that is for something, with Redis and the outside world played.
func playing(t *testing.T, name, depends string, env map[string]string) (string, *app) {
	t.Helper()
	deps, err := parseDepends(depends)
	if err != nil {
		t.Fatal(err)
	}
	a := newApp(name, deps, newLogger(io.Discard, name, ""))
	does, err := a.does(func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.handler(does))
	t.Cleanup(server.Close)
	return server.URL, a
}

func tell(t *testing.T, address string) int {
	t.Helper()
	resp, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func metric(t *testing.T, address, line string) {
	t.Helper()
	if _, text := get(t, address+"/health/metrics"); !strings.Contains(text+"\n", line+"\n") {
		t.Errorf("missing %s in\n%s", line, text)
	}
}

func TestPaymentsFailWithTheirGateway(t *testing.T) {
	world, _ := playing(t, "outside", "", map[string]string{"DOES": "outside"})
	address, _ := playing(t, "pakashop-settlement", "", map[string]string{"DOES": "payments", "OUTSIDE": world})
	if code := tell(t, address+"/payments?gateway=pawapay"); code != 200 {
		t.Errorf("a payment is answered by %d", code)
	}
	if code := tell(t, world+"/outside/pawapay?kind=errors"); code != 200 {
		t.Fatal(code)
	}
	for gateway, want := range map[string]int{"pawapay": 502, "flutterwave": 200, "barter": 400} {
		if code := tell(t, address+"/payments?gateway="+gateway); code != want {
			t.Errorf("%s: %d, want %d", gateway, code, want)
		}
	}
	if code, _ := get(t, world+"/pawapay/health"); code != 500 {
		t.Errorf("the health of what is out of order is %d", code)
	}
	metric(t, address, `payment_process_failures_total{service="pakashop-settlement",gateway="pawapay"} 1`)
	metric(t, address, `payment_process_failures_total{service="pakashop-settlement",gateway="flutterwave"} 0`)
	metric(t, address, `payment_process_total{service="pakashop-settlement",gateway="pawapay"} 2`)
	tell(t, world+"/outside/pawapay?kind=off")
	breakIt(t, address, "token")
	if code := tell(t, address+"/payments?gateway=pawapay"); code != 502 {
		t.Errorf("a stale token is answered by %d", code)
	}
}

func TestInvoicesWantAKeyThatIsNotOver(t *testing.T) {
	world, _ := playing(t, "outside", "", map[string]string{"DOES": "outside"})
	for _, c := range []struct {
		key    string
		fault  string
		mock   bool
		result string
	}{
		{"sandbox:2099-12-31", "off", false, "ok"},
		{"sandbox:2099-12-31", "expired", false, "failed"},
		{"sandbox:2020-12-31", "off", false, "failed"},
		{"sandbox", "off", false, "failed"},
		{"", "off", false, "failed"},
		{"", "off", true, "mock"},
	} {
		flag := t.TempDir() + "/zra-mock"
		if c.mock {
			if err := os.WriteFile(flag, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		tell(t, world+"/outside/zra?kind="+c.fault)
		address, _ := playing(t, "pakashop-invoicing", "", map[string]string{"DOES": "invoices", "OUTSIDE": world, "ZRA_KEY": c.key, "ZRA_MOCK": flag})
		tell(t, address+"/invoices")
		metric(t, address, `zra_transmissions_total{service="pakashop-invoicing",result="`+c.result+`"} 1`)
		if strings.Contains(c.key, ":2099") {
			metric(t, address, `zra_key_expiry_timestamp_seconds{service="pakashop-invoicing"} 4.1023584e+09`)
		}
	}
}

// What is flagged waits in a real queue of Redis'; here its words are held to.
func TestFraudQueuesWhatItFlags(t *testing.T) {
	var said []string
	at := listening(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		words, err := answer(r)
		if err != nil {
			return
		}
		said = append(said, strings.Join(words, " "))
		_, _ = io.WriteString(c, map[string]string{"HGET": "$-1\r\n", "LPUSH": ":1\r\n", "LLEN": ":7\r\n"}[words[0]])
	})
	address, _ := playing(t, "pakashop-fraud", "redis=redis://"+at, map[string]string{"DOES": "fraud"})
	for amount, want := range map[string]string{"4999": "passed", "5000": "flagged"} {
		resp, err := http.Post(address+"/evaluate", "application/json", strings.NewReader(`{"orderId":"a","amount":`+amount+`}`))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is %s, want %s", amount, body, want)
		}
	}
	metric(t, address, `fraud_queue_depth{service="pakashop-fraud"} 7`)
	metric(t, address, `fraud_rule_threshold{service="pakashop-fraud",rule="amount"} 5000`)
	if all := strings.Join(said, "\n"); !strings.Contains(all, `LPUSH fraud:queue {"orderId":"a"`) {
		t.Errorf("Redis was told:\n%s", all)
	}
}

// An exception is counted, and its log line is what one needs; its count names the
// trace as an example.
func TestAnExceptionIsToldWithItsRequest(t *testing.T) {
	address, logs := serving(t, "")
	breakIt(t, address, "exception")
	if code, _ := get(t, address+"/checkout?cart=7"); code != 500 {
		t.Errorf("it is answered by %d", code)
	}
	var line struct {
		Level        int
		TraceID, Msg string
		Req          struct{ Method, URL string }
		Env          map[string]any
	}
	for text := range strings.Lines(logs.String()) {
		if strings.Contains(text, "unhandled exception") {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatal(err)
			}
		}
	}
	if line.Level != 60 || line.Req.URL != "/checkout?cart=7" || line.Env["service"] != "pakashop-backend" || line.TraceID == "" {
		t.Errorf("the log says %+v", line)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/health/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	text := string(body)
	for _, want := range []string{
		"# TYPE unhandled_exceptions counter\n",
		`unhandled_exceptions_total{service="pakashop-backend"} 1 # {trace_id="` + line.TraceID + `"} 1 `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %s in\n%s", want, text)
		}
	}
	if !strings.HasSuffix(text, "# EOF\n") {
		t.Error("OpenMetrics has no end")
	}
}
