package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// act does the one Step of a plan that disturbs something, as it was planned.
func (h *host) act(t *testing.T) state.Step {
	t.Helper()
	h.settle()
	p := h.make()
	ready := plan.Ready(p, h.past)
	if len(ready) != 1 {
		t.Fatalf("want one step that is ready:\n%s", tell(p))
	}
	s := ready[0]
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
	h.later(100 * time.Millisecond)
	if s.Action.Actuator == "systemd" {
		up := h.now.Up
		h.unit(s.Action.Target, func(u *state.Unit) {
			u.Active, u.Sub, u.Result, u.Stop = "active", "running", "success", ""
			u.Invocation, u.Entered = fmt.Sprintf("i-%d", up), up
		})
	}
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
	h.later(100 * time.Millisecond)
	h.see()
	return s
}

// has fails unless the plan says something.
func (h *host) has(t *testing.T, want string) {
	t.Helper()
	h.settle()
	if got := tell(h.make()); !strings.Contains(got, want) {
		t.Fatalf("at %v the plan does not say %q:\n%s", h.now.Up, want, got)
	}
}

func (h *host) hasNot(t *testing.T, what string) {
	t.Helper()
	h.settle()
	if got := tell(h.make()); strings.Contains(got, what) {
		t.Fatalf("at %v the plan says %q:\n%s", h.now.Up, what, got)
	}
}

func ladder(names ...string) []desired.Do {
	var out []desired.Do
	for _, n := range names {
		out = append(out, desired.Do{Do: n})
	}
	return out
}

