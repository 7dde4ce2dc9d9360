package gather

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/state"
)

func TestAsMuchAsIsKept(t *testing.T) {
	if MaxEvidence != state.MaxEvidence {
		t.Errorf("%d bytes are returned at most, and %d are kept", MaxEvidence, state.MaxEvidence)
	}
	got := bounded(strings.Repeat("\x1b[31m"+strings.Repeat("ü", 500)+"\n", 100))
	if len(got) > MaxEvidence || !strings.HasSuffix(got, cutShort) || strings.Contains(got, "\x1b") {
		t.Errorf("%d bytes: %s", len(got), got[len(got)-100:])
	}
	for line := range strings.Lines(got) {
		if n := len([]rune(strings.TrimSpace(line))); n > longest {
			t.Errorf("a line of %d", n)
		}
	}
}

func TestSecretsAndNumbersOfPeopleAreMasked(t *testing.T) {
	for line, want := range map[string]string{
		`pay +260 97 123 4567 now`:                         `pay <phone> now`,
		`to 0971234567 from 260971234567`:                  `to <phone> from <phone>`,
		`{"phone":"97 1234","orderId":"o-1"}`:              `{"phone":***,"orderId":"o-1"}`,
		`password=hunter2 x=1`:                             `password=*** x=1`,
		`Authorization: Bearer abc.def.ghi`:                `Authorization: ***`,
		`sent Bearer abcdefghijk`:                          `sent Bearer ***`,
		`api_key: 'k1'`:                                    `api_key: ***`,
		`{"accessToken":"a\"b","n":1}`:                     `{"accessToken":***,"n":1}`,
		`postgres://u:p@host/db`:                           `postgres://***@host/db`,
		`jwt eyJhbGciOi.eyJzdWIi.c2ln end`:                 `jwt *** end`,
		`sk_live_0123456789abcdef`:                         `***`,
		`traceId=4bf92f3577b34da6a3ce929d0e0e4736 ms=1234`: `traceId=4bf92f3577b34da6a3ce929d0e0e4736 ms=1234`,
		`time 1732783000123 order 10045`:                   `time 1732783000123 order 10045`,
	} {
		if got := mask(line); got != want {
			t.Errorf("%s becomes %s, want %s", line, got, want)
		}
	}
}

func TestStatementsLoseTheirLiterals(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT * FROM t1 WHERE a = 'o''x' AND b=12.5": "SELECT * FROM t1 WHERE a = ? AND b=?",
		"UPDATE x SET p = 'cut short":                  "UPDATE x SET p = ?",
		`SELECT E'a\'b', 1`:                            "SELECT ?, ?",
		"SELECT $$secret$$":                            "SELECT ?",
		"SELECT $1 -- secret\nFROM  y":                 "SELECT $1 FROM y",
		"/* secret */ SELECT 0x1F":                     " SELECT ?",
	} {
		if got := masked(sql); got != want {
			t.Errorf("%s becomes %q, want %q", sql, got, want)
		}
	}
}

