package collect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

const (
	fromTasks = "GET /tasks"
	fromStats = "GET /stats"
)

var (
	meiliUp       = gauge("meilisearch_up", "GET /health", "Whether Meilisearch answers: 0 where nobody listens, or it says that it is not available.")
	meiliTasks    = gauge("meilisearch_tasks", fromTasks, "Tasks that it knows of.", "status")
	meiliLag      = gauge("meilisearch_index_lag_seconds", fromTasks, "Age of the oldest task that is not finished; 0: there is none.")
	meiliIndexing = gauge("meilisearch_is_indexing", fromStats, "Whether an index is being written.")
	meiliSize     = gauge("meilisearch_db_size_bytes", fromStats, "Size of the database.")
	meiliIndexes  = gauge("meilisearch_index_count", fromStats, "Indexes.")
	meiliDocs     = gauge("meilisearch_index_docs_count", fromStats, "Documents.", "index")
)

func meilisearchMetrics() []Metric {
	return []Metric{meiliUp, meiliTasks, meiliLag, meiliIndexing, meiliSize, meiliIndexes, meiliDocs}
}

// meili is one conversation with a Meilisearch.
type meili struct {
	pages *ask.Pages
	at    desired.Meilisearch
	key   string
}

func (c *Collector) meilisearch(ctx context.Context, t desired.Target, p *page) error {
	m := meili{pages: c.asker.Pages(t.Unit, maxRead), at: *t.Metrics.Meilisearch}
	defer m.pages.Close()
	if m.at.Key != nil {
		if c.opt.Secret == nil {
			return errors.New("the key is a secret, and none can be read here")
		}
		key, err := c.opt.Secret(ctx, *m.at.Key)
		if err != nil {
			return err
		}
		m.key = key
	}
	to := address(m.at.Host, m.at.Port, 7700)
	status, body, err := m.get(ctx, "/health")
	if err == nil && (status >= 500 || status == http.StatusOK && !available(body)) {
		p.add(meiliUp, 0)
		return nil
	}
	if err == nil && status != http.StatusOK {
		return fmt.Errorf("GET /health answers %d", status)
	}
	if err == nil {
		p.add(meiliUp, 1)
		err = m.read(ctx, c.opt.Now(), p)
	}
	var said wrong
	if err == nil || errors.As(err, &said) {
		return err
	}
	no, err := down(ctx, err, t.Unit, to)
	if no && p.n == 0 {
		p.add(meiliUp, 0)
		return nil
	}
	if no { // it was there a moment ago
		return errors.New("it went away meanwhile")
	}
	return err
}

// wrong is an answer that is of no use.
type wrong string

func (w wrong) Error() string { return string(w) }

func available(body []byte) bool {
	var h struct {
		Status string `json:"status"`
	}
	return json.Unmarshal(body, &h) == nil && h.Status == "available"
}

func (m meili) get(ctx context.Context, path string) (int, []byte, error) {
	port := m.at.Port
	if port == nil {
		port = &desired.Port{Number: 7700}
	}
	header := []desired.Header{{Name: "User-Agent", Value: agent}, {Name: "Connection", Value: "keep-alive"}}
	if m.key != "" {
		header = append(header, desired.Header{Name: "Authorization", Value: "Bearer " + m.key})
	}
	return m.pages.Get(ctx, &desired.HTTPGet{Host: m.at.Host, Port: port, Path: path, HTTPHeaders: header})
}

// good is get for what must answer 200.
func (m meili) good(ctx context.Context, path string) ([]byte, error) {
	switch status, body, err := m.get(ctx, path); {
	case err != nil:
		return nil, err
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return nil, wrong("Meilisearch wants a key, or another one: metrics.meilisearch.key")
	case status != http.StatusOK:
		return nil, wrong("Meilisearch answers " + strconv.Itoa(status))
	default:
		return body, nil
	}
}

// unfinished are the states of a task that is waited for.
var unfinished = []string{"processing", "enqueued"}

func (m meili) read(ctx context.Context, now time.Time, p *page) error {
	body, err := m.good(ctx, "/stats")
	if err != nil {
		return err
	}
	if err := readStats(body, p); err != nil {
		return err
	}
	var oldest time.Time
	for _, status := range unfinished {
		l, err := m.tasks(ctx, status, "&limit="+strconv.Itoa(maxTasks))
		if err != nil {
			return err
		}
		p.add(meiliTasks, float64(l.Total), status)
		oldest = earlier(oldest, l.Oldest)
		if l.Total > l.Listed { // the newest come first
			old, err := m.tasks(ctx, status, "&limit=1&reverse=true")
			var refused wrong
			if err != nil && !errors.As(err, &refused) {
				return err
			}
			oldest = earlier(oldest, old.Oldest)
		}
	}
	failed, err := m.tasks(ctx, "failed", "&limit=1")
	if err != nil {
		return err
	}
	p.add(meiliTasks, float64(failed.Total), "failed")
	lag := 0.0
	if !oldest.IsZero() {
		lag = max(0, now.Sub(oldest).Seconds())
	}
	p.add(meiliLag, lag)
	return nil
}

// maxTasks is how many tasks of a state are listed at once.
const maxTasks = 50

func (m meili) tasks(ctx context.Context, status, more string) (listing, error) {
	body, err := m.good(ctx, "/tasks?statuses="+status+more)
	if err != nil {
		return listing{}, err
	}
	return readTasks(body)
}

// listing is what is wanted of a list of tasks.
type listing struct {
	Total, Listed int
	Oldest        time.Time // when the oldest one of those listed was enqueued
}

func readTasks(body []byte) (listing, error) {
	var l struct {
		Results []struct {
			EnqueuedAt time.Time `json:"enqueuedAt"`
		} `json:"results"`
		Total *int `json:"total"`
	}
	if err := json.Unmarshal(body, &l); err != nil || l.Results == nil {
		return listing{}, wrong("Meilisearch's list of tasks cannot be read")
	}
	found := listing{Total: len(l.Results), Listed: len(l.Results)}
	if l.Total != nil {
		found.Total = max(*l.Total, found.Listed) // versions before 1.2 do not count
	}
	for _, one := range l.Results {
		if one.EnqueuedAt.IsZero() {
			return listing{}, wrong("Meilisearch's list of tasks does not say since when they wait")
		}
		found.Oldest = earlier(found.Oldest, one.EnqueuedAt)
	}
	return found, nil
}

// earlier is the earlier time of those that are set.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// maxIndexes bounds the indexes that are told of.
const maxIndexes = 200

func readStats(body []byte, p *page) error {
	var s struct {
		DatabaseSize *float64 `json:"databaseSize"`
		Indexes      map[string]struct {
			Documents  float64 `json:"numberOfDocuments"`
			IsIndexing bool    `json:"isIndexing"`
		} `json:"indexes"`
	}
	if err := json.Unmarshal(body, &s); err != nil || s.Indexes == nil || s.DatabaseSize == nil {
		return wrong("Meilisearch's stats cannot be read")
	}
	p.add(meiliSize, *s.DatabaseSize)
	p.add(meiliIndexes, float64(len(s.Indexes)))
	indexing := false
	for i, name := range slices.Sorted(maps.Keys(s.Indexes)) {
		indexing = indexing || s.Indexes[name].IsIndexing
		if i < maxIndexes {
			p.add(meiliDocs, s.Indexes[name].Documents, name)
		}
	}
	p.add(meiliIndexing, truth(indexing))
	return nil
}
