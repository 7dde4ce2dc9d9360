package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// engine stands in for a Meilisearch, which Debian does not have: it speaks as much of
// its interface as tells how far its index is behind. Documents are tasks, done one
// after another; what is not done is still there after a restart.
type engine struct {
	file string // where tasks are kept; empty: nowhere

	mu    sync.Mutex
	tasks []task
	next  int
	docs  int
	stuck bool
}

// task is one batch of documents to be indexed.
type task struct {
	UID        int       `json:"uid"`
	IndexUID   string    `json:"indexUid"`
	Status     string    `json:"status"`
	Type       string    `json:"type"`
	EnqueuedAt time.Time `json:"enqueuedAt"`
}

// indexing is how long one task takes.
const indexing = 100 * time.Millisecond

// search plays Meilisearch: it answers on PORT, and keeps its tasks below
// STATE_DIRECTORY.
func search(ctx context.Context, getenv func(string) string, _ io.Writer) error {
	e := &engine{}
	if dir := getenv("STATE_DIRECTORY"); dir != "" {
		e.file = dir + "/tasks.json"
	}
	if err := e.load(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", getenv("PORT")))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: e.handler(), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := notify(getenv("NOTIFY_SOCKET"), "READY=1"); err != nil {
		return err
	}
	tick := time.NewTicker(indexing)
	defer tick.Stop()
	for {
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
			return errors.Join(server.Close(), e.save())
		case <-tick.C:
			e.index()
		}
	}
}

func (e *engine) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "available"})
	})
	mux.HandleFunc("GET /tasks", e.list)
	mux.HandleFunc("GET /stats", e.stats)
	mux.HandleFunc("POST /indexes/{uid}/documents", e.enqueue)
	mux.HandleFunc("POST /fault", e.fault)
	return mux
}

// index does the oldest task.
func (e *engine) index() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stuck || len(e.tasks) == 0 {
		return
	}
	e.tasks = e.tasks[1:]
	e.docs++
}

func (e *engine) enqueue(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	t := task{UID: e.next, IndexUID: r.PathValue("uid"), Status: "enqueued", Type: "documentAdditionOrUpdate", EnqueuedAt: time.Now().UTC()}
	e.next++
	e.tasks = append(e.tasks, t)
	e.mu.Unlock()
	reply(w, http.StatusAccepted, map[string]any{"taskUid": t.UID, "indexUid": t.IndexUID, "status": t.Status, "type": t.Type, "enqueuedAt": t.EnqueuedAt})
}

// list tells of tasks, the newest first: of what is done nothing is kept.
func (e *engine) list(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	found := slices.Clone(e.tasks)
	e.mu.Unlock()
	if len(found) > 0 {
		found[0].Status = "processing"
	}
	if status := r.FormValue("statuses"); status != "" {
		found = slices.DeleteFunc(found, func(t task) bool { return t.Status != status })
	}
	if r.FormValue("reverse") != "true" {
		slices.Reverse(found)
	}
	total, limit := len(found), 20
	if n, err := strconv.Atoi(r.FormValue("limit")); err == nil && n >= 0 {
		limit = n
	}
	found = append([]task{}, found[:min(limit, total)]...)
	reply(w, http.StatusOK, map[string]any{"results": found, "total": total, "limit": limit, "from": nil, "next": nil})
}

func (e *engine) stats(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{
		"databaseSize": 4096 * (1 + e.docs), "lastUpdate": time.Now().UTC(),
		"indexes": map[string]any{"products": map[string]any{"numberOfDocuments": e.docs, "isIndexing": len(e.tasks) > 0, "fieldDistribution": map[string]int{}}},
	})
}

// fault makes it stop indexing until it is restarted, as others have: kind=stuck.
func (e *engine) fault(w http.ResponseWriter, r *http.Request) {
	kind := r.FormValue("kind")
	if kind != "stuck" && kind != "off" {
		reply(w, http.StatusBadRequest, map[string]string{"error": fmt.Sprintf("kind=%q is not one of: off stuck", kind)})
		return
	}
	e.mu.Lock()
	e.stuck = kind == "stuck"
	e.mu.Unlock()
	reply(w, http.StatusOK, map[string]string{"fault": kind})
}

// kept is what outlasts a restart.
type kept struct {
	Tasks []task
	Next  int
	Docs  int
}

func (e *engine) save() error {
	if e.file == "" {
		return nil
	}
	e.mu.Lock()
	text, err := json.Marshal(kept{e.tasks, e.next, e.docs})
	e.mu.Unlock()
	if err != nil {
		return err
	}
	return os.WriteFile(e.file, text, 0o600)
}

func (e *engine) load() error {
	text, err := os.ReadFile(e.file)
	if e.file == "" || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return err
	}
	e.tasks, e.next, e.docs = k.Tasks, k.Next, k.Docs
	return nil
}
