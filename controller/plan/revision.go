package plan

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// InForce says which revision is to be in force where a branch is followed that
// wants another: a human's pin comes before all, and what was found bad here is
// not put in force again.
func InForce(past *state.Past, wanted string) string {
	if past.Pinned != nil {
		return past.Pinned.Name
	}
	if q, bad := past.Quarantined[wanted]; bad {
		if _, worse := past.Quarantined[past.Revision.Name]; !worse && past.Revision.Name != "" {
			return past.Revision.Name
		}
		return q.To
	}
	return wanted
}

// confirmAfter is how long a revision proves itself where its environment does
// not say.
const confirmAfter = 5 * time.Minute

// Adopt says what is remembered when a revision takes the place of old: that it is
// in force, and by what it has to prove itself. What it changed, and whatever rests
// on that, counts as far as it is well now, before anything is done. One that came
// by a return proves nothing, and neither does one that changes nothing, or that
// nobody will act on.
func Adopt(old, next *desired.Set, have *state.World, past *state.Past, now state.Time) state.Note {
	n := state.Note{Kind: state.NoteRevision, Revision: &state.Revision{Name: next.Revision, Services: len(next.Services), Floor: have.Source.Head}}
	if past.Revision.Name == "" || past.Revision.Name == next.Revision || next.Policy.Mode == desired.Observe {
		return n
	}
	on := state.Provisional{
		Name: next.Revision, From: past.Revision.Name, Began: now, Since: now, For: next.Rollout.ConfirmAfter.Std(),
		Touched: desired.Touched(old, next), Final: desired.Final(old, next), Claims: claims(old, next),
	}
	if on.For <= 0 {
		on.For = confirmAfter
	}
	on.Well = healthy(old, next, on.Touched, have, past, now)
	if before := past.Provisional; before != nil && before.Name == past.Revision.Name {
		// The one before had not proved itself: what it did counts, too.
		on.From = before.From
		on.Touched, on.Final, on.Claims = union(on.Touched, before.Touched), union(on.Final, before.Final), union(on.Claims, before.Claims)
		on.Well = union(without(on.Well, before.Touched), before.Well)
	}
	if len(on.Touched) > 0 {
		n.Provisional = &on
	}
	return n
}

// healthy lists, of what a revision touches and what rests on it, the services
// that are well by what was declared until now.
func healthy(old, next *desired.Set, touched []string, have *state.World, past *state.Past, now state.Time) []string {
	d := &draft{want: Turned(old, past), have: have, past: past, now: now}
	d.diagnose()
	var out []string
	for _, object := range cone(next, touched) {
		s := d.runs(object)
		if s == nil || len(d.vitals[s.Name]) == 0 {
			continue
		}
		if !slices.ContainsFunc(d.vitals[s.Name], func(v vitals) bool { return !v.well() }) {
			out = append(out, object)
		}
	}
	return out
}

// cone is what was touched, and all that requires it, directly or not, sorted.
func cone(want *desired.Set, touched []string) []string {
	in := make(map[string]bool, len(touched))
	for _, object := range touched {
		in[object] = true
	}
	for grown := true; grown; {
		grown = false
		for i := range want.Services {
			s := &want.Services[i]
			if in[s.Object()] {
				continue
			}
			rests := slices.ContainsFunc(s.Requires, func(n string) bool { return in["Service/"+n] }) ||
				slices.ContainsFunc(s.Outside, func(n string) bool { return in["Endpoint/"+n] })
			if rests {
				in[s.Object()], grown = true, true
			}
		}
	}
	return sortedKeys(in)
}

// claims lists the files that a revision declares and the one before does not.
func claims(old, next *desired.Set) []string {
	was := make(map[string]bool)
	for i := range old.Services {
		for a := range artifacts(&old.Services[i]) {
			was[a.Path] = true
		}
	}
	var out []string
	for i := range next.Services {
		for a := range artifacts(&next.Services[i]) {
			if !a.Host && !was[a.Path] {
				out = append(out, a.Path)
			}
		}
	}
	slices.Sort(out)
	return out
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
