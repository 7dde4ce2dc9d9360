package drill

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// silenced is why the alert is silenced until the verifications were read.
const silenced = "a drill: its runbook waits until what verifies it was read"

// cause breaks what the runbook is for. Its alert is silenced meanwhile, so that nothing
// is done about it before the verifications have said what they say of the broken host.
func (d *drill) cause(ctx context.Context) error {
	if err := d.silence(ctx); err != nil {
		return err
	}
	v, err := d.Host.View(ctx)
	if err != nil {
		return fmt.Errorf("look at the host: %w", err)
	}
	d.report.Caused = report.At(v.Now.Wall)
	d.Say("the cause: %s", strings.Join(strings.Fields(strings.Join(d.Cause, " ")), " "))
	ctx, cancel := context.WithTimeout(ctx, d.Takes)
	defer cancel()
	if out, err := d.Host.Run(ctx, d.Cause); err != nil {
		return fmt.Errorf("the cause, within %s: %w: %s", d.Takes, err, strings.TrimSpace(out))
	}
	return nil
}

// silence keeps the runbook back.
func (d *drill) silence(ctx context.Context) error {
	whose := desired.Matcher{Name: "alertname", Op: "=", Value: d.Alert.Name}
	r := hand.Request{Verb: hand.Silence, Names: []string{whose.String()}, For: d.within() + d.takesAll(), Why: silenced}
	if _, err := d.Host.Hand(ctx, r); err != nil {
		return fmt.Errorf("have the runbook wait: %w", err)
	}
	return nil
}

// fires waits until the alert does.
func (d *drill) fires(ctx context.Context) error {
	d.Say("waiting for %s to fire, for at most %s: %s for %s", d.Alert.Name, desired.Duration(d.within()), d.Alert.Expr, desired.Duration(d.Alert.For))
	var why, said string
	var other *desired.Runbook
	fired, err := d.until(ctx, d.within(), func(v api.View) bool {
		f := v.Have.Alerts[d.source()]
		why = "it was neither firing nor pending"
		if !f.Known() {
			why = "its rule is not evaluated: " + f.Err
		}
		for _, a := range active(f, d.Book) {
			switch {
			case !a.Firing:
				why = "it is pending"
			case a.Blind != "":
				why = "it fires, and nothing is done because of it: " + a.Blind
			default:
				d.alert, d.report.Fired = a, report.At(v.Now.Wall)
				d.object, other = about(v, a), plan.BookFor(v.Want, a.Labels)
				return true
			}
		}
		if why != said {
			d.Say("%s: %s", d.Alert.Name, why)
			said = why
		}
		return false
	})
	if err != nil {
		return err
	}
	switch {
	case !fired:
		d.ends(report.DrillNotFired, "%s did not fire within %s of its cause: %s", d.Alert.Name, desired.Duration(d.within()), why)
		return nil
	case other == nil || other.Name != d.Book.Name:
		name := "no runbook"
		if other != nil {
			name = "runbook " + other.Name
		}
		d.ends(report.DrillOtherBook, "%s is for %s, the first by name that matches it", name, d.Alert.Name)
	}
	d.report.Object = d.object
	d.report.DetectMS = d.report.Fired.Sub(d.report.Caused.Time).Milliseconds()
	d.Say("%s fires, %s after its cause", d.Alert.Name, round(d.report.DetectMS))
	return nil
}

func about(v api.View, a state.ActiveAlert) string {
	for _, one := range v.Alerts().Alerts {
		if one.ID == a.ID {
			return one.Object
		}
	}
	return ""
}

func round(ms int64) time.Duration {
	return (time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond)
}

// caused reads what the verifications say of the broken host, before anything is done.
func (d *drill) caused(ctx context.Context) error {
	v, err := d.Host.View(ctx)
	if err != nil {
		return fmt.Errorf("look at the host: %w", err)
	}
	err = d.readings(ctx, v.Now, func(v *report.DrillVerify, r *report.DrillReading) {
		v.Caused = r
		d.Say("step %d is verified by %s, which says before any step: %s", v.Rung, v.Expr, word(r))
		if r.Known && r.Yes {
			d.doubt(v)
		}
	})
	return err
}

// doubt ends the drill because of a verification that says yes of the broken host: what
// came of the steps would prove nothing.
func (d *drill) doubt(v *report.DrillVerify) {
	how, why := report.DrillProvesNothing, "it says yes after the cause, before anything was done"
	if v.Sound.Known && v.Sound.Yes {
		v.CannotFail = "it says yes before the cause, and after it before anything was done"
		how, why = report.DrillCannotFail, v.CannotFail
	}
	switch {
	case d.report.Outcome != "": // another one, which was said
	case how == report.DrillCannotFail:
		d.ends(how, "the verification of step %d cannot fail: %s", v.Rung, why)
	default:
		d.ends(how, "the verification of step %d proves nothing: %s", v.Rung, why)
	}
}

// unsilence lets the runbook go.
func (d *drill) unsilence(ctx context.Context) error {
	v, err := d.Host.View(ctx)
	if err != nil {
		return fmt.Errorf("look at the host: %w", err)
	}
	d.report.LetGo = report.At(v.Now.Wall)
	for id, s := range v.Past.Silences {
		if s.Why != silenced || s.Ended(v.Now) {
			continue
		}
		if _, err := d.Host.Hand(ctx, hand.Request{Verb: hand.Unsilence, Names: []string{id}}); err != nil {
			return fmt.Errorf("let the runbook go: %w", err)
		}
	}
	return nil
}
