package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"
)

// task is one, as Meilisearch shows it.
type task struct {
	UID        int        `json:"uid"`
	Index      string     `json:"indexUid"`
	Status     string     `json:"status"` // enqueued, processing, succeeded
	Type       string     `json:"type"`
	Details    details    `json:"details"`
	EnqueuedAt time.Time  `json:"enqueuedAt"`
	StartedAt  *time.Time `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"`
}

type details struct {
	Received int  `json:"receivedDocuments"`
	Indexed  *int `json:"indexedDocuments"`
}

// queue is all that the stand-in knows. It is safe for concurrent use.
type queue struct {
	file string // empty: nothing outlives the process

	mu    sync.Mutex
	Tasks []*task        `json:"tasks"`
	Docs  map[string]int `json:"docs"` // by index
	stuck bool
}

// maxTasks is how many tasks are kept; the oldest that are finished go first.
const maxTasks = 2000

func load(file string) (*queue, error) {
	q := &queue{file: file, Docs: map[string]int{}}
	b, err := os.ReadFile(file)
	if file == "" || errors.Is(err, fs.ErrNotExist) {
		return q, nil
	}
	if err == nil {
		err = json.Unmarshal(b, q)
	}
	if err != nil {
		return nil, fmt.Errorf("read the tasks: %w", err)
	}
	for _, t := range q.Tasks {
		if t.Status == "processing" { // it begins again
			t.Status, t.StartedAt = "enqueued", nil
		}
	}
	return q, nil
}

func (q *queue) save() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.write()
}

// write keeps the tasks; the lock is held.
func (q *queue) write() error {
	if q.file == "" {
		return nil
	}
	b, err := json.Marshal(q)
	if err == nil {
		err = os.WriteFile(q.file+".new", b, 0o600)
	}
	if err == nil {
		err = os.Rename(q.file+".new", q.file)
	}
	if err != nil {
		return fmt.Errorf("keep the tasks: %w", err)
	}
	return nil
}

func (q *queue) add(index string, documents int, now time.Time) (task, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := &task{Index: index, Status: "enqueued", Type: "documentAdditionOrUpdate", Details: details{Received: documents}, EnqueuedAt: now.UTC()}
	if n := len(q.Tasks); n > 0 {
		t.UID = q.Tasks[n-1].UID + 1
	}
	if len(q.Tasks) >= maxTasks {
		if q.Tasks[0].Status != "succeeded" {
			return task{}, errors.New("the task queue is full")
		}
		q.Tasks = q.Tasks[1:]
	}
	q.Tasks = append(q.Tasks, t)
	return *t, q.write()
}

// index does one task after the other until ctx ends, unless it is stuck.
func (q *queue) index(ctx context.Context, took time.Duration) error {
	tick := time.NewTicker(took)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			if err := q.step(now.UTC()); err != nil {
				return err
			}
		}
	}
}

// step ends the task that is being done, and begins the next.
func (q *queue) step(now time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stuck {
		return nil
	}
	ended := q.first("processing")
	if ended != nil {
		ended.Status, ended.FinishedAt, ended.Details.Indexed = "succeeded", &now, &ended.Details.Received
		q.Docs[ended.Index] += ended.Details.Received
	}
	if t := q.first("enqueued"); t != nil {
		t.Status, t.StartedAt = "processing", &now
	}
	if ended == nil {
		return nil
	}
	return q.write()
}

// first is the oldest task in a state.
func (q *queue) first(status string) *task {
	for _, t := range q.Tasks {
		if t.Status == status {
			return t
		}
	}
	return nil
}

func (q *queue) stick(on bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stuck = on
}

// list is a page of tasks, the newest first unless reverse.
func (q *queue) list(statuses map[string]bool, limit int, reverse bool) (page []task, total int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	page = []task{}
	for i := range q.Tasks {
		t := q.Tasks[i]
		if !reverse {
			t = q.Tasks[len(q.Tasks)-1-i]
		}
		if len(statuses) > 0 && !statuses[t.Status] {
			continue
		}
		if total++; len(page) < limit {
			page = append(page, *t)
		}
	}
	return page, total
}

// indexStats is what is known of an index.
type indexStats struct {
	Documents  int  `json:"numberOfDocuments"`
	IsIndexing bool `json:"isIndexing"`
}

func (q *queue) stats() map[string]indexStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := map[string]indexStats{}
	for index, n := range q.Docs {
		all[index] = indexStats{Documents: n}
	}
	for _, t := range q.Tasks {
		if t.Status == "processing" {
			all[t.Index] = indexStats{q.Docs[t.Index], true}
		}
	}
	return all
}
