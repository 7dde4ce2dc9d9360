package observe

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// What is seen of units reaches the probes, and what they come to the watcher.
func TestProbesOfUnits(t *testing.T) {
	p := newParts(t)
	p.units["web.service"] = state.Unit{Active: "active", Invocation: "i1"}
	o := New(Options{
		Now: func() state.Time { return at(1) }, Units: unitPart{p}, Files: filePart{p}, Links: linkPart{p}, Host: hostPart{p}, Journal: journalPart{p},
		Probes: probes.New(probes.Options{
			Now: func() state.Time { return at(time.Hour) },
			Ask: func(context.Context, desired.Probing) ask.Sample {
				return ask.Sample{Says: map[string]string{"redis": "ok"}}
			},
		}),
	})
	const name = "readiness/web.service"
	o.Probe([]desired.Probing{{Name: name, Kind: desired.ReadinessProbe, Unit: "web.service"}})
	ref := []state.Ref{{Kind: state.RefProbe, Name: name}}
	if f := o.Observe(t.Context(), ref).Probes[name]; f.Value.Verdict != state.ProbePending || !f.Known() {
		t.Errorf("before the unit was seen: %+v", f)
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended, came := make(chan error), make(chan state.Facts, 8)
	go func() {
		ended <- o.Watch(ctx, func() []state.Ref { return nil }, func([]state.Ref) {}, func(f state.Facts) { came <- f })
	}()
	if f := <-came; !reflect.DeepEqual(slices.Collect(maps.Keys(f.Probes)), []string{name}) {
		t.Errorf("at first came %+v", f)
	}
	o.Observe(ctx, []state.Ref{{Kind: state.RefUnit, Name: "web.service"}})
	for f := range came {
		if v := f.Probes[name].Value; v.Verdict == state.ProbeSuccess && v.Invocation == "i1" && v.Says["redis"] == "ok" {
			break
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
