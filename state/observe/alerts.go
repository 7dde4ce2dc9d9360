package observe

import (
	"context"
	"strings"
	"sync"

	"github.com/pakashop/evenkeel/state"
)

// Alerts knows which alerts are active of the sources that it has;
// *alertmanager.Source has it.
type Alerts interface {
	Has(source string) bool
	Observe(ctx context.Context, sources []string) map[string]state.Fact[state.Alerts]
	Watch(ctx context.Context, seen func(map[string]state.Fact[state.Alerts]))
}

// evaluated are the alerts of the rules that are evaluated here.
type evaluated struct{ Metrics }

func (evaluated) Has(source string) bool {
	return strings.HasPrefix(source, "rule/") || strings.HasPrefix(source, "prometheus/")
}

func (e evaluated) Observe(ctx context.Context, sources []string) map[string]state.Fact[state.Alerts] {
	return e.Metrics.Observe(ctx, sources, nil).Alerts
}

// alerts reads sources, each from the part that has it.
func (o *Observer) alerts(ctx context.Context, sources []string) map[string]state.Fact[state.Alerts] {
	now := o.opt.Now()
	var out state.Facts
	var mu sync.Mutex // of out
	var wg sync.WaitGroup
	defer wg.Wait()
	asked := make(map[string]bool)
	for _, part := range o.opt.Alerts {
		var its []string
		for _, name := range sources {
			if !asked[name] && part.Has(name) {
				asked[name] = true
				its = append(its, name)
			}
		}
		if len(its) == 0 {
			continue
		}
		wg.Go(func() {
			f := part.Observe(ctx, its)
			mu.Lock()
			defer mu.Unlock()
			out.Add(state.Facts{Alerts: f})
		})
	}
	wg.Wait()
	for _, name := range sources {
		if !asked[name] {
			out.Add(state.Facts{Alerts: map[string]state.Fact[state.Alerts]{name: {At: now, Err: "nothing here brings the alerts of " + name}}})
		}
	}
	return out.Alerts
}
