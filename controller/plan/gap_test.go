package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What was read before our own last step on a unit had ended says nothing about
// it now: it is a gap, and nothing is done on its word.
func TestAFactOlderThanOurOwnStepIsAGap(t *testing.T) {
	h := newHost("web")
	f := h.have.Units["web.service"]
	f.Value.Active, f.Value.Sub, f.Value.Result = "failed", "failed", "signal"
	h.have.Units["web.service"] = f
	if p := h.make(); len(p.Steps) != 1 {
		t.Fatalf("a unit that failed should be started:\n%s", tell(p))
	}
	ref := state.Ref{Kind: state.RefUnit, Name: "web.service"}
	h.past.Ended[ref.String()] = f.At.Add(time.Millisecond)
	p := h.make()
	if len(p.Steps) != 0 {
		t.Errorf("something is done on the word of an old fact:\n%s", tell(p))
	}
	if len(p.Gaps) == 0 || p.Gaps[0].Source != ref {
		t.Errorf("there is no gap for %s:\n%s", ref, tell(p))
	}
}

// A revision declares a file that nobody has looked at yet, for a service that is down:
// it is written first, and the service is started with it. What cannot be read keeps
// nothing down.
func TestAStartWaitsForWhatIsNotLookedAtYet(t *testing.T) {
	for _, c := range []struct {
		name  string
		fact  *state.Fact[state.File]
		steps string
	}{
		{"not looked at", nil, ""},
		{"not there", &state.Fact[state.File]{At: t0}, "Service/web file.write /etc/web.conf FileDrift\nService/web systemd.start web.service NotRunning after [1] charged\n"},
		{"unreadable", &state.Fact[state.File]{At: t0, Err: "input/output error"}, "Service/web systemd.start web.service NotRunning charged\n"},
	} {
		h := newHost("web", "front")
		h.svc("front").Requires = []string{"web"}
		h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Stop = "inactive", "dead", state.StopByExit })
		h.svc("web").Files = []desired.Artifact{{Path: "/etc/web.conf", Digest: state.Digest([]byte("x")), Mode: 0o644, Owner: "root", Group: "root"}}
		if c.fact != nil {
			h.have.Files["/etc/web.conf"] = *c.fact
		}
		p := h.make()
		said := tell(state.Plan{Steps: p.Steps})
		if said != c.steps {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, tell(p), c.steps)
		}
		if c.fact == nil && (len(p.Gaps) == 0 || p.Gaps[0].Source.Name != "/etc/web.conf") {
			t.Errorf("%s: no gap has it looked at:\n%s", c.name, tell(p))
		}
	}
}

// What evenkeel did in an earlier boot, in which the wall clock was ahead, was
// before everything of this one: the same is planned as if it had been behind.
func TestAnEarlierBootWithAWrongClock(t *testing.T) {
	const unit = "web.service"
	stopped := func(u *state.Unit) {
		u.Active, u.Sub, u.MainPID, u.Exited, u.Changed, u.Stop = "inactive", "dead", 0, 4*time.Minute, 4*time.Minute, state.StopByJob
	}
	for _, c := range []struct {
		name string
		make func(h *host, before state.Time)
		want string
	}{
		{"it did something to the unit", func(h *host, before state.Time) {
			h.past.Ended[state.Ref{Kind: state.RefUnit, Name: unit}.String()] = before
			h.unit(unit, func(u *state.Unit) { stopped(u); u.Stop = state.StopByExit })
		}, "Service/web systemd.start web.service NotRunning charged\n"},
		{"it did something to the file", func(h *host, before state.Time) {
			path := h.svc("web").UnitFile.Path
			h.past.Ended[state.Ref{Kind: state.RefFile, Name: path}.String()] = before
			h.gone(path)
			h.svc("web").Spec.RestartOn.Unit = desired.Manual
		}, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n"},
		{"its steps were about what a probe says", func(h *host, before state.Time) {
			h.probed("web", desired.LivenessProbe)
			h.past.Ended[state.Ref{Kind: state.RefProbe, Name: desired.ProbeName(desired.LivenessProbe, unit)}.String()] = before
			h.svc("web").Spec.Remedies = ladder("restart")
			h.fails("web", desired.LivenessProbe, 10*time.Second)
		}, "Service/web systemd.restart web.service LivenessFailed charged\nheld Service/web LivenessFailed\n"},
		{"it loaded systemd's files, and wrote one in this boot", func(h *host, before state.Time) {
			h.past.Reloaded = before
			h.past.Touched = state.Time{Wall: boot0.Add(3 * time.Minute), Up: 3 * time.Minute, Boot: "b1"}
		}, "Host/app-1 systemd.daemon-reload  DaemonReloadNeeded\n"},
		{"it started what it stopped in this boot", func(h *host, before state.Time) {
			h.past.Started[unit] = before
			h.past.Stopped[unit] = state.Time{Wall: boot0.Add(4 * time.Minute), Up: 4 * time.Minute, Boot: "b1"}
			h.unit(unit, stopped)
		}, "Service/web systemd.start web.service NotRunning charged\n"},
		{"it started what somebody called off in this boot", func(h *host, before state.Time) {
			h.past.Started[unit] = before
			h.past.Failures[state.StartKey("Service/web", unit)] = state.Failure{Count: 1, Kind: state.Canceled, At: h.now}
			h.unit(unit, func(u *state.Unit) { stopped(u); u.Entered, u.Stop = 0, state.StopByExit })
		}, "held Service/web ManualStop\nheld Service/web Backoff\n"},
	} {
		for clock, before := range map[string]state.Time{
			"behind": {Wall: boot0.Add(-time.Hour), Up: time.Hour, Boot: "b0"},
			"ahead":  {Wall: boot0.Add(time.Hour), Up: time.Hour, Boot: "b0"},
		} {
			h := newHost("web")
			c.make(h, before)
			h.settle()
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("%s, its clock was %s (-want +got):\n%s", c.name, clock, d)
			}
		}
	}
}
