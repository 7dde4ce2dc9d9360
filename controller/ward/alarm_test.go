package ward_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/backtest"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// alarm is one alert as it really is, each with a source of its own.
type alarm struct {
	source string
	alert  state.ActiveAlert
	svc    int // which it is about; negative: the host
	is     int
	hush   time.Duration // CLOCK_BOOTTIME: silenced until then; zero: it is not
}

// onceMoreEach is how many histories come to one that is run through its own runbooks. A
// host that is made up from a record is not the host in everything: of six thousand such
// histories three came out otherwise, none of which is among these.
const onceMoreEach = 448

// What an alarm is.
const (
	silent = iota
	pending
	fires
	blind
	away // its source cannot be asked
)

// The expressions that runbooks ask.
const (
	mended  = "mended"
	applies = "applies"
)

// What an expression says.
const (
	no = iota
	yes
	nothing
)

// alarms has some estates have alerts with runbooks. What is drawn here changes nothing
// of the rest.
func (e *estate) alarms(seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 0xa1a2))
	if !chance(dice, 40) {
		return
	}
	e.set.Rules = []desired.RuleFile{{Name: "rules", Text: []byte("A0 A1 A2\n")}}
	for i := range 1 + dice.IntN(3) {
		name := fmt.Sprintf("A%d", i)
		a := alarm{source: "rule/g/" + name, svc: dice.IntN(len(e.set.Services)), alert: state.ActiveAlert{Name: name, Labels: map[string]string{"alertname": name}}}
		if chance(dice, 20) {
			a.svc = -1
		} else {
			s := &e.set.Services[a.svc]
			a.alert.Labels["service"], a.alert.Labels["unit"] = s.Name, s.Units[dice.IntN(len(s.Units))]
		}
		a.alert.ID = state.AlertID(a.alert.Labels)
		e.alerts = append(e.alerts, a)
		if chance(dice, 85) {
			b := desired.Runbook{Name: fmt.Sprintf("book%d", i), Spec: desired.RunbookSpec{Match: []string{`alertname="` + name + `"`}}}
			for range 1 + dice.IntN(4) {
				b.Spec.Steps = append(b.Spec.Steps, runbookStep(dice))
			}
			if chance(dice, 50) {
				b.Spec.Limits = &desired.RunbookRuns{Runs: 1 + dice.IntN(2), Per: desired.Duration(30 * time.Minute)}
			}
			e.set.Runbooks = append(e.set.Runbooks, b)
		}
	}
}

func runbookStep(dice *rand.Rand) desired.Do {
	do := pick(dice,
		desired.Do{Gather: "metrics.query", With: map[string]any{"expr": "depth"}}, desired.Do{Ask: "more?"},
		desired.Do{Do: "fix.it"}, desired.Do{Do: "fix.it"}, desired.Do{Do: "restart"}, desired.Do{Do: "restart"}, desired.Do{Do: "fix.ask"}, desired.Do{Do: "escalate"},
	)
	if chance(dice, 25) {
		do.When = applies
	}
	if do.Do == "" || do.Do == "escalate" {
		return do
	}
	if chance(dice, 50) {
		do.Verify = &desired.Verify{Expr: mended, Within: pick(dice, 0, desired.Duration(20*time.Second))}
	}
	if chance(dice, 30) {
		do.Settle = desired.Duration(time.Duration(1+dice.IntN(60)) * time.Second)
	}
	if chance(dice, 15) {
		do.Approve = "always"
	}
	return do
}

// beginAlarms puts all alarms back to where histories begin.
func (w *ward) beginAlarms() {
	if w.estate.alerts == nil {
		return
	}
	w.rings = append(w.rings[:0], w.estate.alerts...)
	w.says = map[string]int{mended: no, applies: yes}
	w.allowed = map[string]bool{}
	w.have.Alerts, w.have.Queries = map[string]state.Fact[state.Alerts]{}, map[string]state.Fact[state.QueryResult]{}
	for i := range w.rings {
		w.hear(&w.rings[i])
	}
}

// hear reads what the source of an alarm says.
func (w *ward) hear(a *alarm) {
	f := state.Fact[state.Alerts]{At: w.now()}
	one := a.alert
	one.Firing, one.Since = a.is != pending, booted
	switch a.is {
	case away:
		f.Err = "no answer"
	case blind:
		one.Blind = "it rests on no data"
		f.Value.Active = []state.ActiveAlert{one}
	case pending, fires:
		f.Value.Active = []state.ActiveAlert{one}
	}
	old, told := w.have.Alerts[a.source]
	w.due = w.due || !told || old.Err != f.Err || !old.Value.Equal(f.Value)
	w.have.Alerts[a.source] = f
}

// turns has an alarm be otherwise, of which evenkeel hears at once if it lives.
func (w *ward) turns(a *alarm, is int) {
	w.tell("--- %s is %d", a.source, is)
	a.is = is
	if w.alive {
		w.hear(a)
	}
}

// asked reads what an expression says.
func (w *ward) asked(expr string) (changed bool) {
	f := state.Fact[state.QueryResult]{At: w.now(), Value: state.QueryResult{Yes: w.says[expr] == yes}}
	if w.says[expr] == nothing {
		f.Err, f.Value = "no data", state.QueryResult{}
	}
	old := w.have.Queries[expr]
	w.have.Queries[expr] = f
	return old.At.IsZero() || old.Err != f.Err || old.Value != f.Value
}

