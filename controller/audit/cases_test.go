package audit_test

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Ladders are climbed as declared, and what comes of them is told.
func TestEachPromiseOfACase(t *testing.T) {
	const web = "web.service"
	fix := func(s *state.Step) { s.Action = actuators.Action{Actuator: "fix", Verb: "it"} }
	for _, c := range []struct {
		name, rule string
		tell       func(t *tale)
	}{
		{"a ladder is climbed, told, and closed", "", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("restart", "fix.it", "escalate")
			c := t.sick("web")
			t.does(step("restart", web, rung(c, 1)))
			t.wait(20 * time.Second)
			t.does(step("", web, rung(c, 2), fix))
			t.wait(20 * time.Second)
			c = t.over(c, state.Escalated)
			t.marks(c, "a human is needed")
			c.Well = t.at
			t.marks(c, "")
			t.wait(10 * time.Minute)
			t.note(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Case: &c})
		}},
		{"a remedy of no case", "cases", func(t *tale) { t.does(step("restart", web, rung(state.Case{ID: "x", Object: "Service/web"}, 1))) }},
		{"a remedy of another's case", "cases", func(t *tale) {
			c := t.sick("db")
			t.does(step("restart", web, rung(c, 1), func(s *state.Step) { s.Object = "Service/web" }))
		}},
		{"another remedy than the one that is declared", "cases", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("fix.it", "restart")
			t.does(step("restart", web, rung(t.sick("web"), 1)))
		}},
		{"more remedies than are declared", "cases", func(t *tale) { t.does(step("restart", web, rung(t.sick("web"), 2))) }},
		{"what no actuator does, as declared", "", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("failover")
			t.does(step("", web, rung(t.sick("web"), 1), func(s *state.Step) { s.Action = actuators.Action{Actuator: "failover", Verb: "switch", Target: "web"} }))
		}},
		{"a remedy twice", "once a case", func(t *tale) {
			c := t.sick("web")
			t.does(step("restart", web, rung(c, 1)))
			t.wait(time.Minute)
			t.does(step("restart", web, rung(c, 1)))
		}},
		{"a remedy twice, for the first was cut short", "", func(t *tale) {
			c := t.sick("web")
			s := step("restart", web, rung(c, 1))
			t.begins(s)
			t.endsAs(s, state.Cut)
			t.wait(time.Minute)
			t.does(step("restart", web, rung(c, 1)))
		}},
		{"the next remedy before the last has ended", "verdict", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("fix.it", "restart")
			t.set.Policy.Budgets.InFlight = 2
			c := t.sick("web")
			t.begins(step("", web, rung(c, 1), fix))
			t.begins(step("restart", web, rung(c, 2)))
		}},
		{"the next remedy before the last could show", "settle", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("fix.it", "restart")
			c := t.sick("web")
			t.does(step("", web, rung(c, 1), fix))
			t.wait(5 * time.Second)
			t.does(step("restart", web, rung(c, 2)))
		}},
		{"the next remedy before the time that is declared", "settle", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("restart", "fix.it")
			t.service(1).Spec.Remedies[0].Settle = desired.Duration(time.Minute)
			c := t.sick("web")
			t.does(step("restart", web, rung(c, 1)))
			t.wait(50 * time.Second)
			t.does(step("", web, rung(c, 2), fix))
		}},
		{"a ladder is climbed down", "upwards", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("restart", "fix.it")
			c := t.sick("web")
			t.does(step("", web, rung(c, 2), fix))
			t.wait(time.Minute)
			t.does(step("restart", web, rung(c, 1)))
		}},
		{"a remedy after the end", "ended", func(t *tale) {
			c := t.over(t.sick("web"), state.Escalated)
			t.marks(c, "a human is needed")
			t.does(step("restart", web, rung(c, 1)))
		}},
		{"half-open when its time has come", "", func(t *tale) { t.halfOpen(30 * time.Minute) }},
		{"half-open too early", "half-open", func(t *tale) { t.halfOpen(29 * time.Minute) }},
		{"an end is taken back", "half-open", func(t *tale) {
			c := t.sick("web")
			t.marks(t.over(c, state.Escalated), "a human is needed")
			t.marks(c, "")
		}},
		{"half-open, and two remedies", "half-open", func(t *tale) {
			t.service(1).Spec.Remedies = ladder("restart", "fix.it")
			c := t.halfOpen(30 * time.Minute)
			t.does(step("restart", web, rung(c, 1)))
			t.wait(time.Minute)
			t.does(step("", web, rung(c, 2), fix))
		}},

		{"an end that nobody is told of", "told", func(t *tale) { t.marks(t.over(t.sick("web"), state.Escalated), "") }},
		{"nothing ended, and it is told", "told", func(t *tale) { t.marks(t.sick("web"), "a human is needed") }},
		{"the same end twice", "told", func(t *tale) {
			c := t.sick("web")
			t.marks(t.over(c, state.Escalated), "a human is needed")
			c.Well = t.at
			t.marks(c, "")
			t.marks(t.over(c, state.Escalated), "a human is needed")
		}},
		{"that it waits is told again at once", "told", func(t *tale) {
			c := t.sick("web")
			for _, why := range []string{"approval", "the limit", "approval"} {
				c.Why = why
				t.marks(c, why)
				t.wait(time.Minute)
			}
		}},
		{"a case opens with its ID of before", "cases", func(t *tale) {
			c := t.sick("web")
			c.Well = t.at
			t.marks(c, "")
			t.wait(10 * time.Minute)
			t.note(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Case: &c})
			t.sick("web")
		}},
		{"a case takes the place of another", "cases", func(t *tale) {
			c := t.sick("web")
			c.ID = "another"
			t.opens(c)
		}},
		{"a case forgets what was tried", "cases", func(t *tale) {
			c := t.sick("web")
			t.does(step("restart", web, rung(c, 1)))
			t.opens(c)
		}},
		{"a case says not when it ended", "cases", func(t *tale) {
			c := t.over(t.sick("web"), state.Escalated)
			c.At = state.Time{}
			t.marks(c, "a human is needed")
		}},
		{"a case closes while it is sick", "healed", func(t *tale) {
			c := t.sick("web")
			t.note(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Case: &c})
		}},
		{"a case closes after a moment in good health", "healed", func(t *tale) {
			c := t.sick("web")
			c.Well = t.at
			t.marks(c, "")
			t.wait(9 * time.Minute)
			t.note(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Case: &c})
		}},
		{"a case closes because a human stopped the unit", "", func(t *tale) {
			c := t.sick("web")
			t.stopped()
			t.note(state.Note{Kind: state.NoteHealed, Object: c.Object, Name: c.Unit, Case: &c})
		}},
		{"a case closes that is not open", "cases", func(t *tale) {
			t.note(state.Note{Kind: state.NoteHealed, Case: &state.Case{ID: "x", Object: "Service/web", Unit: web}})
		}},
	} {
		t.Run(c.name, func(t *testing.T) { judged(t, c.rule, c.tell) })
	}
}

