package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/actuators"
)

// asked folds that somebody asked for a restart of two units.
func asked(p *Past, id string) {
	p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteAsked, Object: "Service/a", Ask: &Ask{
		ID: id, Object: "Service/a", Verb: "restart", Units: []string{"a@1.service", "a@2.service"}, At: when(1),
	}}})
}

// ends folds a Step of an Ask and how it ended.
func ends(p *Past, id, verb, unit string, status Status) {
	s := Step{ID: "step-" + unit + verb, Object: "Service/a", Ask: id, Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit}}
	p.Fold(Entry{At: when(2), Intent: &Intent{Step: s}})
	p.Fold(Entry{At: when(3), Outcome: &Outcome{ID: s.ID, Status: status, Detail: "why"}})
}

// The suspension that came with an Ask goes with it when nothing of it has begun;
// what was suspended before is so again.
func TestASuspensionGoesWithWhatItCameWith(t *testing.T) {
	longer := Hold{Reason: Suspended, Object: "Service/a", Since: when(0), For: 2 * time.Hour}
	over := longer
	over.For = time.Millisecond
	flying := func(p *Past) {
		p.Fold(Entry{At: when(2), Intent: &Intent{Step: Step{ID: "s", Object: "Service/a", Ask: "x", Action: actuators.Action{Actuator: "systemd", Verb: "stop", Target: "a@1.service"}}}})
	}
	cases := []struct {
		name string
		do   func(p *Past, a *Ask)
		want NoteKind // empty: it stays
	}{
		{"nothing has begun", nil, NoteLifted},
		{"one unit is under way", func(p *Past, _ *Ask) { flying(p) }, ""},
		{"one unit is done", func(p *Past, _ *Ask) { ends(p, "x", "stop", "a@1.service", Done) }, ""},
		{"one unit failed", func(p *Past, _ *Ask) { ends(p, "x", "stop", "a@1.service", StepFailed) }, ""},
		{"it was suspended before", func(_ *Past, a *Ask) { a.Instead = &longer }, NoteHold},
		{"it was, and that would be over", func(_ *Past, a *Ask) { a.Instead = &over }, NoteLifted},
		{"it was suspended anew since", func(p *Past, _ *Ask) {
			h := longer
			h.Since = when(2)
			p.Fold(Entry{At: when(2), Note: &Note{Kind: NoteHold, Object: h.Object, Hold: &h}})
		}, ""},
		{"it was resumed since", func(p *Past, _ *Ask) { p.Holds = map[string]Hold{} }, ""},
		{"none came with it", func(p *Past, a *Ask) {
			p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteHold, Object: longer.Object, Hold: &longer}})
		}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := NewPast()
			h := Hold{Reason: Suspended, Object: "Service/a", Since: when(1), For: time.Hour, Stop: true}
			a := Ask{ID: "x", Object: "Service/a", Verb: "stop", Units: []string{"a@1.service", "a@2.service"}, Of: 2, At: when(1)}
			p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteHold, Object: h.Object, Hold: &h}})
			p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteAsked, Object: a.Object, Ask: &a}})
			if c.do != nil {
				c.do(p, &a)
			}
			if asked, ok := p.Asks["x"]; ok {
				asked.Instead = a.Instead
				a = asked
			}
			n, ok := p.Recall(a, when(5))
			if ok != (c.want != "") || n.Kind != c.want {
				t.Fatalf("recalled %v by %q, want %q", ok, n.Kind, c.want)
			}
			if !ok {
				return
			}
			if err := (Entry{Note: &n}).Check(); err != nil {
				t.Error(err)
			}
			p.Fold(Entry{At: when(5), Note: &n})
			if got, held := p.Holds[h.Key()]; held != (c.want == NoteHold) || held && got.For != longer.For {
				t.Errorf("then it is held: %v, %+v", held, got)
			}
			if n, ok := p.Recall(a, when(6)); ok {
				t.Errorf("it is recalled once more, by %q", n.Kind)
			}
		})
	}
}

