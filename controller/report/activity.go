package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Activity is what was done on a host over a time, and what would have been if
// observing had not held it back. Its JSON form is append-only.
type Activity struct {
	Host      string  `json:"host"`
	Since     Stamp   `json:"since"`
	Until     Stamp   `json:"until"`
	Steps     int     `json:"steps"`
	Failed    int     `json:"failed"`    // steps that ended otherwise than done, interrupted and refused ones too
	Done      []Deed  `json:"done"`      // one an object, action and reason
	WouldHave []Would `json:"wouldHave"` // one an object, action and reason
	Partial   bool    `json:"partial"`   // more was done than is counted: ask for less time

	Sick []Sickness `json:"sick"` // one an object and reason
}

// Deed is a kind of step that was done, and how that went.
type Deed struct {
	Object      string       `json:"object"`
	Action      string       `json:"action"` // actuator.verb
	Reason      state.Reason `json:"reason"`
	Targets     []string     `json:"targets"` // units and paths
	Count       int          `json:"count"`
	Failed      int          `json:"failed"`
	Interrupted int          `json:"interrupted"`
	Refused     int          `json:"refused"`
	UnderWay    int          `json:"underWay"`
	MS          int64        `json:"ms"`    // all of them together
	MaxMS       int64        `json:"maxMS"` // the longest
	First       Stamp        `json:"first"`
	Last        Stamp        `json:"last"`
	Actors      []string     `json:"actors"`    // the humans who asked for it; evenkeel itself is not named
	Failures    []string     `json:"failures"`  // what went wrong, each text once
	Displaced   []string     `json:"displaced"` // IDs of the versions that were kept
}

// Would is a kind of step that only observing held back.
type Would struct {
	Object   string       `json:"object"`
	Action   string       `json:"action"`
	Reason   state.Reason `json:"reason"`
	Targets  []string     `json:"targets"`
	Count    int          `json:"count"`    // how often there was a reason for it
	Standing int          `json:"standing"` // of those, how many there still are
	MS       int64        `json:"ms"`       // for how long there was one, all of them together
	First    Stamp        `json:"first"`
	Last     Stamp        `json:"last"`
	Details  []string     `json:"details"` // each text once
}

// maxTexts bounds the texts of a kind: a report is read by people.
const maxTexts = 5

// NewActivity groups steps, wishes and the notes of Cases, in any order, into what
// a human reads. What began before since is the caller's to leave out.
func NewActivity(host string, since, until time.Time, steps []HistoryLine, wishes []state.Wished, notes []state.Entry) Activity {
	a := Activity{Host: host, Since: At(since), Until: At(until), Done: []Deed{}, WouldHave: []Would{}, Sick: sicknesses(notes, until)}
	type key struct {
		object, action string
		reason         state.Reason
	}
	deeds, woulds := map[key]int{}, map[key]int{}
	steps = slices.SortedStableFunc(slices.Values(steps), func(x, y HistoryLine) int { return x.Time.Compare(y.Time.Time) })
	for _, l := range steps {
		k := key{l.Object, l.Actuator + "." + l.Verb, l.Reason}
		i, ok := deeds[k]
		if !ok {
			i = len(a.Done)
			deeds[k] = i
			a.Done = append(a.Done, Deed{
				Object: k.object, Action: k.action, Reason: k.reason, First: l.Time,
				Targets: []string{}, Actors: []string{}, Failures: []string{}, Displaced: []string{},
			})
		}
		a.Steps++
		if a.Done[i].count(l) {
			a.Failed++
		}
	}
	for _, w := range wishes {
		k := key{w.Object, w.Action.Actuator + "." + w.Action.Verb, w.Reason}
		i, ok := woulds[k]
		if !ok {
			i = len(a.WouldHave)
			woulds[k] = i
			a.WouldHave = append(a.WouldHave, Would{
				Object: k.object, Action: k.action, Reason: k.reason, First: At(w.Since.Wall), Targets: []string{}, Details: []string{},
			})
		}
		a.WouldHave[i].count(w, until)
	}
	slices.SortStableFunc(a.Done, func(x, y Deed) int { return cmp.Or(cmp.Compare(x.Object, y.Object), x.First.Compare(y.First.Time)) })
	slices.SortStableFunc(a.WouldHave, func(x, y Would) int {
		return cmp.Or(cmp.Compare(x.Object, y.Object), x.First.Compare(y.First.Time), cmp.Compare(x.Action, y.Action))
	})
	return a
}

// count takes a step in, and reports whether it ended otherwise than done.
func (d *Deed) count(l HistoryLine) (failed bool) {
	d.Count++
	d.Last, d.MS, d.MaxMS = l.Time, d.MS+l.MS, max(d.MaxMS, l.MS)
	d.Targets, d.Actors = once(d.Targets, l.Target), once(d.Actors, l.Actor)
	if l.Displaced != "" {
		d.Displaced = once(d.Displaced, l.Displaced)
	}
	switch state.Status(l.Outcome) {
	case "":
		d.UnderWay++
		return false
	case state.Done:
		return false
	case state.Cut:
		d.Interrupted++
	case state.StepRefused:
		d.Refused++
	default:
		d.Failed++
	}
	if len(d.Failures) < maxTexts {
		d.Failures = once(d.Failures, l.Detail)
	}
	return true
}

func (w *Would) count(in state.Wished, now time.Time) {
	w.Count++
	w.Targets = once(w.Targets, in.Action.Target)
	if len(w.Details) < maxTexts {
		w.Details = once(w.Details, in.Detail)
	}
	end := in.Until.Wall
	if in.Until.IsZero() {
		w.Standing++
		end = now
	}
	w.MS += max(0, end.Sub(in.Since.Wall)).Milliseconds()
	if t := At(in.Since.Wall); t.After(w.Last.Time) {
		w.Last = t
	}
	if t := At(in.Since.Wall); t.Before(w.First.Time) {
		w.First = t
	}
}

// once adds a text that is not empty and not there yet.
func once(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Standing is how many of the wishes still stand.
func (a Activity) Standing() int {
	n := 0
	for _, w := range a.WouldHave {
		n += w.Standing
	}
	return n
}

// Wishes is how often there was a reason for something that was not done.
func (a Activity) Wishes() int {
	n := 0
	for _, w := range a.WouldHave {
		n += w.Count
	}
	return n
}
