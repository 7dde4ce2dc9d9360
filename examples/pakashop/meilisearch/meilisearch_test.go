package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// call asks the API and returns the status and the answer.
func call(t *testing.T, h http.Handler, method, path, key, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, got
}

func total(t *testing.T, h http.Handler, status string) float64 {
	t.Helper()
	code, got := call(t, h, "GET", "/tasks?statuses="+status+"&limit=1", "", "")
	if code != http.StatusOK {
		t.Fatalf("%d %v", code, got)
	}
	return got["total"].(float64)
}

func steps(t *testing.T, q *queue, n int) {
	t.Helper()
	for range n {
		if err := q.step(time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// Tasks go from enqueued to succeeded one after the other; one that is stuck stays,
// while the health is as before, and a restart cures it and loses none.
func TestStuckUntilItIsRestarted(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tasks.json")
	q, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	h := handler(q, "")
	for _, body := range []string{`[{"id":1},{"id":2}]`, "{\"id\":3}\n{\"id\":4}\n\n{\"id\":5}\n"} {
		if code, got := call(t, h, "POST", "/indexes/products/documents", "", body); code != http.StatusAccepted || got["status"] != "enqueued" {
			t.Fatalf("%d %v", code, got)
		}
	}
	steps(t, q, 2)
	if a, b, c := total(t, h, "enqueued"), total(t, h, "processing"), total(t, h, "succeeded"); a != 0 || b != 1 || c != 1 {
		t.Errorf("enqueued %v, processing %v, succeeded %v", a, b, c)
	}
	call(t, h, "POST", "/fault?kind=stuck", "", "")
	steps(t, q, 10)
	if n := total(t, h, "enqueued,processing"); n != 1 {
		t.Errorf("%v are unfinished", n)
	}
	if code, got := call(t, h, "GET", "/health", "", ""); code != http.StatusOK || got["status"] != "available" {
		t.Errorf("%d %v", code, got)
	}

	again, err := load(file)
	if err != nil {
		t.Fatal(err)
	}
	steps(t, again, 2)
	_, got := call(t, handler(again, ""), "GET", "/stats", "", "")
	if docs := got["indexes"].(map[string]any)["products"].(map[string]any)["numberOfDocuments"]; docs != 5.0 {
		t.Errorf("%v documents", docs)
	}
}

func TestTheNewestTaskComesFirst(t *testing.T) {
	q, _ := load("")
	for range 3 {
		if _, err := q.add("x", 1, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for path, first := range map[string]float64{"/tasks": 2, "/tasks?limit=1": 2, "/tasks?reverse=true&limit=1": 0} {
		_, got := call(t, handler(q, ""), "GET", path, "", "")
		if uid := got["results"].([]any)[0].(map[string]any)["uid"]; uid != first || got["total"] != 3.0 {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	q, _ := load("")
	h := handler(q, "secret")
	for _, c := range []struct {
		method, path, key, body string
		want                    int
	}{
		{"GET", "/tasks", "", "", 401},
		{"GET", "/tasks", "wrong", "", 403},
		{"GET", "/tasks?unknown=1", "secret", "", 400},
		{"GET", "/tasks?limit=-1", "secret", "", 400},
		{"POST", "/indexes/a%20b/documents", "secret", "[]", 400},
		{"POST", "/indexes/x/documents", "secret", "[", 400},
		{"POST", "/indexes/x/documents", "secret", "{}\nno", 400},
		{"POST", "/fault?kind=fire", "", "", 400},
		{"GET", "/health", "", "", 200},
	} {
		if code, got := call(t, h, c.method, c.path, c.key, c.body); code != c.want {
			t.Errorf("%s %s: %d %v", c.method, c.path, code, got)
		}
	}
}