// An Ask stands until each of its units is settled; what of it did not come
// about is in the answer.
func TestAnAskIsSettledUnitByUnit(t *testing.T) {
	answered := func(units ...string) func(*Past) {
		return func(p *Past) {
			p.Fold(Entry{At: when(3), Note: &Note{Kind: NoteAnswered, Object: "Service/a", Detail: "withdrawn", Ask: &Ask{ID: "x", Units: units}}})
		}
	}
	cases := []struct {
		name   string
		do     []func(*Past)
		open   []string
		answer *Answer
	}{
		{"nothing yet", nil, []string{"a@1.service", "a@2.service"}, nil},
		{"one is done", []func(*Past){func(p *Past) { ends(p, "x", "restart", "a@1.service", Done) }}, []string{"a@2.service"}, nil},
		{"both are done", []func(*Past){
			func(p *Past) { ends(p, "x", "restart", "a@1.service", Done) }, func(p *Past) { ends(p, "x", "restart", "a@2.service", Done) },
		}, nil, &Answer{ID: "x"}},
		{"one failed, the other is done", []func(*Past){
			func(p *Past) { ends(p, "x", "restart", "a@1.service", StepFailed) }, func(p *Past) { ends(p, "x", "restart", "a@2.service", Done) },
		}, nil, &Answer{ID: "x", Failed: "systemd.restart a@1.service failed: why"}},
		{"both went wrong", []func(*Past){
			func(p *Past) { ends(p, "x", "restart", "a@1.service", StepFailed) }, func(p *Past) { ends(p, "x", "restart", "a@2.service", StepRefused) },
		}, nil, &Answer{ID: "x", Failed: "systemd.restart a@1.service failed: why; systemd.restart a@2.service refused: why"}},
		{"cut short: nothing is known, nothing is settled", []func(*Past){func(p *Past) { ends(p, "x", "restart", "a@1.service", Cut) }}, []string{"a@1.service", "a@2.service"}, nil},
		{"the reset before a start settles nothing", []func(*Past){func(p *Past) { ends(p, "x", "reset-failed", "a@1.service", Done) }}, []string{"a@1.service", "a@2.service"}, nil},
		{"a reset that failed does", []func(*Past){func(p *Past) { ends(p, "x", "reset-failed", "a@1.service", StepFailed) }}, []string{"a@2.service"}, nil},
		{"evenkeel's own step settles nothing", []func(*Past){func(p *Past) { ends(p, "", "restart", "a@1.service", Done) }}, []string{"a@1.service", "a@2.service"}, nil},
		{"settled without a step", []func(*Past){answered("a@2.service")}, []string{"a@1.service"}, nil},
		{"settled as a whole", []func(*Past){answered()}, nil, &Answer{ID: "x", Failed: "withdrawn"}},
		{"settled twice is settled once", []func(*Past){answered(), answered(), func(p *Past) { ends(p, "x", "restart", "a@1.service", Done) }}, nil, &Answer{ID: "x", Failed: "withdrawn"}},
		{"the object is forgotten", []func(*Past){func(p *Past) { p.Fold(Entry{At: when(3), Note: &Note{Kind: NoteForgot, Object: "Service/a"}}) }}, nil, &Answer{ID: "x", Failed: "Service/a is no longer managed"}},
		{"the object is released", []func(*Past){func(p *Past) { p.Fold(Entry{At: when(3), Note: &Note{Kind: NoteReleased, Object: "Service/a"}}) }}, nil, &Answer{ID: "x", Failed: "Service/a is no longer managed"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := NewPast()
			asked(p, "x")
			for _, do := range c.do {
				do(p)
			}
			if d := cmp.Diff(c.open, p.Asks["x"].Units); d != "" {
				t.Errorf("open (-want +got):\n%s", d)
			}
			a, ok := p.Answer("x")
			if ok != (c.answer != nil) || ok && a != *c.answer {
				t.Errorf("answer %+v, %v, want %+v", a, ok, c.answer)
			}
			if n := len(p.Answers); n > 1 {
				t.Errorf("%d answers to one ask", n)
			}
		})
	}
}

