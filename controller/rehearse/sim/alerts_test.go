package sim

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pakashop/evenkeel/state"
)

// What humans say of alerts is told to those who watch, once each time that it is
// said, and read again by those who ask; so is what they say of queries.
func TestWhatRulesComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := enabled(t, Options{})
		const source = "rule/shop/Backlog"
		backlog := state.ActiveAlert{Firing: true, Labels: map[string]string{"alertname": "Backlog"}}
		h.SetAlerts(source, nil, "")
		var mu sync.Mutex
		var told []string
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = h.Watch(ctx, func() []state.Ref { return nil }, func([]state.Ref) {}, func(f state.Facts) {
				mu.Lock()
				defer mu.Unlock()
				for name, f := range f.Alerts {
					told = append(told, fmt.Sprint(name, " ", len(f.Value.Active), " ", f.Err))
				}
			})
		})
		synctest.Wait()
		h.SetAlerts(source, []state.ActiveAlert{backlog}, "")
		synctest.Wait()
		h.SetAlerts(source, nil, "its process has ended")
		h.SetQuery("backlog > 1", state.QueryResult{Yes: true}, "")
		synctest.Wait()
		cancel()
		wg.Wait()
		want := []string{source + " 0 ", source + " 1 ", source + " 0 its process has ended"}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told %q, want %q", told, want)
		}

		h.SetAlerts(source, []state.ActiveAlert{backlog}, "")
		f := h.Observe(t.Context(), []state.Ref{
			{Kind: state.RefAlerts, Name: source},
			{Kind: state.RefAlerts, Name: "rule/shop/Other"},
			{Kind: state.RefQuery, Name: "backlog > 1"},
			{Kind: state.RefQuery, Name: "other"},
		})
		if a := f.Alerts[source]; !a.Known() || len(a.Value.Active) != 1 || a.Value.Active[0].Name != "Backlog" || a.Value.Active[0].ID != state.AlertID(backlog.Labels) {
			t.Errorf("%s is %+v", source, a)
		}
		if a := f.Alerts["rule/shop/Other"]; !a.Known() || len(a.Value.Active) != 0 {
			t.Errorf("a rule of which nobody spoke is %+v", a)
		}
		if q := f.Queries["backlog > 1"]; !q.Known() || !q.Value.Yes {
			t.Errorf("the query is %+v", q)
		}
		if q := f.Queries["other"]; q.Known() {
			t.Errorf("a query of which nobody spoke is %+v", q)
		}
	})
}
