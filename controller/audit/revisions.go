package audit

import (
	"slices"

	"github.com/pakashop/evenkeel/state"
)

// returns: a revision goes back once, only from the one in force, and to one that
// was not found bad. What goes out into the world because of it does so once.
func (a *Auditor) returns(s state.Step, _ state.Time) error {
	switch act := s.Action; act.Actuator + "." + act.Verb {
	case "revision.rollback":
		from := act.Args["from"]
		switch _, bad := a.past.Quarantined[act.Target]; {
		case s.Ask != "":
		case from != a.past.Revision.Name:
			return breach("revisions", "%s goes back, and %s is in force", from, a.past.Revision.Name)
		case a.returned[from]:
			return breach("revisions", "%s goes back for the second time", from)
		case bad:
			return breach("revisions", "%s goes back to %s, which was found bad", from, act.Target)
		}
	case "git.revert":
		switch q, bad := a.past.Quarantined[act.Args["commit"]]; {
		case s.Key == "":
			return breach("revisions", "%s has no key: it may happen twice", act)
		case a.reverted[s.Key]:
			return breach("revisions", "%s is done for the second time", act)
		case !bad || q.To != act.Args["base"]:
			return breach("revisions", "%s, and the commit was not taken back here", act)
		}
	}
	return nil
}

// gone takes in how such a Step ended.
func (a *Auditor) gone(s state.Step, o state.Outcome) {
	if o.Status != state.Done {
		return
	}
	switch s.Action.Actuator + "." + s.Action.Verb {
	case "revision.rollback":
		if s.Ask == "" {
			a.returned[s.Action.Args["from"]] = true
		}
	case "git.revert":
		a.reverted[s.Key] = true
	}
}

// inForce: what was found bad is not put in force again, unless a human says so.
func (a *Auditor) inForce(n state.Note) error {
	name := n.Revision.Name
	if _, bad := a.past.Quarantined[name]; bad && (a.past.Pinned == nil || a.past.Pinned.Name != name) {
		return breach("revisions", "%s is in force again, and was found bad", name)
	}
	if on := n.Provisional; on != nil && (on.Name != name || on.From == name || !slices.IsSorted(on.Well)) {
		return breach("revisions", "%s is in force, and what must prove itself is %+v", name, *on)
	}
	return nil
}

// revisionCase: what becomes of the Case of a revision is told when it opens, when
// all is well again after it went back, and when a human is needed; and not else.
func (a *Auditor) revisionCase(old, c state.Case, had bool, tell string) error {
	_, moved := a.past.Quarantined[c.Unit]
	news := !had || c.Ended != old.Ended && c.Ended != "" || moved && old.Well.IsZero() && !c.Well.IsZero()
	if news != (tell != "") {
		return breach("told", "%s: %q is told, and it is news: %v", c.ID, tell, news)
	}
	return nil
}