func TestAnAskEnds(t *testing.T) {
	a := Ask{At: Time{Up: time.Minute, Boot: "b1"}}
	for _, c := range []struct {
		now  Time
		want bool
	}{
		{Time{Up: time.Minute, Boot: "b1"}, false},
		{Time{Up: time.Minute + AskFor - 1, Boot: "b1"}, false},
		{Time{Up: time.Minute + AskFor, Boot: "b1"}, true},
		{Time{Up: time.Second, Boot: "b2"}, true},
	} {
		if got := a.Ended(c.now); got != c.want {
			t.Errorf("at %v of %s: ended is %v", c.now.Up, c.now.Boot, got)
		}
	}
}

// Whoever asks is named in the step, with his own words.
func TestWhatAnAskSays(t *testing.T) {
	for want, a := range map[string]Ask{
		"anna asked for it":                {Actor: "anna"},
		"anna asked for it: new libssl":    {Actor: "anna", Why: "new libssl"},
		"a human asked for it: new libssl": {Why: "new libssl"},
	} {
		if got := a.Says(); got != want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}

func TestAnswersAreBounded(t *testing.T) {
	p := NewPast()
	for i := range 10 * maxAnswers {
		id := fmt.Sprint("ask-", i)
		asked(p, id)
		p.Fold(Entry{At: when(i), Note: &Note{Kind: NoteAnswered, Ask: &Ask{ID: id}}})
	}
	if len(p.Answers) != maxAnswers || len(p.Asks) != 0 {
		t.Errorf("%d answers, %d asks", len(p.Answers), len(p.Asks))
	}
	if _, ok := p.Answer(fmt.Sprint("ask-", 10*maxAnswers-1)); !ok {
		t.Error("the last answer is not remembered")
	}
}

// An approval is for one attempt, however that ends; one of which nobody knows
// the end was none.
func TestAnApprovalIsUsedUp(t *testing.T) {
	for status, left := range map[Status]bool{Done: false, StepFailed: false, StepRefused: false, Cut: true} {
		p := NewPast()
		p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteApproved, Name: "step-a.servicestart"}})
		ends(p, "", "start", "a.service", status)
		if _, ok := p.Approved["step-a.servicestart"]; ok != left {
			t.Errorf("after %s the approval is there: %v", status, ok)
		}
	}
}

// That a repair may pass the host's budget is used up by the next repair of that
// unit, however it ends, and by no other; unused, it lapses.
func TestARepairIsLetPassOnce(t *testing.T) {
	p := NewPast()
	let := func() { p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteLet, Object: "Service/a", Name: "a.service"}}) }
	begins := func(id, unit string, remedial bool) {
		p.Fold(Entry{At: when(2), Intent: &Intent{Step: Step{ID: id, Remedial: remedial, Effect: actuators.Disruptive, Action: actuators.Action{Actuator: "systemd", Verb: "restart", Target: unit}}}})
	}
	let()
	begins("1", "b.service", true)
	begins("2", "a.service", false)
	if !p.MayPass("a.service", when(2)) || p.MayPass("b.service", when(2)) {
		t.Error("it is used up by what it was not meant for")
	}
	begins("3", "a.service", true)
	if p.MayPass("a.service", when(2)) {
		t.Error("it is not used up")
	}
	if len(p.Upheaval) != 2 {
		t.Errorf("of two repairs that were disruptive %d are charged to the host", len(p.Upheaval))
	}
	let()
	if late := when(1).Add(LetFor); p.MayPass("a.service", late) {
		t.Error("it does not lapse")
	}
	if p.MayPass("a.service", Time{Boot: "another", Up: 1}) {
		t.Error("it outlives the boot")
	}
}

