package sim

import (
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// metrics are what rules and queries come to on this host. Nothing is evaluated:
// humans say it.
type metrics struct {
	alerts  map[string]state.Fact[state.Alerts] // by source; At is not used
	queries map[string]state.Fact[state.QueryResult]
	fresh   map[chan struct{}]map[string]bool // by watcher: the sources that it was not told of yet
}

func newMetrics() metrics {
	return metrics{
		alerts: map[string]state.Fact[state.Alerts]{}, queries: map[string]state.Fact[state.QueryResult]{},
		fresh: map[chan struct{}]map[string]bool{},
	}
}

// Evaluate says which rules and targets there are from now on. What they come to is
// said with SetAlerts and SetQuery, whatever they are.
func (h *Host) Evaluate([]desired.RuleFile, []desired.Target) {}

// SetAlerts has a source say that these alerts are active and no others, or that it
// cannot be asked. Those who watch are told at once.
func (h *Host) SetAlerts(source string, active []state.ActiveAlert, err string) {
	active = slices.Clone(active)
	for i, a := range active {
		if a.ID == "" {
			active[i].ID = state.AlertID(a.Labels)
		}
		if a.Name == "" {
			active[i].Name = a.Labels["alertname"]
		}
	}
	slices.SortFunc(active, func(a, b state.ActiveAlert) int { return strings.Compare(a.ID, b.ID) })
	_ = h.hand(func() error {
		h.metrics.alerts[source] = state.Fact[state.Alerts]{Value: state.Alerts{Active: active}, Err: err}
		for wake, sources := range h.metrics.fresh {
			sources[source] = true
			select {
			case wake <- struct{}{}:
			default:
			}
		}
		return nil
	})
}

// SetQuery has an expression come to something, or to nothing that is known.
func (h *Host) SetQuery(expr string, is state.QueryResult, err string) {
	_ = h.hand(func() error {
		h.metrics.queries[expr] = state.Fact[state.QueryResult]{Value: is, Err: err}
		return nil
	})
}

// alerts of a source: one that nobody spoke of has none.
func (h *Host) alerts(source string, at state.Time) state.Fact[state.Alerts] {
	f := h.metrics.alerts[source]
	f.At = at
	return f
}

// query of an expression: one that nobody spoke of is unknown.
func (h *Host) query(expr string, at state.Time) state.Fact[state.QueryResult] {
	f, ok := h.metrics.queries[expr]
	if !ok {
		f.Err = "no data"
	}
	f.At = at
	return f
}

// bring tells of the sources of alerts that changed, of all of them at first, until
// done is closed.
func (h *Host) bring(done <-chan struct{}, seen func(state.Facts)) {
	wake := make(chan struct{}, 1)
	h.mu.Lock()
	first := map[string]bool{}
	for source := range h.metrics.alerts {
		first[source] = true
	}
	h.metrics.fresh[wake] = first
	h.mu.Unlock()
	wake <- struct{}{}
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.metrics.fresh, wake)
	}()
	for {
		select {
		case <-done:
			return
		case <-wake:
		}
		h.mu.Lock()
		sources := h.metrics.fresh[wake]
		facts := state.Facts{Alerts: map[string]state.Fact[state.Alerts]{}}
		for source := range maps.Keys(sources) {
			facts.Alerts[source] = h.alerts(source, h.clock.now())
		}
		clear(sources)
		h.mu.Unlock()
		if len(facts.Alerts) > 0 {
			seen(facts)
		}
	}
}
