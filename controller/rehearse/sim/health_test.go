package sim

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// probed asks after web.service and an Endpoint, every five seconds.
func probed() []desired.Probing {
	p := desired.Probe{PeriodSeconds: 5, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3}
	one := func(kind string) desired.Probing {
		return desired.Probing{Name: desired.ProbeName(kind, "web.service"), Kind: kind, Object: "Service/web", Unit: "web.service", Probe: p}
	}
	away := desired.Probing{Name: "endpoint/pay", Kind: desired.EndpointProbe, Object: "Endpoint/pay", Probe: p}
	return []desired.Probing{one(desired.LivenessProbe), one(desired.ReadinessProbe), away}
}

// What humans do to the health of a process, the network or something outside is
// told by probes as on a real host: after their thresholds, and of the process
// that runs.
func TestWhatProbesComeTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := enabled(t, Options{})
		var mu sync.Mutex
		facts := map[string]state.Fact[state.Probe]{}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { h.Run(ctx) })
		wg.Go(func() {
			_ = h.Watch(ctx, func() []state.Ref { return nil }, func([]state.Ref) {}, func(f state.Facts) {
				mu.Lock()
				defer mu.Unlock()
				maps.Copy(facts, f.Probes)
			})
		})
		synctest.Wait()
		h.Probe(probed())
		want := func(what, live, ready, pay string) {
			t.Helper()
			h.Observe(ctx, []state.Ref{{Kind: state.RefUnit, Name: "web.service"}}) // as a controller does when it is told of a change
			time.Sleep(16 * time.Second)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			for name, want := range map[string]string{"liveness/web.service": live, "readiness/web.service": ready, "endpoint/pay": pay} {
				f := facts[name]
				got := string(f.Value.Verdict)
				if f.Value.Class != "" {
					got += " " + f.Value.Class
				}
				if f.Err != "" {
					got = f.Err
				}
				if got != want {
					t.Errorf("%s: %s: %q, want %q", what, name, got, want)
				}
			}
		}
		const ok, blind = "success", "network is unreachable"
		want("all is well", ok, ok, ok)
		must(t, h.FallSick("web.service", Unready, 0))
		want("not ready", ok, "failure status", ok)
		must(t, h.FallSick("web.service", Hung, 1))
		want("hung", "failure timeout", "failure timeout", ok)
		must(t, h.Restart("web.service"))
		want("the next process hangs, too", "failure timeout", "failure timeout", ok)
		must(t, h.Restart("web.service"))
		want("the one after it is well", ok, ok, ok)
		must(t, h.FallSick("web.service", Wrong, 0))
		want("something else answers", "failure wrong", "failure wrong", ok)
		h.Recover("web.service")
		h.Away("Endpoint/pay", true)
		want("what is outside is away", ok, ok, "failure timeout")
		h.Away("Endpoint/pay", false)
		h.SetNetwork(Lost)
		want("the loopback is lost", "failure refused", "failure refused", "failure refused")
		h.SetNetwork(Unreachable)
		want("nothing can be asked", blind, blind, blind)
		h.SetNetwork(Whole)
		want("it is back", ok, ok, ok)
		if err := h.FallSick("none.service", Hung, 0); err == nil {
			t.Error("what does not run hangs")
		}
		cancel()
		wg.Wait()
	})
}
