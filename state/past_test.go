package state

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
)

func when(i int) Time {
	return Time{Wall: time.Unix(int64(1e9+i), 0).UTC(), Up: time.Duration(i) * time.Second, Boot: fmt.Sprint("boot-", i/40)}
}

// logs are entries as a loop would write them: intents, what became of them,
// and notes of every kind, about few things so that they meet.
func logs(t *rapid.T) []Entry {
	var out []Entry
	var open []string
	for i := range rapid.IntRange(1, 80).Draw(t, "entries") {
		e := Entry{Seq: uint64(i + 1), At: when(i), Pass: uint64(i / 3)}
		switch k := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case k < 4:
			s := step(t, i)
			open = append(open, s.ID)
			e.Intent = &Intent{Step: s}
		case k < 8 && len(open) > 0:
			j := rapid.IntRange(0, len(open)-1).Draw(t, "which")
			st := rapid.SampledFrom([]Status{Done, StepFailed, Cut, StepRefused}).Draw(t, "status")
			e.Outcome = &Outcome{ID: open[j], Status: st, Detail: "d"}
			open = append(open[:j:j], open[j+1:]...)
		case rapid.Bool().Draw(t, "by hand"):
			e.Note = handNotes(t, i)
		default:
			e.Note = notes(t, i)
		}
		out = append(out, e)
	}
	return out
}

func step(t *rapid.T, i int) Step {
	unit := rapid.SampledFrom([]string{"a.service", "b.service"}).Draw(t, "unit")
	verb := rapid.SampledFrom([]string{"start", "stop", "restart", "reload", "enable", "mask", "unmask", "reset-failed", "daemon-reload"}).Draw(t, "verb")
	a := actuators.Action{Actuator: "systemd", Verb: verb, Target: unit}
	if rapid.Bool().Draw(t, "file") {
		verb = rapid.SampledFrom([]string{"write", "remove"}).Draw(t, "verb")
		a = actuators.Action{Actuator: "file", Verb: verb, Target: "/etc/systemd/system/" + unit, Args: map[string]string{"digest": "d"}}
	}
	return Step{
		ID: fmt.Sprint("id-", i), Object: "Service/" + unit[:1], Action: a, Remedial: rapid.Bool().Draw(t, "remedial"),
		Effect: rapid.SampledFrom([]actuators.Effect{actuators.Benign, actuators.Disruptive}).Draw(t, "effect"),
		Ask:    rapid.SampledFrom([]string{"", "ask-1", "ask-2"}).Draw(t, "ask"),
		Key:    rapid.SampledFrom([]string{"", "", "key"}).Draw(t, "key"), Rests: []Ref{{Kind: RefUnit, Name: unit}},
	}
}

func notes(t *rapid.T, i int) *Note {
	unit := rapid.SampledFrom([]string{"a.service", "b.service"}).Draw(t, "unit")
	object := "Service/" + unit[:1]
	return rapid.SampledFrom(append([]*Note{
		{Kind: NoteRan, Name: unit, Ran: &Ran{Invocation: fmt.Sprint(i)}},
		{Kind: NoteManaged, Object: object, Managed: &Managed{Units: []string{unit}}},
		{Kind: NoteForgot, Object: object},
		{Kind: NoteRevision, Revision: &Revision{Name: fmt.Sprint(i)}},
		{Kind: NoteWished, Object: object, Wish: &Wish{ID: unit, Object: object}},
		{Kind: NoteWishedNot, Object: object, Wish: &Wish{ID: unit, Object: object}},
		{Kind: "of a newer evenkeel", Name: "x"},
	}, ofPlans(object, unit, i)...)).Draw(t, "note")
}

