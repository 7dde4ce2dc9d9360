package report

import (
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// transition is since when a condition has its status, as well as that can be
// known from what was seen and from what is remembered: nothing is stored for it.
func (v View) transition(s *desired.Service, c Condition) Stamp {
	if c.Status == Unknown {
		return Stamp{}
	}
	yes := c.Status == True
	switch c.Type {
	case Running:
		return At(v.ranSince(s, yes))
	case InSync:
		if yes {
			return At(v.settledSince(s))
		}
		return At(v.differsSince(s))
	case HeldType:
		if h, ok := v.firstHold(s); ok && yes {
			return At(v.heldSince(s, h))
		}
		return v.resumed(s)
	case SuspendedType:
		return v.suspendedSince(s, yes)
	case PendingRestartType:
		if yes {
			return At(v.youngest(s, v.ranSince(s, true)))
		}
		return At(v.ranSince(s, true))
	}
	return Stamp{} // of links systemd keeps no time
}

// ranSince is when the last unit of those that run became active, or when the
// first of those that do not ceased to be; zero where there is none.
func (v View) ranSince(s *desired.Service, up bool) time.Time {
	var out time.Time
	for _, name := range s.Units {
		f := v.Have.Units[name]
		if !f.Known() || f.Value.Up() != up {
			continue
		}
		if up {
			out = latest(out, orTime(wall(f.Value, f.Value.Entered), f.Value.ChangedAt))
		} else {
			out = earliest(out, orTime(wall(f.Value, f.Value.Exited), f.Value.ChangedAt))
		}
	}
	return out
}

// settledSince is when the last thing came to be as declared: a step of
// evenkeel's ended, a unit became active, a file was changed.
func (v View) settledSince(s *desired.Service) time.Time {
	out := v.ranSince(s, true)
	for _, r := range v.refs(s) {
		if v.Past != nil {
			out = latest(out, v.Past.Ended[r.String()].Wall)
		}
		if r.Kind == state.RefFile {
			out = latest(out, v.Have.Files[r.Name].Value.Changed)
		}
	}
	return out
}

func (v View) refs(s *desired.Service) []state.Ref {
	var out []state.Ref
	for _, u := range s.Units {
		out = append(out, state.Ref{Kind: state.RefUnit, Name: u})
	}
	for _, path := range paths(s) {
		out = append(out, state.Ref{Kind: state.RefFile, Name: path})
	}
	return out
}

// paths are those of the files that a service declares.
func paths(s *desired.Service) []string {
	var out []string
	if s.UnitFile != nil {
		out = append(out, s.UnitFile.Path)
	}
	for _, a := range slices.Concat(s.DropIns, s.Files) {
		out = append(out, a.Path)
	}
	if s.Link != nil {
		out = append(out, s.Link.Path)
	}
	return out
}

// differsSince is when the first thing that differs came to differ: a file was
// changed, or a unit went down.
func (v View) differsSince(s *desired.Service) time.Time {
	var out time.Time
	for _, st := range v.Plan.Steps {
		if st.Object == s.Object() {
			out = earliest(out, v.targetSince(s, st.Action.Target))
		}
	}
	for _, h := range v.Plan.Held {
		if h.Object != s.Object() || h.Info {
			continue
		}
		for _, w := range h.Wishes {
			out = earliest(out, v.targetSince(s, w.Action.Target))
		}
		for _, f := range h.Fields {
			path, _, _ := strings.Cut(f.Path, ":")
			out = earliest(out, v.targetSince(s, path))
		}
	}
	return out
}

// targetSince is when a file was changed, or a unit of the service went down.
func (v View) targetSince(s *desired.Service, target string) time.Time {
	if f := v.Have.Units[target]; slices.Contains(s.Units, target) && f.Known() && !f.Value.Up() {
		return orTime(wall(f.Value, f.Value.Exited), f.Value.ChangedAt)
	}
	return v.Have.Files[target].Value.Changed
}

// heldSince is when a hold began to hold something.
func (v View) heldSince(s *desired.Service, h state.Held) time.Time {
	for _, r := range v.remembered(s) {
		if r.Reason == h.Reason {
			return r.Since.Wall
		}
	}
	if v.Past == nil {
		return time.Time{}
	}
	switch h.Reason {
	case state.Suspended:
		return v.Past.Released[s.Object()].Wall
	case state.NewVersion:
		return v.Past.Renewed.Wall
	case state.BudgetSpent, state.Backoff:
		return v.triedLast(s, h)
	case state.DependencySick:
		var out time.Time
		for _, name := range v.looked().picture.Roots(s.Name) {
			out = earliest(out, v.unfitSince(name))
		}
		return out
	case state.ObserveOnly:
		var out time.Time
		for _, w := range h.Wishes {
			out = earliest(out, v.Past.Wished[w.ID].Since.Wall)
		}
		return out
	}
	return v.differsSince(s)
}

// triedLast is when the attempt began that a limit or a pause counts from.
func (v View) triedLast(s *desired.Service, h state.Held) time.Time {
	var out time.Time
	for _, u := range s.Units {
		if c := v.Past.Charges[u]; len(c) > 0 && (h.Unit == "" || h.Unit == u) {
			out = latest(out, c[len(c)-1].Wall)
		}
	}
	for _, w := range h.Wishes {
		out = latest(out, v.Past.Failures[state.TallyKey(w.Object, w.Action)].At.Wall)
	}
	return out
}

func (v View) suspendedSince(s *desired.Service, yes bool) Stamp {
	if !yes {
		return v.resumed(s)
	}
	for _, h := range v.remembered(s) {
		if h.Reason == state.Suspended {
			return At(h.Since.Wall)
		}
	}
	return At(v.Past.Released[s.Object()].Wall)
}

// resumed is when the last suspension ended.
func (v View) resumed(s *desired.Service) Stamp {
	if v.Past == nil {
		return Stamp{}
	}
	return At(v.Past.Resumed[s.Object()].Wall)
}

// youngest is the last change, since a process started, of what it was made
// from; zero where nothing was changed of which the time is known.
func (v View) youngest(s *desired.Service, started time.Time) time.Time {
	var out time.Time
	for _, path := range append(paths(s), s.Spec.Watch...) {
		if c := v.Have.Files[path].Value.Changed; c.After(started) {
			out = latest(out, c)
		}
	}
	return out
}

// latest and earliest take no account of a zero time.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func orTime(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}