// What a human did through evenkeel is remembered as he said.
func TestWhatTheHandDidIsRemembered(t *testing.T) {
	p := NewPast()
	fold := func(n Note) { p.Fold(Entry{At: when(5), Note: &n}) }
	fold(Note{Kind: NoteManaged, Object: "Service/a", Managed: &Managed{Units: []string{"a.service"}}})
	p.Charges["a.service"] = []Time{when(1)}
	p.Failures["Service/a systemd start a.service"] = Failure{Count: 1}
	p.Failures["Service/ab systemd start ab.service"] = Failure{Count: 1}
	fold(Note{Kind: NoteRetried, Object: "Service/a", Name: "a.service"})
	if len(p.Charges) != 0 || len(p.Failures) != 1 {
		t.Errorf("retried: %v %v", p.Charges, p.Failures)
	}
	fold(Note{Kind: NoteAccepted, Object: "Service/a", Name: "/etc/x.conf", Detail: "digest"})
	if p.Accepted["/etc/x.conf"] != "digest" {
		t.Errorf("accepted: %v", p.Accepted)
	}
	fold(Note{Kind: NoteReleased, Object: "Service/a"})
	if _, managed := p.Managed["Service/a"]; managed || p.Released["Service/a"] != when(5) {
		t.Errorf("released: %v %v", p.Managed, p.Released)
	}
	fold(Note{Kind: NoteTaken, Object: "Service/a"})
	if len(p.Released) != 0 {
		t.Errorf("taken back: %v", p.Released)
	}
	fold(Note{Kind: NoteVersion, Name: "1"})
	if p.Version != "1" || !p.Renewed.IsZero() {
		t.Errorf("the first version counts as new: %v", p.Renewed)
	}
	fold(Note{Kind: NoteVersion, Name: "2"})
	if p.Version != "2" || p.Renewed != when(5) {
		t.Errorf("the second version: %q since %v", p.Version, p.Renewed)
	}
	fold(Note{Kind: NoteSettled})
	if !p.Renewed.IsZero() {
		t.Errorf("approved, and still new: %v", p.Renewed)
	}
}

// handNotes are what humans do, about the things that notes are about.
func handNotes(t *rapid.T, i int) *Note {
	unit := rapid.SampledFrom([]string{"a.service", "b.service"}).Draw(t, "unit")
	object := "Service/" + unit[:1]
	ask := &Ask{ID: rapid.SampledFrom([]string{"ask-1", "ask-2"}).Draw(t, "ask"), Object: object, Verb: "restart", Units: []string{"a.service", "b.service"}, At: when(i)}
	silence := &Silence{ID: rapid.SampledFrom([]string{"s-1", "s-2"}).Draw(t, "silence"), Matchers: []string{"a=b"}, At: when(i), For: 5 * time.Second}
	return rapid.SampledFrom([]*Note{
		{Kind: NoteSilenced, Silence: silence},
		{Kind: NoteUnsilenced, Silence: silence},
		{Kind: NoteAsked, Object: object, Ask: ask},
		{Kind: NoteAnswered, Object: object, Ask: &Ask{ID: ask.ID, Units: []string{unit}}},
		{Kind: NoteAnswered, Object: object, Ask: &Ask{ID: ask.ID}, Detail: "withdrawn"},
		{Kind: NoteApproved, Name: fmt.Sprint("id-", i+1)},
		{Kind: NoteAccepted, Object: object, Name: "/etc/x.conf", Detail: "digest"},
		{Kind: NoteReleased, Object: object},
		{Kind: NoteTaken, Object: object},
		{Kind: NoteVersion, Name: fmt.Sprint(i / 9)},
		{Kind: NoteSettled},
		{Kind: NoteHold, Object: object, Hold: &Hold{Reason: Suspended, Object: object, Since: when(i), For: time.Hour, Stop: true}},
		{Kind: NoteLifted, Object: object, Hold: &Hold{Reason: Suspended, Object: object}},
	}).Draw(t, "by hand")
}
