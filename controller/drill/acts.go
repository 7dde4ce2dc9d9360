package drill

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// How long the controller takes where a runbook does not say: what it watches an alert
// that no longer fires for is two minutes, an effect that nothing verifies shows within
// one, a verification passes within two, and the alert ends ten after it has.
const (
	watched      = 2 * time.Minute
	shows        = time.Minute
	passes       = 2 * time.Minute
	endsAfter    = 10 * time.Minute
	slack        = 30 * time.Second
	approvalName = "a drill with --yes"
)

// takesAll is how long all that a runbook may do takes.
func (d *drill) takesAll() time.Duration {
	all := watched + endsAfter
	for _, s := range d.Book.Spec.Steps {
		all += slack
		switch {
		case s.Do == "":
			continue
		case s.Verify == nil:
			all += max(s.Settle.Std(), shows)
		default:
			all += s.Settle.Std() + max(s.Verify.Within.Std(), passes)
		}
	}
	return all + d.Takes
}

// watch is what was seen of the Case while the runbook acts.
type watch struct {
	seen bool       // it was open
	last state.Case // as it was seen last
	said int        // of its steps, those that were said to have ended
	open bool
	held []report.AlertHeld // what waits now
}

// acts lets the controller act, and watches until the Case closes, or goes no further.
func (d *drill) acts(ctx context.Context) error {
	if err := d.unsilence(ctx); err != nil {
		return err
	}
	d.Say("the runbook may act")
	var w watch
	over := false
	ended, err := d.wait(ctx, d.takesAll(), func(ctx context.Context) (bool, error) {
		v, err := d.Host.View(ctx)
		if err != nil {
			return false, fmt.Errorf("look at the host: %w", err)
		}
		d.look(&w, v)
		if w.open && w.last.Well.IsZero() {
			over, d.report.Over, d.report.OverMS = false, report.Stamp{}, 0
		}
		if w.open && !w.last.Well.IsZero() && !over {
			over = true
			if err := d.over(ctx, w.last); err != nil {
				return false, err
			}
		}
		if stops := d.stops(w); stops || !d.Yes {
			return stops || d.asks(w), nil
		}
		return false, d.approve(ctx, w)
	})
	if err != nil {
		return err
	}
	d.report.Climbed(w.last)
	d.verdict(w, ended)
	return nil
}

// look takes how the Case stands now, and says what has happened.
func (d *drill) look(w *watch, v api.View) {
	c, open := v.Past.CaseOf(d.object, state.AlertUnit(d.alert))
	w.open, w.held = open, nil
	if !open {
		return
	}
	w.seen, w.last = true, c
	for _, one := range v.Alerts().Alerts {
		if one.ID == d.alert.ID {
			w.held = one.Held
		}
	}
	for _, t := range c.Tried[min(w.said, len(c.Tried)):] {
		if t.Status == "" {
			break
		}
		w.said++
		d.Say("step %d, %s: %s", t.Rung, t.Action, t.Status)
	}
}

// stops tells whether the Case goes no further by itself.
func (d *drill) stops(w watch) bool { return w.seen && !w.open || w.last.Ended != "" }

// asks tells whether a human is waited for.
func (d *drill) asks(w watch) bool {
	return slices.ContainsFunc(w.held, func(h report.AlertHeld) bool { return len(h.Steps) > 0 })
}

// approve lets go what waits for a human.
func (d *drill) approve(ctx context.Context, w watch) error {
	for _, h := range w.held {
		if len(h.Steps) == 0 {
			continue
		}
		if _, err := d.Host.Hand(ctx, hand.Request{Verb: hand.Approve, Names: h.Steps, Why: approvalName}); err != nil {
			return fmt.Errorf("approve: %w", err)
		}
		d.Say("approved: %s", h.Detail)
	}
	return nil
}

// over reads the verifications once more, now that the alert no longer fires.
func (d *drill) over(ctx context.Context, c state.Case) error {
	d.report.Over = report.At(c.Well.Wall)
	d.report.OverMS = max(0, d.report.Over.Sub(d.report.LetGo.Time).Milliseconds())
	d.Say("%s no longer fires, %s after the runbook was let go; it is watched for %s", d.Alert.Name, round(d.report.OverMS), desired.Duration(watched))
	after := state.Time{}
	for _, t := range c.Tried {
		if !t.Ended.IsZero() {
			after = t.Ended
		}
	}
	return d.readings(ctx, after, func(v *report.DrillVerify, r *report.DrillReading) {
		v.End = r
		d.Say("step %d is verified by %s, which says now: %s", v.Rung, v.Expr, word(r))
	})
}

// verdict says what it all came to. ended: before the time was over.
func (d *drill) verdict(w watch, ended bool) {
	last, did := d.remedy(w.last)
	if did && last.Status == state.Done {
		d.report.Remedied = report.At(last.Ended.Wall)
		d.report.RemedyMS = max(0, d.report.Remedied.Sub(d.report.LetGo.Time).Milliseconds())
	}
	switch closed := w.seen && !w.open; {
	case w.last.Ended != "":
		d.fails(w, report.DrillEscalated, "%s, and %s fires on: %s", w.last.Ended, d.Alert.Name, w.last.Why)
	case closed && !did:
		d.ends(report.DrillNoRemedy, "%s was over before the runbook had done anything about it", d.Alert.Name)
	case closed && last.Status != state.Done:
		d.ends(report.DrillNoRemedy, "%s is over, and the last that the runbook did was %s, which is %s", d.Alert.Name, last.Action, last.Status)
	case closed && !d.verified(last):
		d.ends(report.DrillUnverified, "%s is over, and the verification of step %d does not say yes", d.Alert.Name, last.Rung)
	case closed:
		d.ends(report.DrillAsDeclared, "%s fired %s after its cause, was remedied by %s, verified, and over %s after the runbook was let go",
			d.Alert.Name, round(d.report.DetectMS), last.Action, round(d.report.OverMS))
	case ended:
		d.fails(w, report.DrillWaits, "it waits for a human; with --yes what waits is approved")
	default:
		d.fails(w, report.DrillLasts, "it came to no end within %s", desired.Duration(d.takesAll()))
	}
}

// fails ends it with what waits.
func (d *drill) fails(w watch, how report.DrillOutcome, format string, args ...any) {
	d.report.Remedied, d.report.RemedyMS = report.Stamp{}, 0
	d.report.Waits = append([]report.AlertHeld{}, w.held...)
	d.ends(how, format, args...)
}

// remedy is the last change that the runbook made, or tried to.
func (d *drill) remedy(c state.Case) (last state.Tried, did bool) {
	for _, t := range c.Tried {
		if n := t.Rung - 1; n >= 0 && n < len(d.Book.Spec.Steps) && d.Book.Spec.Steps[n].Do != "" {
			last, did = t, true
		}
	}
	return last, did
}

// verified tells whether the verification of a step was seen to say yes after it: by the
// controller, or here once the alert was over. Without one the end of the alert says it.
func (d *drill) verified(t state.Tried) bool {
	if !t.Helped.IsZero() {
		return true
	}
	for _, v := range d.report.Verify {
		if v.Rung == t.Rung {
			return v.End != nil && v.End.Known && v.End.Yes
		}
	}
	return true
}
