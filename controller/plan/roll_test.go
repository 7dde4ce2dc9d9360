package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// deployed is a host of n services, of which a deploy has just changed what the
// first few watch.
func deployed(n, changed int) *host {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("s%d", i+1))
	}
	h := newHost(names...)
	for _, name := range names {
		h.svc(name).Spec.Watch = []string{"/opt/" + name}
		h.lies("/opt/"+name, "old")
	}
	h.past.Ran = map[string]state.Ran{}
	h.settle()
	h.later(time.Hour)
	h.see()
	for _, name := range names[:changed] {
		h.lies("/opt/"+name, "new")
	}
	return h
}

// restart does the one Step that is ready, as a restart that succeeds.
func (h *host) restart(t *testing.T) string {
	t.Helper()
	p := h.make()
	h.fold(p)
	ready := plan.Ready(p, h.past)
	if len(ready) != 1 {
		t.Fatalf("%d steps are ready, want one:\n%s", len(ready), tell(p))
	}
	h.do(ready[0])
	h.did(t, ready[0])
	h.later(time.Millisecond)
	h.see()
	return ready[0].Action.Target
}

// A change that restarts more than a fifth of the services, and more than one,
// is rolled whatever policy allows to be under way at a time.
func TestWhatIsRolled(t *testing.T) {
	for _, c := range []struct {
		name              string
		services, changed int
		ready             int
	}{
		{"one of one", 1, 1, 1},
		{"one of four", 4, 1, 1},
		{"two of two", 2, 2, 1},
		{"two of nine", 9, 2, 1},
		{"two of ten: a fifth, no more", 10, 2, 2},
		{"three of ten", 10, 3, 1},
		{"all of ten", 10, 10, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := deployed(c.services, c.changed)
			h.want.Policy.Budgets.InFlight = 5
			p := h.make()
			if got := len(plan.Ready(p, h.past)); got != c.ready {
				t.Errorf("%d are ready, want %d:\n%s", got, c.ready, tell(p))
			}
			if len(p.Steps) != c.changed || len(p.Held) > 0 {
				t.Errorf("not all that will be done is shown:\n%s", tell(p))
			}
		})
	}
}

// What is not rolled is bounded by policy's number of disruptive steps at a time.
func TestLanes(t *testing.T) {
	for _, lanes := range []int{1, 2, 3} {
		h := deployed(20, 4)
		h.want.Policy.Budgets.InFlight = lanes
		if p := h.make(); len(plan.Ready(p, h.past)) != lanes || len(p.Steps) != 4 {
			t.Errorf("%d at a time:\n%s", lanes, tell(p))
		}
	}
}

func TestARoll(t *testing.T) {
	h := deployed(4, 3)
	h.want.Policy.Budgets.InFlight = 5
	if d := cmp.Diff(strings.Join([]string{
		"Service/s1 systemd.restart s1.service StaleProcess",
		"Service/s2 systemd.restart s2.service StaleProcess after [1]",
		"Service/s3 systemd.restart s3.service StaleProcess after [2]", "",
	}, "\n"), tell(h.make())); d != "" {
		t.Errorf("at first (-want +got):\n%s", d)
	}
	if got := h.restart(t); got != "s1.service" {
		t.Errorf("%s was first", got)
	}

	p := h.make()
	if d := cmp.Diff("held Service/s2 Rolling\nheld Service/s3 Rolling\n", tell(p)); d != "" {
		t.Errorf("just after the first (-want +got):\n%s", d)
	}
	if p.Again == nil || p.Again.Up-h.now.Up > time.Second {
		t.Errorf("it is planned again at %+v", p.Again)
	}
	h.later(time.Second)
	h.see()
	if got := h.restart(t); got != "s2.service" {
		t.Errorf("%s was second", got)
	}
	h.later(time.Second)
	h.see()
	if got := h.restart(t); got != "s3.service" {
		t.Errorf("%s was third", got) // alone it is no longer a fifth, and it is rolled all the same
	}
	h.settle()
	if len(h.past.Roll.Units) > 0 || tell(h.make()) != "" {
		t.Errorf("it is not over: %v\n%s", h.past.Roll, tell(h.make()))
	}
}