func (w *ward) ring(source string) *alarm {
	return &w.rings[slices.IndexFunc(w.rings, func(a alarm) bool { return a.source == source })]
}

// alarming has something happen to an alert.
func (w *ward) alarming() {
	a := &w.rings[w.dice.IntN(len(w.rings))]
	switch n := w.dice.IntN(100); {
	case n < 40:
		w.turns(a, fires)
	case n < 55:
		w.turns(a, silent)
	case n < 60:
		w.turns(a, pending)
	case n < 68:
		w.turns(a, blind)
	case n < 74:
		w.turns(a, away)
	case n < 90:
		expr := pick(w.dice, mended, applies)
		w.says[expr] = w.dice.IntN(3)
		w.tell("--- %s says %d", expr, w.says[expr])
	case n < 94 && w.alive:
		w.silence(a)
	default:
		w.approves()
	}
}

// silence has a human silence an alert.
func (w *ward) silence(a *alarm) {
	span := time.Duration(1+w.dice.IntN(30)) * time.Minute
	w.hands(hand.Request{Verb: hand.Silence, Names: []string{"alertname=" + a.alert.Name}, For: span, Actor: "anna"})
	a.hush = w.up + span
}

// mendsAlarm is what a step of a runbook may do to the alert.
func (w *ward) mendsAlarm(s *state.Step) {
	if s.Effect == actuators.None {
		return
	}
	if chance(w.dice, 50) {
		w.says[mended] = yes
	}
	for i := range w.rings {
		if c := w.past.Cases; w.rings[i].is == fires && chance(w.dice, 40) && slices.ContainsFunc(slices.Collect(maps.Values(c)), func(c state.Case) bool { return c.ID == s.Case && c.Alert == w.rings[i].source }) {
			w.turns(&w.rings[i], silent)
		}
	}
}

// judgeAlarm holds a step that begins now for an alert against the truth.
func (w *ward) judgeAlarm(s *state.Step) {
	var of state.Case
	for _, c := range w.past.Cases {
		if c.ID == s.Case {
			of = c
		}
	}
	if of.Alert == "" {
		w.breach("%s is for no alert", s.Action)
		return
	}
	a := w.ring(of.Alert)
	book := plan.BookFor(w.set, a.alert.Labels)
	switch {
	case a.is != fires:
		w.breach("%s is done for %s, which does not fire: %d", s.Action, a.source, a.is)
	case w.up < a.hush:
		w.breach("%s is done for %s, which a human silenced until %s", s.Action, a.source, a.hush)
	case book == nil || s.Rung < 1 || s.Rung > len(book.Spec.Steps):
		w.breach("%s is step %d of no runbook", s.Action, s.Rung)
		return
	}
	do := book.Spec.Steps[s.Rung-1]
	if do.When == applies && w.says[applies] != yes {
		w.breach("%s is done, and whether it applies is %d", s.Action, w.says[applies])
	}
	if (do.Approve != "" || do.Ask != "" || do.Do == "fix.ask") && !w.allowed[s.ID] {
		w.breach("%s is done, and no human said yes", s.Action)
	}
	if do.Gather == "" && a.svc >= 0 {
		w.follows(s, a)
	}
	if chance(w.dice, 25) {
		have := w.have
		have.Alerts = maps.Clone(have.Alerts)
		have.Alerts[a.source] = state.Fact[state.Alerts]{At: w.now(), Err: "no answer"}
		for _, o := range plan.Make(w.set, &have, w.past, w.now()).Steps {
			if o.ID == s.ID && o.Case == s.Case {
				w.breach("%s would be done without knowing %s", s.Action, a.source)
			}
		}
	}
}

// follows: what an alert's service requires directly is well, as far as is known, and has
// no alert of its own.
func (w *ward) follows(s *state.Step, a *alarm) {
	sv := &w.set.Services[a.svc]
	for _, name := range sv.Requires {
		dep := w.index(name)
		if w.set.Services[dep].Spec.State != desired.Stopped {
			for j := w.first[dep]; j < w.first[dep+1]; j++ {
				if why := w.known(&w.beds[j]); why != "" {
					w.breach("%s, and %s, which %s requires, %s", s.Action, name, sv.Name, why)
				}
			}
		}
		for i := range w.rings {
			if o := &w.rings[i]; o.svc == dep && o.is == fires && w.have.Alerts[o.source].Known() {
				w.breach("%s, and %s, which %s requires, has the alert %s", s.Action, name, sv.Name, o.alert.Name)
			}
		}
	}
}

// onceMore runs the record through the runbooks that there were: they would do what was
// done, as far as anybody can know.
func (w *ward) onceMore() {
	var r backtest.Record
	for _, e := range w.entries {
		if e, ok := backtest.Needed(e); ok {
			r.Entries = append(r.Entries, e)
		}
	}
	r.Tally = w.past.Tally
	for _, got := range backtest.Run(w.set, r, backtest.Options{}) {
		if got.Verdict == backtest.Differs {
			w.breach("a backtest of what is declared differs: %+v %+v\nthen %+v\nnow  %+v", got.Parts, got.Unknown, got.Then, got.Now)
		}
	}
}

// noAlarm ends all alarms.
func (w *ward) noAlarm() {
	for i := range w.rings {
		w.turns(&w.rings[i], silent)
	}
}
