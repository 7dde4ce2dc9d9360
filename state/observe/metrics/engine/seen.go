package engine

import (
	"context"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// seen notes which series a query selected: by their targets, and by the names of
// those that no target said.
type seen struct {
	mu     sync.Mutex
	places map[place]bool
	others map[string]bool // names of series, of recording rules most likely
}

func newSeen() *seen { return &seen{places: map[place]bool{}, others: map[string]bool{}} }

type seenKey struct{}

func withSeen(ctx context.Context, s *seen) context.Context {
	return context.WithValue(ctx, seenKey{}, s)
}

// watched is a Queryable whose queries are seen.
type watched struct {
	storage.Queryable
	recorded func(name string) bool
}

// Querier is for Prometheus' engine.
func (w watched) Querier(mint, maxt int64) (storage.Querier, error) {
	q, err := w.Queryable.Querier(mint, maxt)
	return watchedQuerier{q, w.recorded}, err
}

type watchedQuerier struct {
	storage.Querier
	recorded func(name string) bool
}

// Select is for Prometheus' engine.
func (q watchedQuerier) Select(ctx context.Context, sorted bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	set := q.Querier.Select(ctx, sorted, hints, matchers...)
	s, ok := ctx.Value(seenKey{}).(*seen)
	if !ok {
		return set
	}
	return watchedSet{set, s, q.recorded}
}

type watchedSet struct {
	storage.SeriesSet
	seen     *seen
	recorded func(name string) bool
}

// At is for Prometheus' engine.
func (w watchedSet) At() storage.Series {
	s := w.SeriesSet.At()
	ls := s.Labels()
	name := ls.Get(model.MetricNameLabel)
	w.seen.mu.Lock()
	defer w.seen.mu.Unlock()
	if w.recorded(name) {
		w.seen.others[name] = true
	} else {
		w.seen.places[place{ls.Get("job"), ls.Get("instance")}] = true
	}
	return s
}