// ofPlans are Notes that the rest of the Plan that makes them rests on.
func ofPlans(object, unit string, i int) []*Note {
	h := &Hold{Reason: ManualStop, Object: object, Unit: unit, Since: when(i), For: time.Hour}
	c := &Case{ID: "case-" + object, Object: object, Unit: unit, Opened: when(i)}
	f := &Failover{Service: object[len("Service/"):], To: "b", Since: when(i)}
	return []*Note{
		{Kind: NoteHold, Object: object, Hold: h},
		{Kind: NoteTold, Object: object, Hold: h},
		{Kind: NoteLifted, Object: object, Name: unit, Hold: h, Ran: &Ran{}},
		{Kind: NoteLifted, Object: object, Hold: &Hold{Reason: Suspended, Object: object, Since: when(i)}},
		{Kind: NoteOwned, Name: "/etc/x", Owned: &Owned{Object: object}},
		{Kind: NoteDisowned, Name: "/etc/x"},
		{Kind: NoteCase, Object: object, Name: unit, Case: c},
		{Kind: NoteHealed, Object: object, Name: unit, Case: c},
		{Kind: NoteFlap, Object: object, Name: unit, Flap: &Flap{Restarts: uint32(i), Since: when(i)}},
		{Kind: NoteFailover, Object: object, Failover: f},
		{Kind: NoteStoodIn, Object: object, Failover: f},
		{Kind: NoteAsDeclared, Object: object},
		{Kind: NoteRoll, Roll: &Roll{Units: []string{unit}}},
	}
}

func foldAll(p *Past, log []Entry) *Past {
	for _, e := range log {
		p.Fold(e)
	}
	return p
}

func plain(p *Past) string {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// A Past that was written down in the middle and read back goes on as if it had
// never stopped: this is what snapshots rest on.
func TestAPastCanBeWrittenDownAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := logs(t)
		cut := rapid.IntRange(0, len(log)).Draw(t, "cut")
		var back Past
		if err := json.Unmarshal([]byte(plain(foldAll(NewPast(), log[:cut]))), &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(plain(foldAll(NewPast(), log)), plain(foldAll(&back, log[cut:]))); d != "" {
			t.Fatal(d)
		}
	})
}

func TestWhatWasFoldedIsPassedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := logs(t)
		p := foldAll(NewPast(), log)
		want := plain(p)
		from := rapid.IntRange(0, len(log)-1).Draw(t, "from")
		if got := plain(foldAll(p, log[from:])); got != want {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

func TestACloneIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := logs(t)
		cut := rapid.IntRange(0, len(log)).Draw(t, "cut")
		p := foldAll(NewPast(), log[:cut])
		c, before := p.Clone(), plain(p)
		foldAll(c, log[cut:])
		if plain(p) != before {
			t.Fatal("the original changed with its clone")
		}
	})
}

// A Plan in the making folds its own Notes, and the Past that it is made of stays as
// it is.
func TestADraftIsIndependent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := foldAll(NewPast(), logs(t))
		p.Woken["Service/a"] = Woken{Object: "Service/a"}
		p.Scales["Service/a"] = Scale{Object: "Service/a", To: 2, Case: "case-Service/a"}
		d, before := p.Draft(), plain(p)
		for i := range 5 {
			d.Fold(Entry{At: when(100), Note: rapid.SampledFrom(ofPlans("Service/a", "a.service", i)).Draw(t, "note")})
		}
		if after := plain(p); after != before {
			t.Fatal(cmp.Diff(before, after))
		}
	})
}

// Whatever is written down, a step is in flight from its intent to its outcome,
// and what is counted is what ended with a known outcome.
func TestFlightAndTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, ended, steps := map[string]bool{}, map[string]int{}, map[string]Step{}
		p := NewPast()
		for _, e := range logs(t) {
			p.Fold(e)
			if e.Intent != nil {
				open[e.Intent.Step.ID] = true
				steps[e.Intent.Step.ID] = e.Intent.Step
			}
			if e.Outcome != nil {
				delete(open, e.Outcome.ID)
				if s := steps[e.Outcome.ID]; e.Outcome.Status != Cut {
					ended[TallyKey(s.Object, s.Action)]++
				}
			}
			if len(open) != len(p.Flight) {
				t.Fatalf("%d in flight, want %d", len(p.Flight), len(open))
			}
		}
		if d := cmp.Diff(ended, p.Tally); d != "" {
			t.Fatal(d)
		}
	})
}

