package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Sickness is a kind of Case that was open over a time: one an object and reason.
type Sickness struct {
	Object  string       `json:"object"`
	Reason  state.Reason `json:"reason"`
	Count   int          `json:"count"`
	Tried   int          `json:"tried"`  // remedies
	GaveUp  int          `json:"gaveUp"` // so many ended before they were healed: Escalated, RemedyWorse, …
	Healed  int          `json:"healed"`
	Open    int          `json:"open"` // the rest is no longer to be healed, or a human began anew
	MS      int64        `json:"ms"`   // for how long they were open, all of them together
	First   Stamp        `json:"first"`
	Last    Stamp        `json:"last"` // the opening of the last one
	Cases   []string     `json:"cases"`
	Details []string     `json:"details"` // what was wrong and how it ended, each text once
}

// course is how one Case went, as far as its notes tell.
type course struct {
	state.Case
	over   time.Time // zero: it is open
	ends   []string
	gaveUp bool
	healed bool // else a human began anew, or took it out of evenkeel's hands
}

// sicknesses groups what notes, in any order, tell of Cases.
func sicknesses(notes []state.Entry, until time.Time) []Sickness {
	out := []Sickness{}
	type key struct {
		object string
		reason state.Reason
	}
	at := map[key]int{}
	for _, c := range courses(notes) {
		k := key{c.Object, c.Reason}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, Sickness{Object: c.Object, Reason: c.Reason, First: At(c.Opened.Wall), Cases: []string{}, Details: []string{}})
		}
		out[i].count(c, until)
	}
	slices.SortStableFunc(out, func(a, b Sickness) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), a.First.Compare(b.First.Time), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// courses follows each Case through its notes, in the order in which they opened.
func courses(notes []state.Entry) []*course {
	notes = slices.SortedStableFunc(slices.Values(notes), func(a, b state.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	var list []*course
	by, open := map[string]*course{}, map[string]*course{}
	for _, e := range notes {
		n := e.Note
		switch {
		case n == nil:
		case n.Kind == state.NoteRetried:
			if c := open[state.CaseKey(n.Object, n.Name)]; c != nil {
				c.over = e.At.Wall
				c.ends = append(c.ends, "begun anew by "+cmp.Or(n.Actor, "a human"))
			}
		case n.Case == nil || n.Kind != state.NoteCase && n.Kind != state.NoteHealed:
		default:
			c := by[n.Case.ID]
			if c == nil {
				c = &course{}
				by[n.Case.ID] = c
				list = append(list, c)
			}
			c.Case = *n.Case
			open[c.Key()] = c
			if c.Ended != "" {
				c.gaveUp = true
				c.ends = append(c.ends, string(c.Ended)+": "+c.Why)
			}
			if n.Kind == state.NoteHealed {
				c.over, c.healed = e.At.Wall, !c.Well.IsZero()
				c.ends = append(c.ends, "closed: "+n.Detail)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b *course) int { return a.Opened.Wall.Compare(b.Opened.Wall) })
	return list
}

func (s *Sickness) count(c *course, until time.Time) {
	s.Count++
	s.Tried += len(c.Tried)
	if c.gaveUp {
		s.GaveUp++
	}
	if c.healed {
		s.Healed++
	}
	end := c.over
	if end.IsZero() {
		s.Open++
		end = until
	}
	s.MS += max(0, end.Sub(c.Opened.Wall)).Milliseconds()
	s.Last = At(c.Opened.Wall)
	s.Cases = once(s.Cases, c.ID)
	for _, text := range append([]string{c.Detail}, c.ends...) {
		if len(s.Details) < maxTexts {
			s.Details = once(s.Details, text)
		}
	}
}

// counted is how many Cases there were, and how many are open.
func (a Activity) counted() (all, open int) {
	for _, s := range a.Sick {
		all, open = all+s.Count, open+s.Open
	}
	return all, open
}