// halfOpen has a Case of web end, and go on after a while.
func (t *tale) halfOpen(after time.Duration) state.Case {
	c := t.sick("web")
	t.marks(t.over(c, state.Escalated), "a human is needed")
	t.wait(after)
	c.Round = 1
	t.marks(c, "")
	return c
}

// stopped is the hold by which a human's stop of web is respected.
func (t *tale) stopped() {
	h := state.Hold{Reason: state.ManualStop, Object: "Service/web", Unit: "web.service", Since: t.at, For: time.Hour}
	t.note(state.Note{Kind: state.NoteHold, Object: h.Object, Name: h.Unit, Hold: &h})
}

// What a human holds is left alone, what he asks for is answered, and what a
// witness saw has its intent.
func TestEachPromiseToHumans(t *testing.T) {
	const web = "web.service"
	suspended := func(t *tale, object string) {
		t.note(state.Note{Kind: state.NoteHold, Object: object, Hold: &state.Hold{Reason: state.Suspended, Object: object, Since: t.at, For: time.Hour}})
	}
	asked := func(t *tale, verb string) state.Ask {
		a := state.Ask{ID: "a1", Object: "Service/web", Verb: verb, Units: []string{web}, At: t.at}
		t.note(state.Note{Kind: state.NoteAsked, Object: a.Object, Ask: &a})
		return a
	}
	byHand := func(a state.Ask) func(*state.Step) {
		return func(s *state.Step) { s.Ask, s.Reason = a.ID, state.ByHand }
	}
	for _, c := range []struct {
		name, rule string
		tell       func(t *tale)
	}{
		{"suspended", "human", func(t *tale) { suspended(t, "Service/web"); t.does(step("start", web, charged)) }},
		{"the host is suspended", "human", func(t *tale) { suspended(t, "Host/app-1"); t.does(step("start", web, charged)) }},
		{"no longer suspended", "", func(t *tale) { suspended(t, "Service/web"); t.wait(time.Hour); t.does(step("start", web, charged)) }},
		{"stopped", "human", func(t *tale) { t.stopped(); t.does(step("start", web, charged)) }},
		{"stopped, and started by hand", "", func(t *tale) { t.stopped(); t.does(step("start", web, byHand(asked(t, "start")))) }},
		{"released", "human", func(t *tale) {
			t.note(state.Note{Kind: state.NoteReleased, Object: "Service/web"})
			t.does(step("start", web, charged))
		}},
		{"an ask that is done twice", "asks", func(t *tale) {
			a := asked(t, "restart")
			t.does(step("restart", web, byHand(a)))
			t.does(step("restart", web, byHand(a)))
		}},
		{"an ask that is old", "asks", func(t *tale) {
			a := asked(t, "restart")
			t.wait(time.Hour)
			t.begins(step("restart", web, byHand(a)))
		}},
		{"an ask that is charged", "asks", func(t *tale) { t.does(step("restart", web, byHand(asked(t, "restart")), charged)) }},
		{"an ask that nobody answers", "answers", func(t *tale) { asked(t, "restart"); t.wait(time.Hour) }},
		{"done while the kill switch is set", "kill switch", func(t *tale) {
			t.o.Switch = []audit.Turn{{At: t.at, Set: true}}
			t.wait(time.Minute)
			t.begun(web)
		}},
		{"the kill switch is set meanwhile", "", func(t *tale) {
			s := step("start", web, charged)
			t.begins(s)
			t.o.Switch = []audit.Turn{{At: t.at.Add(time.Second), Set: true}}
			t.wait(time.Minute)
			t.ends(s)
		}},
		{"a stop that was seen, and never noted", "human", func(t *tale) {
			t.saw(audit.Deed{Unit: web, Verb: "stop"})
			t.wait(time.Minute)
			t.does(step("start", web, charged))
		}},
		{"a stop that was seen and noted, and is over", "", func(t *tale) {
			t.saw(audit.Deed{Unit: web, Verb: "stop"})
			t.wait(time.Minute)
			t.stopped()
			t.wait(time.Hour)
			t.does(step("start", web, charged))
		}},
		{"a stop that was never noted, and a human has it started again", "", func(t *tale) {
			t.saw(audit.Deed{Unit: web, Verb: "stop"})
			t.wait(time.Minute)
			t.does(step("start", web, byHand(asked(t, "start"))))
			t.wait(time.Hour)
			t.does(step("restart", web, charged))
		}},
		{"a mask", "human", func(t *tale) {
			t.saw(audit.Deed{Unit: web, Verb: "mask"})
			t.wait(time.Minute)
			t.does(step("start", web, charged))
		}},
		{"a mask that was lifted", "", func(t *tale) {
			t.saw(audit.Deed{Unit: web, Verb: "mask"})
			t.saw(audit.Deed{Unit: web, Verb: "unmask"})
			t.wait(time.Minute)
			t.does(step("start", web, charged))
		}},
		{"an effect without an intent", "intent first", func(t *tale) { t.saw(audit.Deed{Unit: web, Verb: "restart", Step: "x"}) }},
		{"an effect on another unit", "intent first", func(t *tale) { t.begun(web); t.saw(audit.Deed{Unit: "db.service", Verb: "start", Step: t.last()}) }},
		{"an effect of a step that has ended", "intent first", func(t *tale) {
			t.does(step("start", web, charged))
			t.wait(time.Second)
			t.saw(audit.Deed{Unit: web, Verb: "start", Step: t.last()})
		}},
		{"an effect twice", "once", func(t *tale) {
			t.begins(step("start", web, charged))
			t.wait(time.Second)
			t.saw(audit.Deed{Unit: web, Verb: "start", Step: t.last()})
			t.saw(audit.Deed{Unit: web, Verb: "start", Step: t.last()})
		}},
	} {
		t.Run(c.name, func(t *testing.T) { judged(t, c.rule, c.tell) })
	}
}