// Where one does not come up again the others stay as they are, and say so.
func TestARollStopsAtWhatDoesNotComeUp(t *testing.T) {
	const stopped = "held Service/s2 Rolling\nheld Service/s3 Rolling\n"
	sick := func(active, sub string) func(*host) {
		return func(h *host) {
			h.unit("s1.service", func(u *state.Unit) {
				u.Active, u.Sub, u.Changed, u.Exited, u.Stop = active, sub, h.now.Up, h.now.Up, state.StopByExit
			})
		}
	}
	onwards := "Service/s2 systemd.restart s2.service StaleProcess\nService/s3 systemd.restart s3.service StaleProcess after [1]\n"
	for _, c := range []struct {
		name string
		make func(h *host)
		want string
	}{
		{"failed", sick("failed", "failed"), "Service/s1 systemd.start s1.service Failed charged\n" + stopped},
		{"ended", sick("inactive", "dead"), "Service/s1 systemd.start s1.service NotRunning charged\n" + stopped},
		{"systemd tries again", sick("activating", "auto-restart"), "held Service/s1 SystemdActing\n" + stopped},
		{"failed, and nothing is tried any more", func(h *host) {
			sick("failed", "failed")(h)
			h.past.Charges["s1.service"] = []state.Time{h.now, h.now, h.now}
		}, "held Service/s1 BudgetSpent\nheld Service/s1 Backoff\n" + stopped},
		{"nobody can tell", func(h *host) {
			h.have.Units["s1.service"] = state.Fact[state.Unit]{At: h.now, Err: "no answer"}
		}, "held Service/s1 Unobserved\n" + stopped + "gap Service/s1 unit:s1.service\n"},
		{"a human stopped it", func(h *host) {
			sick("inactive", "dead")(h)
			h.unit("s1.service", func(u *state.Unit) { u.Stop = state.StopByJob })
		}, onwards + "held Service/s1 ManualStop\n"},
		{"it is no longer declared to run", func(h *host) {
			sick("inactive", "dead")(h)
			h.svc("s1").Spec.State = desired.Ignored
		}, onwards},
		{"another service is sick", func(h *host) {
			h.unit("s4.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
		}, "Service/s4 systemd.start s4.service Failed charged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := deployed(4, 3)
			h.restart(t)
			h.settle()
			h.later(2 * time.Second)
			h.see()
			c.make(h)
			got := tell(h.make())
			if c.name == "another service is sick" {
				if !strings.Contains(got, c.want) || !strings.Contains(got, "systemd.restart s2.service") {
					t.Errorf("plan:\n%s", got)
				}
				return
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// The next one is only restarted after a look at the last one.
func TestARollLooksAtTheLastOne(t *testing.T) {
	h := deployed(4, 3)
	h.restart(t)
	h.later(2 * time.Second)
	h.see()
	ready := plan.Ready(h.make(), h.past)
	if len(ready) != 1 || !slices.Contains(ready[0].Rests, state.Ref{Kind: state.RefUnit, Name: "s1.service"}) {
		t.Errorf("ready: %+v", ready)
	}
}

// A roll that its window cuts short goes on as a roll in the next one.
func TestARollOverTwoWindows(t *testing.T) {
	h := deployed(10, 3)
	h.window("nights", true, "10 5 * * *", 5*time.Minute) // h.now is 03:00 UTC, 05:00 in Lusaka
	if got := tell(h.make()); strings.Contains(got, "systemd.restart") {
		t.Fatalf("too early:\n%s", got)
	}
	h.fold(h.make())
	h.later(10 * time.Minute)
	h.see()
	h.restart(t)
	h.later(5 * time.Minute)
	h.see()
	h.fold(h.make())
	if got := len(h.past.Roll.Units); got != 3 {
		t.Errorf("%d units belong to the roll, want 3", got)
	}
	h.unit("s1.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
	h.past.Charges["s1.service"] = []state.Time{h.now, h.now, h.now}
	h.later(24*time.Hour - 5*time.Minute)
	h.past.Charges["s1.service"] = []state.Time{h.now, h.now, h.now}
	h.see()
	if got := tell(h.make()); strings.Contains(got, "systemd.restart") || !strings.Contains(got, "held Service/s2 Rolling") {
		t.Errorf("plan:\n%s", got)
	}
}

// Quiet lasts while a package manager is at work and as long after as its
// observer says; then the loop looks again.
func TestQuietAroundPackages(t *testing.T) {
	h := deployed(4, 1)
	h.have.Host.Value.Packages = true
	if p := h.make(); tell(p) != "held Service/s1 PackageManager\n" || p.Again != nil {
		t.Errorf("at work:\n%s%+v", tell(p), p.Again)
	}
	h.have.Host.Value.Packages, h.have.Host.Value.PackagesUntil = false, h.now.Up+time.Minute
	p := h.make()
	if tell(p) != "held Service/s1 PackageManager\n" || p.Again == nil || p.Again.Up != h.now.Up+time.Minute {
		t.Errorf("just after:\n%s%+v", tell(p), p.Again)
	}
	h.svc("s1").Spec.RestartOn.Watch = desired.Manual
	if got := tell(h.make()); got != "held Service/s1 PendingRestart\n" {
		t.Errorf("what waits for a human waits for nothing else:\n%s", got)
	}
	h.svc("s1").Spec.RestartOn.Watch = desired.Now
	h.past.Asks["a1"] = state.Ask{ID: "a1", Object: "Service/s1", Verb: "restart", Units: []string{"s1.service"}, Actor: "ann", At: h.now}
	if got := tell(h.make()); got != "Service/s1 systemd.restart s1.service ByHand\n" {
		t.Errorf("a human waits for the end of its work only:\n%s", got)
	}
	h.have.Host.Value.Packages = true
	if got := tell(h.make()); !strings.Contains(got, "held Service/s1 PackageManager") {
		t.Errorf("a human does not wait for the end of its work:\n%s", got)
	}
	h.have.Host.Value.Packages = false
	delete(h.past.Asks, "a1")
	h.later(time.Minute)
	if got := tell(h.make()); got != "Service/s1 systemd.restart s1.service StaleProcess\n" {
		t.Errorf("a minute later:\n%s", got)
	}
	for _, s := range h.make().Steps {
		if !slices.Contains(s.Rests, state.Ref{Kind: state.RefHost}) {
			t.Errorf("%s does not look for a package manager first", s.Action)
		}
	}
}

// Whatever share of a host a deploy changes, and wherever a crash loses an
// outcome, each is restarted and nothing else, and at the end no roll is left.
func TestEveryRollEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "services")
		h := deployed(n, rapid.IntRange(0, n).Draw(t, "changed"))
		h.want.Policy.Budgets.InFlight = rapid.IntRange(1, 3).Draw(t, "at a time")
		shown := map[string]bool{}
		for _, s := range h.make().Steps {
			shown[s.ID] = true
		}
		done := map[string]bool{}
		for _, s := range h.converge(t, rapid.IntRange(-1, n).Draw(t, "crash")) {
			done[s.ID] = true
		}
		h.settle()
		if d := cmp.Diff(shown, done); d != "" {
			t.Fatalf("shown and done (-shown +done):\n%s", d)
		}
		if len(h.past.Roll.Units) > 0 || tell(h.make()) != "" {
			t.Fatalf("left: %v\n%s", h.past.Roll, tell(h.make()))
		}
	})
}