// A ladder is climbed rung by rung, each once, each judged by what came after it.
func TestLadder(t *testing.T) {
	const live = desired.LivenessProbe
	begin := func(do ...string) *host {
		h := newHost("web")
		h.probed("web", live)
		h.svc("web").Spec.Remedies = ladder(do...)
		h.want.Policy.Actions = map[string]string{"fix.it": desired.Auto}
		h.fails("web", live, time.Minute)
		return h
	}
	t.Run("restart, then another remedy, then a human, then once more", func(t *testing.T) {
		h := begin("restart", "fix.it", "escalate")
		if s := h.act(t); s.Action.Verb != "restart" || s.Rung != 1 || s.Case == "" {
			t.Fatalf("first: %+v", s)
		}
		h.probe("web", live, state.Probe{}) // the new process was not asked yet
		h.has(t, "held Service/web Verifying")
		h.hasNot(t, "fix.it")
		h.later(time.Minute)
		h.fails("web", live, 20*time.Second)
		s := h.act(t)
		if s.Action.String() != "fix.it" || s.Rung != 2 {
			t.Fatalf("second: %+v", s)
		}
		h.fails("web", live, 25*time.Second)
		h.has(t, "held Service/web Verifying")
		h.later(time.Minute)
		h.fails("web", live, 2*time.Minute)
		h.has(t, "held Service/web Escalated")
		h.hasNot(t, "systemd.restart")
		h.later(31 * time.Minute)
		h.fails("web", live, 30*time.Minute)
		if s := h.act(t); s.Action.Verb != "restart" {
			t.Fatalf("half-open: %+v", s)
		}
		h.later(time.Minute)
		h.fails("web", live, 20*time.Second)
		h.has(t, "held Service/web Escalated")
		h.later(45 * time.Minute)
		h.fails("web", live, 20*time.Second)
		h.has(t, "held Service/web Escalated") // it rests twice as long now
	})
	t.Run("it helps: watched, then closed", func(t *testing.T) {
		h := begin("restart", "fix.it")
		h.act(t)
		h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		h.has(t, "held Service/web Verifying")
		if !h.make().InSync() {
			t.Fatalf("a service that is well is no difference:\n%s", tell(h.make()))
		}
		h.later(11 * time.Minute)
		h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up - 11*time.Minute})
		h.settle()
		if len(h.past.Cases) > 0 || tell(h.make()) != "" {
			t.Fatalf("the case did not close: %+v\n%s", h.past.Cases, tell(h.make()))
		}
	})
	t.Run("nobody knows how it is: that heals nothing", func(t *testing.T) {
		h := begin("restart", "fix.it")
		h.act(t)
		h.blindTo("web", live)
		h.settle()
		h.later(20 * time.Minute)
		h.blindTo("web", live)
		h.settle()
		if c, open := h.past.CaseOf("Service/web", "web.service"); !open || !c.Well.IsZero() {
			t.Fatalf("the case counts as healed: %+v", c)
		}
	})
	t.Run("a relapse goes on where it was", func(t *testing.T) {
		h := begin("restart", "fix.it")
		h.act(t)
		h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		h.settle()
		h.later(5 * time.Minute)
		h.fails("web", live, 30*time.Second)
		if s := h.act(t); s.Action.String() != "fix.it" {
			t.Fatalf("want the second rung: %+v", s)
		}
	})
	t.Run("what cannot be done is passed over, and said", func(t *testing.T) {
		h := begin("rollback", "restart")
		h.has(t, "held Service/web NotAllowed")
		if s := h.act(t); s.Action.Verb != "restart" || s.Rung != 2 {
			t.Fatalf("%+v", s)
		}
	})
	t.Run("a remedy that was cut short is tried again", func(t *testing.T) {
		h := begin("restart", "fix.it")
		h.settle()
		s := plan.Ready(h.make(), h.past)[0]
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
		h.later(20 * time.Second)
		h.see()
		h.fails("web", live, time.Minute)
		if again := h.act(t); again.ID != s.ID {
			t.Fatalf("want %s again, got %+v", s.ID, again)
		}
	})
	t.Run("a program that was cut short is not run again", func(t *testing.T) {
		h := begin("exec.run", "fix.it")
		h.svc("web").Spec.Remedies[0].With = map[string]any{"argv": []any{"/usr/local/bin/mend", "--all"}, "timeout": "1d"}
		h.want.Policy.Actions["exec.run"] = desired.Auto
		h.settle()
		s := plan.Ready(h.make(), h.past)[0]
		if got := s.Action.String(); got != `exec.run /usr/local/bin/mend argv=["--all"] timeout=24h0m0s` || s.Key != s.Case+"/1/0" || s.Case == "" {
			t.Errorf("%s with key %q", got, s.Key)
		}
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
		h.later(5 * time.Minute)
		h.see()
		h.fails("web", live, time.Minute)
		if next := h.act(t); next.Action.String() != "fix.it" || next.Key != "" {
			t.Fatalf("want the next remedy, got %+v", next)
		}
	})
	t.Run("actuators are told what they take", func(t *testing.T) {
		h := begin("cache.flush")
		h.svc("web").Spec.Remedies[0].With = map[string]any{"cache": "web", "idle": "30d"}
		h.want.Caches = []desired.Cache{{Name: "web", Digest: "d1", Spec: desired.CacheSpec{Nginx: &desired.NginxCache{Path: "/var/cache/nginx"}}}}
		h.want.Policy.Actions["cache.flush"] = desired.Auto
		if got := h.act(t).Action.String(); got != "cache.flush web declared=d1 idle=720h0m0s path=/var/cache/nginx" {
			t.Error(got)
		}
	})
	t.Run("a stop is one of the service's own unit", func(t *testing.T) {
		if got := begin("stop").act(t).Action.String(); !strings.HasPrefix(got, "systemd.stop web.service") {
			t.Error(got)
		}
	})
	t.Run("a remedy needs approval: it waits, and says so once", func(t *testing.T) {
		h := begin("cache.flush")
		h.svc("web").Spec.Remedies[0].With = map[string]any{"cache": "pages"}
		h.want.Caches = []desired.Cache{{Name: "pages", Digest: "d1"}}
		told := 0
		for range 3 {
			p := h.make()
			for _, n := range p.Notes {
				if n.Kind == state.NoteCase && n.Detail != "" {
					told++
				}
			}
			h.fold(p)
		}
		h.has(t, "held Service/web AwaitingApproval")
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
	t.Run("it did not help, and something else fell sick right after it: it stops", func(t *testing.T) {
		h := begin("restart", "fix.it")
		h.add("other")
		h.probed("other", live)
		h.act(t)
		h.later(30 * time.Second)
		h.fails("other", live, 20*time.Second)
		h.fails("web", live, 20*time.Second)
		h.has(t, "held Service/web RemedyWorse")
		h.hasNot(t, "fix.it")
		h.has(t, "systemd.restart other.service") // one alone may be chance
	})
	t.Run("others fall sick together right after a remedy: none of them is touched", func(t *testing.T) {
		h := begin("restart", "fix.it")
		for _, name := range []string{"one", "two", "a", "b", "c", "d", "e", "f"} {
			h.add(name)
			h.probed(name, live)
		}
		h.act(t)
		h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
		h.settle()
		h.later(30 * time.Second)
		h.fails("one", live, 20*time.Second)
		h.failing("two", live, 10*time.Second)
		h.has(t, "held Service/one RemedyWorse")
		h.hasNot(t, "systemd.restart")
	})
	t.Run("health that comes and goes calls nobody twice", func(t *testing.T) {
		h := begin("escalate")
		told := 0
		for i := range 10 {
			if i%2 == 0 {
				h.fails("web", live, time.Second)
			} else {
				h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up})
			}
			for range 3 {
				p := h.make()
				for _, n := range p.Notes {
					if n.Kind == state.NoteCase && n.Detail != "" {
						told++
					}
				}
				h.fold(p)
			}
			h.later(20 * time.Second)
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
	for _, c := range []struct {
		name  string
		round int // how often it has tried once more
		want  string
	}{
		{"the start after a remedy was cut short: the remedy is not tried again", 0, "systemd.restart web.service 2"},
		{"so it was while it tried once more: that was the one try", 1, "held Escalated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := begin("fix.it", "restart")
			for range c.round {
				h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteCase, Object: "Service/web", Name: "web.service", Case: &state.Case{
					ID: "case-1", Object: "Service/web", Unit: "web.service", Reason: state.LivenessFailed, Opened: h.now, Round: 1,
				}}})
			}
			h.act(t)
			h.unit("web.service", func(u *state.Unit) { dead(u); u.Exited, u.Rested, u.Changed = h.now.Up, h.now.Up, h.now.Up })
			h.settle()
			s := plan.Ready(h.make(), h.past)[0]
			if s.Action.Verb != "start" || s.Rung != 1 {
				t.Fatalf("want the start after the first remedy: %+v", s)
			}
			h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
			h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
			h.unit("web.service", func(u *state.Unit) {
				u.Active, u.Sub, u.Result, u.Invocation, u.Entered = "active", "running", "success", "i9", h.now.Up
			})
			h.later(time.Minute)
			h.see()
			h.settle()
			h.fails("web", live, 30*time.Second)
			h.settle()
			got := ""
			for _, s := range plan.Ready(h.make(), h.past) {
				got += fmt.Sprintf("%s %d", s.Action, s.Rung)
			}
			for _, held := range h.make().Held {
				if !held.Info {
					got += "held " + string(held.Reason)
				}
			}
			if got != c.want {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
	t.Run("it tries once more, another remedy each time", func(t *testing.T) {
		h := begin("fix.it", "restart")
		var did []string
		for range 4 {
			s := h.act(t)
			did = append(did, s.Action.Verb)
			for range 3 {
				h.later(time.Minute)
				h.fails("web", live, 50*time.Second)
				h.settle()
			}
			if len(did) > 1 {
				h.has(t, "held Service/web Escalated")
				h.later(24 * time.Hour)
				h.see()
				h.fails("web", live, 50*time.Second)
				continue
			}
		}
		if got := strings.Join(did, " "); got != "it restart it restart" {
			t.Errorf("it did: %s", got)
		}
	})
	t.Run("there is nothing to try: told once, and not tried once more", func(t *testing.T) {
		h := begin("escalate")
		told := 0
		for range 5 {
			p := h.make()
			told += tells(p)
			h.fold(p)
			for _, held := range p.Held {
				if held.Reason == state.Escalated && held.Until != nil {
					t.Errorf("at %v it says it will be tried at %v", h.now.Up, held.Until.Up)
				}
			}
			h.later(2 * time.Hour)
			h.see()
			h.fails("web", live, time.Hour)
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
	t.Run("what it waits for changes to and fro: told seldom", func(t *testing.T) {
		h := begin("fix.it", "restart")
		h.svc("web").Spec.Limits.Backoff = nil
		told := 0
		for n := range 20 {
			h.want.Policy.Actions["fix.it"], h.past.Charges[""] = desired.Approve, nil
			if n%2 == 1 {
				h.want.Policy.Actions["fix.it"], h.past.Charges[""] = desired.Auto, []state.Time{h.now, h.now, h.now}
			}
			p := h.make()
			told += tells(p)
			h.fold(p)
			h.later(2 * time.Minute)
			h.see()
			h.fails("web", live, 40*time.Second)
		}
		if told != 2 {
			t.Errorf("told %d times within 40 minutes", told)
		}
	})
	t.Run("what a human retries begins anew", func(t *testing.T) {
		h := begin("escalate")
		h.has(t, "held Service/web Escalated")
		h.svc("web").Spec.Remedies = ladder("restart")
		h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteRetried, Object: "Service/web", Name: "web.service"}})
		h.has(t, "systemd.restart web.service")
	})
}

// tells counts what a plan tells a human.
func tells(p state.Plan) (n int) {
	for _, note := range p.Notes {
		if note.Kind == state.NoteCase && note.Detail != "" {
			n++
		}
	}
	return n
}

// A unit that a human stopped has no Case, and nobody is told that its limits are
// spent; the plan is made once, not again and again.
func TestAHumanKeepsItDown(t *testing.T) {
	for _, remedies := range [][]desired.Do{nil, ladder("restart")} {
		h := newHost("web")
		h.svc("web").Spec.Remedies = remedies
		h.past.Charges["web.service"] = []state.Time{h.now, h.now, h.now}
		h.unit("web.service", func(u *state.Unit) {
			dead(u)
			u.Active, u.Sub, u.Result, u.Stop, u.Restarts = "inactive", "dead", "success", state.StopByJob, 2
		})
		h.settle()
		h.later(11 * time.Minute)
		h.see()
		p := h.make()
		if len(p.Notes)+len(h.past.Cases) > 0 || tell(p) != "held Service/web ManualStop\nheld Service/web BudgetSpent\n" {
			t.Errorf("with %v: %v and\n%s", remedies, p.Notes, tell(p))
		}
		if p.Again == nil || p.Again.Up-h.now.Up < 10*time.Minute {
			t.Errorf("it is to be made again at %v", p.Again)
		}
	}
}

// systemd's start limit is reset before a start that is a remedy; the reset is none.
func TestAResetIsNoRemedy(t *testing.T) {
	h := newHost("web")
	h.svc("web").Spec.Remedies = ladder("restart", "escalate")
	h.unit("web.service", func(u *state.Unit) { dead(u); u.Result, u.Rested = "start-limit-hit", 0 })
	h.settle()
	for _, s := range h.make().Steps {
		if (s.Case != "") != (s.Action.Verb == "start") {
			t.Errorf("%s is a remedy of %q", s.Action, s.Case)
		}
	}
}

// Before a remedy begins the probes of its own unit are read again, as they are
// after it, and those of everybody else, for it may be no sickness of its own.
func TestWhatARemedyRestsOn(t *testing.T) {
	h := newHost("db", "mail", "web")
	h.svc("web").Requires = []string{"db"}
	for _, n := range []string{"db", "mail", "web"} {
		h.probed(n, desired.LivenessProbe)
	}
	h.endpoint("pawapay", state.Probe{Verdict: state.ProbeSuccess}, "web")
	h.fails("web", desired.LivenessProbe, time.Minute)
	h.settle()
	s := h.make().Steps[0]
	names := func(refs []state.Ref) (out []string) {
		for _, r := range refs {
			out = append(out, r.String())
		}
		slices.Sort(out)
		return out
	}
	if got := strings.Join(names(s.Rests), " "); got != "host: probe:liveness/web.service unit:web.service" {
		t.Errorf("it rests on %s", got)
	}
	if got := strings.Join(names(s.Heeds), " "); got != "probe:endpoint/pawapay probe:liveness/db.service probe:liveness/mail.service" {
		t.Errorf("it heeds %s", got)
	}
}

// Remedies are climbed for what does not stay up, too.
func TestLadderOfWhatIsDown(t *testing.T) {
	h := newHost("web")
	h.svc("web").Spec.Remedies = ladder("fix.it", "restart", "escalate")
	h.want.Policy.Actions = map[string]string{"fix.it": desired.Auto}
	down := func() {
		h.later(30 * time.Second)
		h.see()
		at := h.now.Up
		h.unit("web.service", func(u *state.Unit) { dead(u); u.Exited, u.Rested, u.Changed = at, at, at })
	}
	down()
	var did []string
	for range 5 {
		s := h.act(t)
		did = append(did, fmt.Sprintf("%d %s", s.Rung, s.Action))
		if s.Action.Actuator == "systemd" {
			down()
		}
		h.later(5 * time.Minute)
		h.see()
		if p := h.make(); len(p.Steps) == 0 {
			h.fold(p)
			break
		}
	}
	want := "0 systemd.start web.service; 1 fix.it; 1 systemd.start web.service; 2 systemd.start web.service"
	if got := strings.Join(did, "; "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	h.has(t, "held Service/web Escalated")
}
