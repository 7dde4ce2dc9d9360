package audit_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// tale is a record that a test tells line by line. Time stands still until it
// passes.
type tale struct {
	entries []state.Entry
	at      state.Time
	o       audit.Options
	set     *desired.Set
}

var began = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

// newTale begins an hour after a boot: db, web that requires it, and evenkeel,
// which knows that both run.
func newTale() *tale {
	t := &tale{at: state.Time{Wall: began, Up: time.Hour, Boot: "b1"}, set: &desired.Set{Revision: "r1", Policy: desired.BuiltInPolicy()}}
	t.o.Want = func(string) *desired.Set { return t.set }
	for _, name := range []string{"db", "web"} {
		t.set.Services = append(t.set.Services, desired.Service{
			Name: name, Units: []string{name + ".service"}, UnitFile: &desired.Artifact{},
			Spec: desired.ServiceSpec{State: desired.Running, Limits: &desired.Limits{
				Restarts: 3, Per: desired.Duration(30 * time.Minute), Backoff: []desired.Duration{desired.Duration(10 * time.Second), desired.Duration(time.Minute)},
			}},
		})
		t.note(state.Note{Kind: state.NoteManaged, Object: "Service/" + name, Managed: &state.Managed{Units: []string{name + ".service"}}})
		t.note(state.Note{Kind: state.NoteRan, Object: "Service/" + name, Name: name + ".service", Ran: &state.Ran{Invocation: "i1"}})
	}
	t.set.Services[1].Requires = []string{"db"}
	return t
}

func (t *tale) add(e state.Entry) {
	e.Seq, e.At = uint64(len(t.entries)+1), t.at
	t.entries = append(t.entries, e)
}

func (t *tale) note(n state.Note)    { t.add(state.Entry{Note: &n}) }
func (t *tale) wait(d time.Duration) { t.at = t.at.Add(d) }
func (t *tale) begins(s state.Step) {
	t.add(state.Entry{Intent: &state.Intent{Step: s, Revision: "r1"}})
}
func (t *tale) ends(s state.Step) { t.endsAs(s, state.Done) }
func (t *tale) does(s state.Step) { t.begins(s); t.ends(s) }
func (t *tale) opens(c state.Case) {
	t.note(state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Case: &c})
}
func (t *tale) service(i int) *desired.Service { return &t.set.Services[i] }

func (t *tale) endsAs(s state.Step, status state.Status) {
	t.add(state.Entry{Outcome: &state.Outcome{ID: s.ID, Status: status}})
}

// marks notes a Case as it goes on from what the record says of it.
func (t *tale) marks(c state.Case, tell string) {
	p := state.NewPast()
	for _, e := range t.entries {
		p.Fold(e)
	}
	if now, ok := p.CaseOf(c.Object, c.Unit); ok {
		c.Tried = now.Tried
	}
	t.note(state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Detail: tell, Case: &c})
}

// step is a Step on a unit of the service that its name begins with.
func step(verb, unit string, change ...func(*state.Step)) state.Step {
	steps++
	s := state.Step{
		ID: fmt.Sprint("step", steps), Object: "Service/" + unit[:len(unit)-len(".service")], Reason: state.Failed, Effect: actuators.Benign,
		Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit},
	}
	if verb != "start" && verb != "enable" {
		s.Effect = actuators.Disruptive
	}
	for _, f := range change {
		f(&s)
	}
	return s
}

var steps int

func charged(s *state.Step) { s.Remedial = true }

// stale is a restart for a declared change, which is no repair.
func stale(s *state.Step) { s.Reason = state.StaleProcess }

func reason(r state.Reason) func(*state.Step) { return func(s *state.Step) { s.Reason = r } }

// rung makes a Step a remedy of a Case.
func rung(c state.Case, n int) func(*state.Step) {
	return func(s *state.Step) {
		s.Case, s.Rung, s.Object, s.Remedial, s.Reason = c.ID, n, c.Object, true, state.LivenessFailed
	}
}

