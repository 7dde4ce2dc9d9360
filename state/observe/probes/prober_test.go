package probes

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func TestAProcessThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{readiness})
		b.runs("i1", 0)
		defer b.watch()()
		b.until(time.Second)
		b.want("readiness/web.service", state.ProbeSuccess)
		if v := b.last("readiness/web.service").Value; v.Invocation != "i1" {
			t.Errorf("asked is %+v", v)
		}
		b.down("inactive")
		if v := b.last("readiness/web.service").Value; v.Invocation != "" || v.Verdict != state.ProbePending {
			t.Errorf("of what is down is known %+v", v)
		}
		b.sampled()
		b.until(5 * time.Minute)
		b.wantSampled()

		b.answers(bad)
		b.runs("i2", 5*time.Minute)
		b.until(5*time.Minute + 50*time.Millisecond)
		if v := b.last("readiness/web.service").Value; v.Invocation != "i2" || v.Verdict != state.ProbePending || v.Failing != booted+5*time.Minute {
			t.Errorf("of the new process is known %+v", v)
		}
	})
}

// What is under way when a process ends says nothing of the next one.
func TestASampleOfAnEarlierProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		slow := probing(desired.ReadinessProbe, func(p *desired.Probe) { p.TimeoutSeconds = 8 })
		b.Set([]desired.Probing{slow})
		b.hangs()
		b.runs("i1", 0)
		defer b.watch()()
		b.until(3 * time.Second)
		b.answers(good)
		b.runs("i2", 3*time.Second)
		b.until(3*time.Second + 20*time.Millisecond)
		if v := b.last(slow.Name).Value; v.Invocation != "i2" || v.Verdict != state.ProbeSuccess || v.Failing != 0 {
			t.Errorf("the sample of the former process is waited for, or counts: %+v", v)
		}
	})
}

func TestWhatUnitsCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness})
		b.runs("i1", 0)
		old := b.now()
		defer b.watch()()
		b.until(time.Minute)
		b.Units(map[string]state.Fact[state.Unit]{"web.service": {At: b.now(), Err: "no answer from systemd"}})
		b.Units(map[string]state.Fact[state.Unit]{"web.service": {At: old.Add(-1), Value: state.Unit{Active: "inactive"}}}) // overtaken
		b.until(2 * time.Minute)
		if n := len(b.sampled()); n != 13 {
			t.Errorf("asked %d times in two minutes", n)
		}
		b.want("liveness/web.service", state.ProbeSuccess)
	})
}

func TestANewSetKeepsWhatIsUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness, readiness})
		b.runs("i1", -time.Hour)
		defer b.watch()()
		b.until(time.Second)
		b.sampled()
		n := b.countReports()
		b.Set([]desired.Probing{probing(desired.LivenessProbe, nil), probing(desired.ReadinessProbe, nil)})
		b.until(9 * time.Second)
		b.wantSampled()
		if b.countReports() != n {
			t.Errorf("the same Set is news: %v", b.reports[n:])
		}

		// One is changed, one is gone.
		b.answers(bad)
		b.Set([]desired.Probing{probing(desired.LivenessProbe, func(p *desired.Probe) { p.FailureThreshold = 1 })})
		b.until(10100 * time.Millisecond)
		b.want(liveness.Name, state.ProbeFailure)
		b.sampled()
		b.until(30 * time.Second)
		if got := strings.Join(b.sampled(), " "); strings.Contains(got, "readiness") || !strings.Contains(got, "liveness") {
			t.Errorf("asked: %s", got)
		}

		// A startup probe for what is known to be well does not make it unknown.
		b.answers(good)
		b.until(45 * time.Second)
		b.Set([]desired.Probing{probing(desired.StartupProbe, nil), probing(desired.LivenessProbe, func(p *desired.Probe) { p.FailureThreshold = 1 })})
		b.want(liveness.Name, state.ProbeSuccess)
		b.until(46 * time.Second)
		b.want("startup/web.service", state.ProbeSuccess)
	})
}
