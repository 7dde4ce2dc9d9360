package probes

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

func TestObserve(t *testing.T) {
	slow := probing(desired.LivenessProbe, func(p *desired.Probe) { p.InitialDelaySeconds = 60 })
	startup := probing(desired.StartupProbe, nil)
	for _, c := range []struct {
		name    string
		all     []desired.Probing
		unit    string // state
		answer  ask.Sample
		ask     string
		want    state.Verdict
		err     string
		samples int
	}{
		{"a sample is taken at once", []desired.Probing{liveness}, "active", good, "liveness/web.service", state.ProbeSuccess, "", 1},
		{"of what is down none is", []desired.Probing{liveness}, "failed", good, "liveness/web.service", state.ProbePending, "", 0},
		{"in the initial delay none is", []desired.Probing{slow}, "active", good, "liveness/web.service", state.ProbePending, "", 0},
		{"before the startup probe has succeeded none is", []desired.Probing{startup, liveness}, "active", good, "liveness/web.service", state.ProbePending, "", 0},
		{"of the startup probe itself it is", []desired.Probing{startup, liveness}, "active", good, "startup/web.service", state.ProbeSuccess, "", 1},
		{"an error of ours", []desired.Probing{liveness}, "active", blind, "liveness/web.service", state.ProbePending, blind.Err, 1},
		{"what is not declared", []desired.Probing{liveness}, "active", good, "liveness/db.service", state.ProbePending, "no probe of this name is declared", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newRig(t)
			b.Set(c.all)
			b.answers(c.answer)
			if c.unit == "active" {
				b.runs("i1", 0)
			} else {
				b.down(c.unit)
			}
			b.until(3 * time.Second)
			got := b.Observe(t.Context(), []string{c.ask, c.ask})
			f, ok := got[c.ask]
			if !ok || len(got) != 1 || f.Value.Verdict != c.want || f.Err != c.err || f.At != b.now() {
				t.Errorf("%s: %+v", c.name, got)
			}
			if n := len(b.sampled()); n != c.samples {
				t.Errorf("%s: %d samples", c.name, n)
			}
		})
	}
}

// Looking before an act shows the onset of a failure, and never makes a verdict.
func TestOurOwnLookingNeverTipsAThreshold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness})
		b.runs("i1", 0)
		defer b.watch()()
		b.until(21 * time.Second)
		b.answers(refused)
		for i := range 50 {
			f := b.Observe(t.Context(), []string{liveness.Name})[liveness.Name]
			if v := f.Value; v.Verdict != state.ProbeSuccess || v.Failing != booted+21*time.Second || v.Class != state.ClassRefused {
				t.Fatalf("look %d: %+v", i, v)
			}
			time.Sleep(100 * time.Millisecond)
		}
		b.until(49 * time.Second)
		b.want(liveness.Name, state.ProbeSuccess)
		b.until(51 * time.Second) // the third by the schedule: 30, 40, 50
		b.want(liveness.Name, state.ProbeFailure)
		if v := b.last(liveness.Name).Value; v.Since != booted+21*time.Second {
			t.Errorf("it is sick since %v", v.Since)
		}
		b.answers(good)
		if f := b.Observe(t.Context(), []string{liveness.Name})[liveness.Name]; f.Value.Verdict != state.ProbeSuccess {
			t.Errorf("a success is none: %+v", f)
		}
	})
}

func TestObserveIsBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness})
		b.runs("i1", 0)
		b.Observe(t.Context(), []string{liveness.Name})
		b.hangs()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		f := b.Observe(ctx, []string{liveness.Name})[liveness.Name]
		if f.Err == "" || f.Value.Verdict != state.ProbeSuccess || f.Value.Failing != 0 {
			t.Errorf("%+v", f)
		}
	})
}

func TestAWayToAskThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness})
		b.answer = func(context.Context, desired.Probing) ask.Sample { panic("oh") }
		b.runs("i1", 0)
		defer b.watch()()
		b.until(time.Minute)
		if f := b.last(liveness.Name); f.Err != "internal error: oh" || f.Value.Verdict != state.ProbePending {
			t.Errorf("%+v", f)
		}
		if got := b.log.text(); !strings.Contains(got, "a probe panicked") || !strings.Contains(got, liveness.Name) {
			t.Errorf("the log says %s", got)
		}
	})
}