// sick is a Case of a unit that opens now.
func (t *tale) sick(name string) state.Case {
	c := state.Case{ID: "case-" + name, Object: "Service/" + name, Unit: name + ".service", Reason: state.LivenessFailed, Opened: t.at}
	t.opens(c)
	return c
}

func (t *tale) over(c state.Case, r state.Reason) state.Case {
	c.Ended, c.At, c.Why = r, t.at, "it is over"
	return c
}

// Each promise is kept by one record and broken by another that is nearly the
// same; the rule that says so is named.
func TestEachPromise(t *testing.T) {
	const web, db = "web.service", "db.service"
	for _, c := range []struct {
		name, rule string // no rule: the record is fine
		tell       func(t *tale)
	}{
		{"nothing happens", "", func(*tale) {}},
		{"an entry is missing", "numbers", func(t *tale) { t.note(state.Note{Kind: state.NoteSettled}); t.entries[4].Seq++ }},
		{"an entry says nothing", "form", func(t *tale) { t.add(state.Entry{}) }},
		{"a step ends that never began", "intent first", func(t *tale) { t.ends(step("start", web)) }},
		{"a step begins while it is under way", "in flight", func(t *tale) { s := step("enable", web); t.begins(s); t.begins(s) }},
		{"intents go back in time", "order", func(t *tale) { t.does(step("enable", web)); t.wait(-time.Second); t.does(step("enable", db)) }},
		{"two start side by side", "", func(t *tale) { t.begins(step("start", web, charged)); t.begins(step("start", db, charged)) }},
		{"two of one unit side by side", "one a unit", func(t *tale) { t.begins(step("start", web, charged)); t.begins(step("restart", web, stale)) }},
		{"two disturb side by side", "one at a time", func(t *tale) { t.begins(step("restart", web, stale)); t.begins(step("restart", db, stale)) }},
		{"policy lets two", "", func(t *tale) {
			t.set.Policy.Budgets.InFlight = 2
			t.begins(step("restart", web, stale))
			t.begins(step("restart", db, stale))
		}},
		{"the protected set", "protected", func(t *tale) { t.does(step("restart", "dbus.service")) }},
		{"mode observe", "observe", func(t *tale) { t.set.Policy.Mode = desired.Observe; t.does(step("start", web, charged)) }},
		{"management observe", "observe", func(t *tale) { t.service(1).Spec.Management = desired.Observe; t.does(step("start", web, charged)) }},
		{"a restart that is called benign", "effect", func(t *tale) { t.does(step("restart", web, func(s *state.Step) { s.Effect = actuators.Benign })) }},

		{"what had run is started, charged", "", func(t *tale) { t.does(step("start", web, charged)) }},
		{"what had run is started, not charged", "charged", func(t *tale) { t.does(step("start", web)) }},
		{"sick and restarted, not charged", "charged", func(t *tale) { t.does(step("restart", web, reason(state.LivenessFailed))) }},
		{"a remedy that is not charged", "charged", func(t *tale) {
			t.does(step("restart", web, rung(t.sick("web"), 1), func(s *state.Step) { s.Remedial, s.Reason = false, state.Failed }))
		}},
		{"three repairs", "", func(t *tale) { t.repairs(web, 3, 2*time.Minute) }},
		{"four repairs", "budget", func(t *tale) { t.repairs(web, 4, 2*time.Minute) }},
		{"four repairs, the first of them long ago", "", func(t *tale) { t.repairs(web, 1, 26*time.Minute); t.repairs(web, 3, 2*time.Minute) }},
		{"four repairs over a reboot", "budget", func(t *tale) {
			t.repairs(web, 3, 2*time.Minute)
			t.at.Up, t.at.Boot = 10*time.Minute, "b2"
			t.repairs(web, 1, 0)
		}},
		{"four repairs, and a human cleared the first ones", "", func(t *tale) {
			t.repairs(web, 3, 2*time.Minute)
			t.note(state.Note{Kind: state.NoteRetried, Object: "Service/web", Name: web})
			t.repairs(web, 1, 0)
		}},
		{"a repair that was charged at its end only is one all the same", "budget", func(t *tale) {
			t.repairs(web, 3, 2*time.Minute)
			t.begins(step("start", web, charged))
		}},
		{"repairs without a pause", "backoff", func(t *tale) { t.repairs(web, 2, 5*time.Second) }},
		{"the second pause is the longer one", "backoff", func(t *tale) { t.repairs(web, 3, 20*time.Second) }},
		{"well for long, but for a restart that failed", "", func(t *tale) {
			t.repairs(web, 1, 9*time.Minute+40*time.Second)
			s := step("restart", web, charged)
			t.begins(s)
			t.endsAs(s, state.StepFailed)
			t.wait(30 * time.Second)
			t.does(step("start", web, charged))
		}},
		{"well for long, but for a restart", "backoff", func(t *tale) {
			t.repairs(web, 1, 9*time.Minute+40*time.Second)
			t.does(step("restart", web, charged))
			t.wait(30 * time.Second)
			t.does(step("start", web, charged))
		}},
		{"the host's budget", "host's budget", func(t *tale) {
			t.set.Policy.Budgets.Disruptive = 1
			t.does(step("restart", db, charged))
			t.does(step("restart", web, charged))
		}},

		{"a human lets one pass the host's budget", "", func(t *tale) {
			t.set.Policy.Budgets.Disruptive = 1
			t.does(step("restart", db, charged))
			t.note(state.Note{Kind: state.NoteLet, Object: "Service/web", Name: web})
			t.does(step("restart", web, charged))
		}},

		{"what it requires is sick", "root first", func(t *tale) {
			t.sick("db")
			t.does(step("restart", web, rung(t.sick("web"), 1)))
		}},
		{"what it requires was sick and is watched", "", func(t *tale) {
			c := t.sick("db")
			c.Well = t.at
			t.marks(c, "")
			t.does(step("restart", web, rung(t.sick("web"), 1)))
		}},
		{"something else answers, and it is restarted", "no restart", func(t *tale) { t.does(step("restart", web, charged, reason(state.WrongService))) }},
		{"it goes up and down, and is restarted", "no restart", func(t *tale) { t.does(step("restart", web, charged, reason(state.Flapping))) }},
		{"a stateful service is restarted", "no restart", func(t *tale) {
			t.service(0).Spec.Stateful = true
			t.does(step("restart", db, rung(t.sick("db"), 1)))
		}},
		{"a stateful service is restarted as declared", "", func(t *tale) {
			t.service(0).Spec.Stateful, t.service(0).Spec.Remedies = true, ladder("restart")
			t.does(step("restart", db, rung(t.sick("db"), 1)))
		}},
	} {
		t.Run(c.name, func(t *testing.T) { judged(t, c.rule, c.tell) })
	}
}

// repairs starts a unit again and again.
func (t *tale) repairs(unit string, n int, pause time.Duration) {
	for range n {
		t.does(step("start", unit, charged))
		t.wait(pause)
	}
}

func ladder(names ...string) []desired.Do {
	var out []desired.Do
	for _, n := range names {
		out = append(out, desired.Do{Do: n})
	}
	return out
}

func judged(t *testing.T, rule string, tell func(*tale)) {
	t.Helper()
	r := newTale()
	tell(r)
	err := audit.Check(r.entries, r.at, r.o)
	var b *audit.Breach
	switch {
	case rule == "" && err != nil:
		t.Errorf("a record that is fine: %v", err)
	case rule != "" && err == nil:
		t.Errorf("nothing is found; want %q", rule)
	case err != nil && (!errors.As(err, &b) || b.Rule != rule):
		t.Errorf("found %v; want %q", err, rule)
	}
}
