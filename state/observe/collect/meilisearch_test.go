package collect

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

// meiliPages are what a Meilisearch answers, by the path that is asked for.
var meiliPages = map[string]string{
	"/health":                             `{"status":"available"}`,
	"/stats":                              `{"databaseSize":2048,"lastUpdate":null,"indexes":{"products":{"numberOfDocuments":1200,"isIndexing":true,"fieldDistribution":{}},"sellers\"\n":{"numberOfDocuments":3,"isIndexing":false}}}`,
	"/tasks?statuses=processing&limit=50": `{"results":[{"uid":7,"status":"processing","enqueuedAt":"2026-11-28T08:58:30.5Z"}],"total":1,"limit":50,"from":7,"next":null}`,
	"/tasks?statuses=enqueued&limit=50":   `{"results":[{"uid":99,"status":"enqueued","enqueuedAt":"2026-11-28T08:59:59Z"}],"total":61,"limit":50,"from":99,"next":49}`,
	"/tasks?statuses=enqueued&limit=1&reverse=true": `{"results":[{"uid":8,"status":"enqueued","enqueuedAt":"2026-11-28T08:58:00Z"}],"total":61}`,
	"/tasks?statuses=failed&limit=1":                `{"results":[{"uid":1,"status":"failed","enqueuedAt":"2026-11-27T08:58:00Z"}],"total":4}`,
}

// plays answers on one connection as often as it is asked; path and answer may be
// changed.
func plays(t testing.TB, change map[string]string) func(net.Conn) {
	return func(c net.Conn) {
		r := bufio.NewReader(c)
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if got := req.Header.Get("Authorization"); got != "Bearer "+secret {
				t.Errorf("it is asked with %q", got)
			}
			answer, ok := change[req.RequestURI]
			if !ok {
				answer, ok = http200(meiliPages[req.RequestURI]), meiliPages[req.RequestURI] != ""
			}
			if !ok {
				answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
			}
			if _, err := c.Write([]byte(answer)); err != nil {
				return
			}
			if strings.Contains(answer, "Connection: close") {
				return
			}
		}
	}
}

func meiliAt(p *desired.Port) desired.Metrics {
	return desired.Metrics{Meilisearch: &desired.Meilisearch{Port: p, Key: &desired.Secret{FromCredential: "key"}}}
}

func TestMeilisearch(t *testing.T) {
	asked := 0
	once := func(c net.Conn) { asked++; plays(t, nil)(c) }
	text, err := look(t, tester(""), meiliAt(serve(t, once)))
	if err != nil {
		t.Fatal(err)
	}
	has(t, text, "meilisearch_up 1", "meilisearch_index_lag_seconds 120", `meilisearch_tasks{status="enqueued"} 61`, `meilisearch_tasks{status="processing"} 1`, `meilisearch_tasks{status="failed"} 4`,
		"meilisearch_is_indexing 1", "meilisearch_db_size_bytes 2048", "meilisearch_index_count 2", `meilisearch_index_docs_count{index="products"} 1200`, `meilisearch_index_docs_count{index="sellers\" "} 3`)
	if asked != 1 {
		t.Errorf("it took %d connections", asked)
	}
}

func TestMeilisearchOfOtherVersions(t *testing.T) {
	refused := "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
	for name, c := range map[string]struct {
		change map[string]string
		lag    string
	}{
		"reverse is not known": {map[string]string{"/tasks?statuses=enqueued&limit=1&reverse=true": refused}, "89.5"},
		"nothing is counted": {map[string]string{
			"/tasks?statuses=processing&limit=50": http200(`{"results":[]}`),
			"/tasks?statuses=enqueued&limit=50":   http200(`{"results":[]}`),
		}, "0"},
		"its clock is ahead": {map[string]string{
			"/tasks?statuses=processing&limit=50": http200(`{"results":[],"total":0}`),
			"/tasks?statuses=enqueued&limit=50":   http200(`{"results":[{"enqueuedAt":"2026-11-28T10:00:00+00:00"}],"total":1}`),
		}, "0"},
		"no connection is kept": {map[string]string{"/stats": strings.Replace(http200(meiliPages["/stats"]), "\r\n", "\r\nConnection: close\r\n", 1)}, "120"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := look(t, tester(""), meiliAt(serve(t, plays(t, c.change))))
			if err != nil {
				t.Fatal(err)
			}
			has(t, text, "meilisearch_index_lag_seconds "+c.lag)
		})
	}
}

func TestMeilisearchThatMisbehaves(t *testing.T) {
	const isDown = "down"
	status := func(n int) string { return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", n) }
	one := func(path, answer string) *desired.Port {
		return serve(t, plays(t, map[string]string{path: answer}))
	}
	for _, c := range []struct {
		name string
		port *desired.Port
		want string
	}{
		{"nobody listens", closed(t), isDown},
		{"it is not well", one("/health", status(503)), isDown},
		{"it says so", one("/health", http200(`{"status":"unavailable"}`)), isDown},
		{"another service", one("/health", status(404)), "answers 404"},
		{"no key", one("/stats", status(401)), "wants a key"},
		{"a wrong key", one("/tasks?statuses=processing&limit=50", status(403)), "wants a key"},
		{"an error of its own", one("/stats", status(500)), "answers 500"},
		{"garbage for stats", one("/stats", http200(secret)), "stats cannot be read"},
		{"null for stats", one("/stats", http200("null")), "stats cannot be read"},
		{"stats of another kind", one("/stats", http200(`{"indexes":[]}`)), "stats cannot be read"},
		{"garbage for tasks", one("/tasks?statuses=enqueued&limit=50", http200("[]")), "tasks cannot be read"},
		{"tasks without a time", one("/tasks?statuses=enqueued&limit=50", http200(`{"results":[{}],"total":1}`)), "since when"},
		{"a time that is none", one("/tasks?statuses=enqueued&limit=50", http200(`{"results":[{"enqueuedAt":"x"}]}`)), "tasks cannot be read"},
		{"silence", serve(t, silent), "no whole answer"},
		{"a body without end", serve(t, forever("HTTP/1.1 200 OK\r\n\r\n", "x")), "longer than is read"},
		{"no HTTP", serve(t, says(secret+"\n")), "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := look(t, tester(""), meiliAt(c.port))
			switch {
			case c.want == isDown && (err != nil || !strings.HasSuffix(text, "\nmeilisearch_up 0\n")):
				t.Errorf("it is down: %v\n%s", err, text)
			case c.want != isDown && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
	if _, err := look(t, tester(""), desired.Metrics{Meilisearch: &desired.Meilisearch{Key: &desired.Secret{FromCredential: "none"}}}); err == nil {
		t.Error("there is no such key")
	}
}

func FuzzMeilisearch(f *testing.F) {
	for _, page := range meiliPages {
		f.Add(page)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := readTasks([]byte(text))
		if err == nil && (l.Total < l.Listed || l.Listed > 0 && l.Oldest.IsZero()) {
			t.Errorf("%+v", l)
		}
		p := newPage()
		if readStats([]byte(text), p) == nil {
			finished(t, p)
		}
	})
}