// Charges are made at the intent, and no outcome gives one back.
func TestChargesAreNeverGivenBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := NewPast()
		for _, e := range logs(t) {
			before := p.Clone()
			p.Fold(e)
			forgot := e.Note != nil && (e.Note.Kind == NoteForgot || e.Note.Kind == NoteReleased)
			for u := range before.Charges {
				if len(p.Charges[u]) < len(before.Charges[u]) && !forgot {
					t.Fatalf("%s had %d charges and has %d", u, len(before.Charges[u]), len(p.Charges[u]))
				}
			}
			if e.Intent != nil && e.Intent.Step.Remedial {
				if c := p.Charges[e.Intent.Step.Action.Target]; len(c) == 0 || c[len(c)-1] != e.At {
					t.Fatal("a remedial step was not charged when it began")
				}
			}
		}
	})
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	p := NewPast()
	for i := range 1000 {
		s := Step{ID: fmt.Sprint(i), Remedial: true, Effect: actuators.Disruptive, Action: actuators.Action{Actuator: "systemd", Verb: "restart", Target: "a.service"}}
		p.Fold(Entry{Seq: uint64(2*i + 1), At: when(i), Intent: &Intent{Step: s}})
		p.Fold(Entry{Seq: uint64(2*i + 2), At: when(i), Outcome: &Outcome{ID: s.ID, Status: Done}})
	}
	if n := len(p.Charges["a.service"]); n != maxCharges {
		t.Errorf("%d charges are remembered, want %d", n, maxCharges)
	}
	if size := len(plain(p)); size > 64<<10 {
		t.Errorf("the past of one unit takes %d bytes", size)
	}
}

// Forgetting an object forgets what was remembered of it but how often things
// were done: an ID must never come back with another meaning.
func TestForgettingKeepsTheTally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := logs(t)
		p := foldAll(NewPast(), log)
		tally := p.Clone().Tally
		seq := uint64(len(log))
		for _, object := range []string{"Service/a", "Service/b"} {
			seq++
			p.Fold(Entry{Seq: seq, At: when(int(seq)), Note: &Note{Kind: NoteForgot, Object: object}})
		}
		if d := cmp.Diff(tally, p.Tally); d != "" {
			t.Fatal(d)
		}
		if len(p.Managed)+len(p.Holds)+len(p.Failures) > 0 {
			t.Fatalf("still remembered: %v %v %v", p.Managed, p.Holds, p.Failures)
		}
		for path, o := range p.Owned {
			if o.Object == "Service/a" || o.Object == "Service/b" {
				t.Fatalf("%s is still owned", path)
			}
		}
	})
}

// Nothing that is read from a disk may make Fold panic.
func TestFoldTakesAnything(t *testing.T) {
	for _, e := range []Entry{
		{},
		{Note: &Note{Kind: NoteRan}},
		{Note: &Note{Kind: NoteHold}},
		{Note: &Note{Kind: NoteLifted}},
		{Note: &Note{Kind: NoteManaged}},
		{Note: &Note{Kind: NoteOwned}},
		{Note: &Note{Kind: NoteRevision}},
		{Note: &Note{Kind: NoteAsked}},
		{Note: &Note{Kind: NoteAnswered}},
		{Note: &Note{Kind: NoteRetried}},
		{Note: &Note{Kind: NoteApproved}},
		{Note: &Note{Kind: NoteLet}},
		{Note: &Note{Kind: NoteAccepted}},
		{Note: &Note{Kind: NoteReleased}},
		{Note: &Note{Kind: NoteTaken}},
		{Note: &Note{Kind: NoteVersion}},
		{Note: &Note{Kind: NoteSettled}},
		{Note: &Note{Kind: NoteSilenced}},
		{Note: &Note{Kind: NoteUnsilenced}},
		{Note: &Note{Kind: NoteSeen}},
		{Note: &Note{Kind: NoteSeen, Name: "of no case", Seen: &Seen{}}},
		{Note: &Note{Kind: "unheard of"}},
		{Outcome: &Outcome{ID: "x"}},
		{Intent: &Intent{}},
	} {
		var p Past
		p.Fold(e)
	}
}

func TestCheck(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, e := range logs(t) {
			if err := e.Check(); err != nil {
				t.Fatalf("%+v: %v", e, err)
			}
		}
	})
	for name, e := range map[string]Entry{
		"empty": {}, "two": {Intent: &Intent{Step: Step{ID: "x"}}, Note: &Note{}}, "no ID": {Intent: &Intent{}},
		"no end": {Outcome: &Outcome{}}, "hollow": {Note: &Note{Kind: NoteHold}},
	} {
		if e.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
