package ward_test

import (
	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/state"
)

// flight is a Step under way.
type flight struct {
	step     state.Step
	was      string // the invocation before it
	happened bool
	fault    int
}

// What goes wrong with a Step.
const (
	fine    = iota
	fails   // nothing happens, and the actuator says so
	unknown // it happens, and the actuator does not know
	lies    // nothing happens, and the actuator says it did
	unread  // it happens, and cannot be read
)

// effect does what a Step is to do.
func (w *ward) effect(f *flight) {
	if f.happened || f.fault == fails || f.fault == lies {
		return
	}
	f.happened = true
	a := f.step.Action
	if f.step.Reason == state.Alert {
		w.mendsAlarm(&f.step)
	}
	if f.step.Effect == actuators.None {
		return
	}
	if err := w.auditor.Saw(audit.Deed{At: w.now(), Unit: a.Target, Verb: a.Verb, Step: f.step.ID}); err != nil {
		w.breach("%v", err)
	}
	if a.Actuator == "fix" && f.step.Rests[0].Kind == state.RefUnit {
		b := w.bed(f.step.Rests[0].Name)
		if b.ill.cure == byFix {
			w.heals(b)
		}
		return
	}
	if a.Target == "" {
		return
	}
	b := w.bed(a.Target)
	switch a.Verb {
	case "start":
		w.start(b, true)
	case "restart":
		w.restart(b)
	case "stop":
		w.stop(b)
	case "reset-failed":
		if b.starts = b.starts[:0]; b.u.Active == "failed" {
			b.u.Active, b.u.Sub, b.u.Result, b.u.Restarts, b.u.Rested, b.u.Changed = "inactive", "dead", "success", 0, 0, w.up
			w.changed(b)
		}
	}
}

// end writes down how a Step ended, by what is read then.
func (w *ward) end(f *flight) {
	w.effect(f)
	now := w.now()
	o := state.Outcome{ID: f.step.ID, Status: state.Done}
	switch {
	case f.fault == fails:
		o.Status, o.Kind = state.StepFailed, actuators.Failed.String()
	case f.fault == unread:
		o.Status = state.Cut
	case f.step.Action.Actuator == "systemd" && !w.cameAbout(f):
		o.Status = state.StepFailed
	}
	if f.step.Action.Actuator == "gather" && o.Status == state.Done {
		o.Evidence = "depth 140"
	}
	w.append(state.Entry{At: now, Outcome: &o})
	if w.say != nil {
		w.tell("ended %s %s: %s", f.step.ID, f.step.Action, o.Status)
	}
	for _, r := range f.step.Rests {
		w.read(r, false)
	}
	f.step.ID = ""
	w.due = true
}

// cameAbout is the second reading's verdict.
func (w *ward) cameAbout(f *flight) bool {
	if f.step.Action.Target == "" {
		return true
	}
	u := w.bed(f.step.Action.Target).u
	switch f.step.Action.Verb {
	case "start":
		return u.Up()
	case "restart":
		return u.Up() && u.Invocation != f.was
	case "stop":
		return u.Active == "inactive" || u.Active == "failed"
	case "reset-failed":
		return u.Active != "failed"
	}
	return true
}
