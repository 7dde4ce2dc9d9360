package observe

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// source has the alerts of all sources that begin with its name.
type source string

func (s source) Has(name string) bool { return strings.HasPrefix(name, string(s)) }

func (s source) Observe(_ context.Context, names []string) map[string]state.Fact[state.Alerts] {
	out := make(map[string]state.Fact[state.Alerts])
	for _, n := range names {
		out[n] = state.Fact[state.Alerts]{At: at(2), Value: state.Alerts{Active: []state.ActiveAlert{{ID: string(s), Name: n}}}}
	}
	return out
}

func (s source) Watch(ctx context.Context, seen func(map[string]state.Fact[state.Alerts])) {
	seen(s.Observe(ctx, []string{string(s)}))
	<-ctx.Done()
}

// Each source is read from the part that has it, and what no part has is not known.
func TestAlertsOfSeveralParts(t *testing.T) {
	p := newParts(t)
	o := New(Options{
		Now: func() state.Time { return at(1) }, Units: unitPart{p}, Files: filePart{p}, Links: linkPart{p}, Host: hostPart{p}, Journal: journalPart{p},
		Alerts: []Alerts{source("rule/"), source("alertmanager")},
	})
	var refs []state.Ref
	for _, name := range []string{"rule/a/A", "alertmanager", "prometheus/x", "rule/b/B"} {
		refs = append(refs, state.Ref{Kind: state.RefAlerts, Name: name})
	}
	got := map[string]string{}
	for name, f := range o.Observe(t.Context(), refs).Alerts {
		got[name] = f.Err
		for _, a := range f.Value.Active {
			got[name] += a.ID
		}
	}
	want := map[string]string{"rule/a/A": "rule/", "rule/b/B": "rule/", "alertmanager": "alertmanager", "prometheus/x": "nothing here brings the alerts of prometheus/x"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended, came := make(chan error), make(chan state.Facts, 8)
	go func() {
		ended <- o.Watch(ctx, func() []state.Ref { return nil }, func([]state.Ref) {}, func(f state.Facts) { came <- f })
	}()
	brought := map[string]bool{}
	for len(brought) < 2 {
		for name := range (<-came).Alerts {
			brought[name] = true
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