func (t *tale) saw(d audit.Deed) { d.At = t.at; t.o.Deeds = append(t.o.Deeds, d) }

// begun is a start that takes a second.
func (t *tale) begun(unit string) {
	s := step("start", unit, charged)
	t.begins(s)
	t.wait(time.Second)
	t.ends(s)
}

// last is the ID of the Step that began last.
func (t *tale) last() (id string) {
	for _, e := range t.entries {
		if e.Intent != nil {
			id = e.Intent.Step.ID
		}
	}
	return id
}

// A record whose beginning was dropped is judged from what was known then.
func TestARecordThatBeginsInTheMiddle(t *testing.T) {
	r := newTale()
	r.repairs("web.service", 3, 2*time.Minute)
	p := state.NewPast()
	for _, e := range r.entries {
		p.Fold(e)
	}
	s := step("start", "web.service", charged)
	after := []state.Entry{{Seq: p.Seq + 1, At: r.at, Intent: &state.Intent{Step: s}}}
	err := audit.Check(after, r.at, audit.Options{Past: p, Want: r.o.Want})
	if b, ok := err.(*audit.Breach); !ok || b.Rule != "budget" || b.Seq != p.Seq+1 {
		t.Errorf("found %v; want the fourth repair", err)
	}
	if err := audit.Check(after, r.at, audit.Options{Want: r.o.Want}); err != nil {
		t.Errorf("without what was known: %v", err)
	}
}