func request(verb string, content []byte, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: Name, Verb: verb}, Content: content}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func logLine(second int, unit, message string) string {
	return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"%d000000","_SYSTEMD_UNIT":%q,"PRIORITY":"6","MESSAGE":%q}`, 1700000000+second, unit, message) + "\n"
}

func journalOf() []byte {
	return []byte(logLine(9, "evenkeel.service", "asked for trace abc") +
		logLine(6, "c.service", `{"level":60,"traceId":"xyz","msg":"unhandled","err":"index out of range","req":{"method":"GET","url":"/cart?token=s3cret","headers":{"cookie":"secret"}},"env":{"node":"v22","pod":7,"all":{"DB":"secret"}}}`) +
		logLine(5, "b.service", `{"level":50,"traceId":"abc","msg":"payment failed","ms":900,"phone":"0971234567"}`) +
		logLine(4, "a.service", `{"level":30,"traceId":"abc","msg":"order placed","responseTime":1200,"orderId":"o-7"}`) +
		logLine(3, "a.service", `{"level":30,"traceId":"xyz","msg":"other"}`) +
		`{"MESSAGE":[1,2,3]}` + "\nno JSON\n" + logLine(1, "c.service", "plain abc token=s3cret"))
}

func TestLogsAreSearched(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want []string
		no   []string
	}{
		"a trace, as a story": {[]string{"trace", "abc"}, []string{"3 of 6 lines match", "slowest:\n  22:13:24.000 a info: order placed (1200 ms) traceId=abc orderId=o-7", "newest:\n22:13:21.000 c info: plain abc token=***\n"}, []string{"other", "0971234567", "asked"}},
		"an expression":       {[]string{"grep", `"responseTime":[0-9]{4,}`}, []string{"1 of 6 lines match\n22:13:24.000 a info: order placed (1200 ms)", "what else trace abc says:\n  22:13:25.000 b err: payment failed"}, []string{"other", "slowest"}},
		"pino's level":        {[]string{"priority", "err"}, []string{"2 of 6", "b err: payment failed (900 ms)"}, nil},
		"a field":             {[]string{"field", "orderId=o-7"}, []string{"1 of 6"}, nil},
		"an exception": {[]string{"grep", "unhandled"}, []string{
			"c crit: unhandled err=index out of range traceId=xyz req.method=GET req.url=/cart?token=***\n  env: node=v22 pod=7\nwhat else trace xyz says:\n  22:13:23.000 a info: other",
		}, []string{"cookie", "secret"}},
		"nothing": {[]string{"grep", "nobody"}, []string{"0 of 6 lines match"}, []string{"\n"}},
	} {
		res, err := New("1").Apply(t.Context(), request("logs.search", journalOf(), tt.args...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range tt.want {
			if !strings.Contains(res.Data["evidence"], s) {
				t.Errorf("%s: no %q in\n%s", name, s, res.Data["evidence"])
			}
		}
		for _, s := range tt.no {
			if strings.Contains(res.Data["evidence"], s) {
				t.Errorf("%s: %q in\n%s", name, s, res.Data["evidence"])
			}
		}
	}
}

func TestWhatAnExpressionComesTo(t *testing.T) {
	for says, want := range map[string]found{
		"5000  rule=amount\n": {"threshold: 5000  rule=amount", "threshold: 5000  rule=amount"},
		"":                    {"threshold: nothing", "threshold: nothing"},
		"1  a=1\n2  a=2":      {"threshold: 2 lines", "threshold:\n  1  a=1\n  2  a=2"},
	} {
		if got := aboutMetrics(" threshold", says); got != want {
			t.Errorf("%q becomes %+v, want %+v", says, got, want)
		}
	}
	for d, want := range map[time.Duration]string{24 * time.Hour: "24h", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", time.Second: "1s", 90 * time.Minute: "1h30m"} {
		if got := short(d); got != want {
			t.Errorf("%s is said as %q", d, got)
		}
	}
}

// fakeRedis answers every command with the same text.
func fakeRedis(t *testing.T, says string) []byte {
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
			go func() {
				defer c.Close()
				in := bufio.NewScanner(c)
				for in.Scan() {
					if strings.HasPrefix(in.Text(), "*") {
						if _, err := c.Write([]byte(says)); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return fmt.Appendf(nil, `{"redis":{"address":%q,"patterns":["cache:*"]}}`, l.Addr())
}

// Whatever length a server claims, as much is read as is bounded.
func TestAHostileRedisIsLeft(t *testing.T) {
	for _, says := range []string{"$9223372036854775807\r\n", "*2000000000\r\n", "$500000000\r\nx", strings.Repeat("*1\r\n", 1000), strings.Repeat("x", 1<<20), "\n", "-NOAUTH no\r\n", ":x\r\n"} {
		for _, verb := range []string{"redis.ttls", "redis.info"} {
			if res, err := New("1").Apply(t.Context(), request(verb, fakeRedis(t, says))); err == nil {
				t.Errorf("%.20q: %+v", says, res)
			}
		}
	}
}

func TestWhatAnINFOComesTo(t *testing.T) {
	f := aboutRedis(map[string]string{"used_memory": "900000000", "maxmemory": "1000000000", "maxmemory_policy": "noeviction", "keyspace_hits": "90", "keyspace_misses": "10", "evicted_keys": "3"})
	for _, want := range []string{"(90%), noeviction", "hits: 90.0% of 100", "advice: under noeviction", "advice: more than 80%", "advice: keys were evicted"} {
		if !strings.Contains(f.evidence, want) {
			t.Errorf("no %q in\n%s", want, f.evidence)
		}
	}
	if f := aboutRedis(map[string]string{"used_memory": "1"}); !strings.Contains(f.evidence, "maxmemory is 0") {
		t.Error(f.evidence)
	}
}

func TestWhoLeaks(t *testing.T) {
	rows := [][]string{{"shop", "app", "idle", "40", "900", "38"}, {"shop", "app", "active", "2", "1", "0"}, {"worker", "app", "active", "9", "1", "0"}}
	f := aboutSessions(100, rows, [][]string{{"7", "shop", "app", "300", "UPDATE t SET a='secret'"}}, "")
	if f.detail != "51 of 100 connections; probably shop leaks: 38 of its 42 do nothing" || strings.Contains(f.evidence, "secret") {
		t.Errorf("%s\n%s", f.detail, f.evidence)
	}
	young := [][]string{{"shop", "app", "idle", "40", "9", "0"}, {"worker", "app", "active", "9", "1", "0"}}
	if f := aboutSessions(100, young, nil, ""); f.detail != "49 of 100 connections; most are of shop: 40, of which 40 are idle at the moment" {
		t.Error(f.detail)
	}
	if f := aboutSessions(100, rows[2:], nil, ""); !strings.Contains(f.evidence, "no application holds") {
		t.Error(f.evidence)
	}
}

func TestHowSomethingAnswers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.Header().Set("Location", "https://elsewhere.example/secret-path")
		w.WriteHeader(http.StatusFound)
		fmt.Fprint(w, "secret body")
	})
	plain, secure := httptest.NewServer(h), httptest.NewTLSServer(h)
	defer plain.Close()
	defer secure.Close()
	secure.Config.ErrorLog = nil
	for at, want := range map[string][]string{
		plain.URL + "/x?key=secret":           {"status: 302 Found after", "Retry-After: 30", "points to https://elsewhere.example, which was not followed"},
		secure.URL:                            {"certificate: not trusted", "expires 2084-01-29", "no answer after"},
		"http://127.0.0.1:1":                  {"connect 127.0.0.1:1:", "refused", "no answer"},
		"tcp://" + plain.URL[len("http://"):]: {"connect: 127.0.0.1"},
	} {
		res, err := New("1").Apply(t.Context(), request("http.status", nil, "url", at))
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		for _, w := range want {
			if !strings.Contains(res.Data["evidence"], w) {
				t.Errorf("%s: no %q in\n%s", at, w, res.Data["evidence"])
			}
		}
		if strings.Contains(res.Data["evidence"]+res.Detail, "secret") {
			t.Errorf("%s tells what it must not: %s", at, res.Data["evidence"])
		}
	}
}

// subject is both halves as one, in a world without a Redis or a PostgreSQL.
func subject(t *testing.T) actuatortest.Subject {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	says := func(_ context.Context, expr string) (string, error) { return "{a=\"1\"} 2\n", nil }
	front := NewFront("1", Sources{
		Query: says, Exemplars: says,
		Changes: func(context.Context, time.Duration) (string, error) { return "old\nnew", nil },
		Logs:    func(context.Context, []string, time.Duration) ([]byte, error) { return journalOf(), nil },
	}, func() (actuators.Actuator, error) { return New("1"), nil })
	const real = "shown by the live tests on a real server"
	return actuatortest.Subject{
		Actuator: front,
		Samples: []actuatortest.Sample{
			{Request: request("http.status", nil, "url", server.URL)},
			{Request: request("logs.search", nil, "trace", "abc")},
			{Request: request("metrics.query", nil, "expr", "up", "title", "who is up")},
			{Request: request("metrics.exemplars", nil, "expr", "up")},
			{Request: request("changes.recent", nil)},
		},
		Unproven: map[string]string{"redis.ttls": real, "redis.info": real, "postgres.activity": real, "postgres.slow": real},
		Failing: []actuatortest.Failing{
			{Name: "no address", Request: request("http.status", nil), Kind: actuators.Invalid},
			{Name: "a service without its units", Request: request("logs.search", nil, "service", "a"), Kind: actuators.Invalid},
			{Name: "no such span", Request: request("changes.recent", nil, "since", "x"), Kind: actuators.Invalid},
			{Name: "no such priority", Request: request("logs.search", nil, "priority", "loud"), Kind: actuators.Invalid},
			{Name: "no Redis there", Request: request("redis.info", []byte(`{"redis":{"address":"127.0.0.1:1"}}`)), Kind: actuators.Unavailable},
		},
	}
}

func TestContract(t *testing.T) { actuatortest.Run(t, subject) }

func TestWhatIsNotReadIsSaid(t *testing.T) {
	_, err := NewFront("1", Sources{}, nil).Apply(t.Context(), request("metrics.query", nil, "expr", "up"))
	if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), "no metrics are read") {
		t.Error(err)
	}
}
