// Package drill tries a runbook on a disposable host before the night on which it is
// needed: it breaks what the runbook is for, lets the controller there act, and tells
// what came of it. What judges a remedy is judged itself: a verification that says yes
// before anything is broken, and when it is, and nothing was done yet, cannot fail.
//
// It knows the host by its controller's socket and one command; it neither boots nor
// ends it, and decides nothing that the controller decides.
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
	"github.com/pakashop/evenkeel/desired/rules"
	"github.com/pakashop/evenkeel/state"
)

// Host is the disposable host: its controller's socket, and a command run as root.
type Host interface {
	View(ctx context.Context) (api.View, error)
	Query(ctx context.Context, expr string) (state.Fact[state.QueryResult], error)
	Hand(ctx context.Context, r hand.Request) (hand.Answer, error)
	Run(ctx context.Context, argv []string) (output string, err error)
}

// Options say what is tried. All are required, but for Yes.
type Options struct {
	Plan
	Host  Host
	Yes   bool          // what waits for a human is approved
	Takes time.Duration // each thing, where nothing declared says how long
	Every time.Duration // between two looks
	Say   func(format string, args ...any)
}

// Plan is a runbook, what brings its alert about, and what is waited for.
type Plan struct {
	Book   desired.Runbook
	Alert  rules.Alert
	Cause  []string
	Within time.Duration // the alert is to fire; 0: what its rule needs, and two minutes
}

// The rules of Prometheus, where they do not say it, and what a cause takes to show.
const (
	defaultInterval = 15 * time.Second
	showsWithin     = 2 * time.Minute
)

// within is how long the alert may take to fire.
func (p Plan) within() time.Duration {
	if p.Within > 0 {
		return p.Within
	}
	return p.Alert.For + 2*p.interval() + showsWithin
}

func (p Plan) interval() time.Duration {
	if p.Alert.Interval > 0 {
		return p.Alert.Interval
	}
	return defaultInterval
}

// source is how the facts name the rule.
func (p Plan) source() string { return "rule/" + p.Alert.Group + "/" + p.Alert.Name }

// Blank is the report of a drill that has not begun: what the text of the verifications
// shows by itself. OK is false where one cannot fail.
func (p Plan) Blank() report.Drill {
	d := report.Drill{
		Runbook: p.Book.Name, Alert: p.Alert.Name, OK: true,
		Verify: []report.DrillVerify{}, Rungs: []report.DrillRung{}, Waits: []report.AlertHeld{},
	}
	for i, s := range p.Book.Spec.Steps {
		if s.Verify == nil {
			continue
		}
		v := report.DrillVerify{Rung: i + 1, Expr: s.Verify.Expr, CannotFail: rules.Unfailing(s.Verify.Expr)}
		d.Verify = append(d.Verify, v)
		if v.CannotFail != "" && d.OK {
			ends(&d, report.DrillCannotFail, "the verification of step %d cannot fail: %s", v.Rung, v.CannotFail)
		}
	}
	return d
}

// ends says how a drill ended.
func ends(d *report.Drill, how report.DrillOutcome, format string, args ...any) {
	d.OK, d.Outcome, d.Detail = how == report.DrillAsDeclared, how, fmt.Sprintf(format, args...)
}

// drill is one drill under way.
type drill struct {
	Options
	report report.Drill
	alert  state.ActiveAlert
	object string // which the alert is about
}

// Run drills. The host's controller runs, and the host is as declared. The error is
// trouble; how the runbook did is in the report.
func Run(ctx context.Context, o Options) (report.Drill, error) {
	d := &drill{Options: o, report: o.Blank()}
	for _, part := range []func(context.Context) error{d.sound, d.cause, d.fires, d.caused, d.acts} {
		if d.report.Outcome != "" {
			break
		}
		if err := part(ctx); err != nil {
			return d.report, err
		}
	}
	return d.report, nil
}

func (d *drill) ends(how report.DrillOutcome, format string, args ...any) {
	ends(&d.report, how, format, args...)
}

// sound reads what there is before anything is broken.
func (d *drill) sound(ctx context.Context) error {
	why := ""
	quiet, err := d.until(ctx, d.Takes, func(v api.View) bool {
		f := v.Have.Alerts[d.source()]
		switch {
		case !f.Known():
			why = "its rule is not evaluated: " + f.Err
		case len(active(f, d.Book)) > 0:
			why = "it is active, and nothing was broken yet"
		default:
			return true
		}
		return false
	})
	if err != nil {
		return err
	}
	if !quiet {
		d.ends(report.DrillUnsound, "%s: %s", d.Alert.Name, why)
		return nil
	}
	return d.readings(ctx, state.Time{}, func(v *report.DrillVerify, r *report.DrillReading) {
		v.Sound = r
		d.Say("step %d is verified by %s, which says before the cause: %s", v.Rung, v.Expr, word(r))
	})
}

// active are the alerts of a source that a runbook's matchers match.
func active(f state.Fact[state.Alerts], book desired.Runbook) []state.ActiveAlert {
	m, err := desired.ParseAllMatchers(book.Spec.Match)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.Value.Active), func(a state.ActiveAlert) bool { return !desired.MatchAll(m, a.Labels) })
}

func word(r *report.DrillReading) string {
	switch {
	case !r.Known:
		return "unknown (" + r.Says + ")"
	case r.Yes:
		return "yes"
	}
	return "no"
}

// readings evaluates each verification, on data that are younger than an instant.
// Where there are none in time, the reading is unknown.
func (d *drill) readings(ctx context.Context, after state.Time, take func(*report.DrillVerify, *report.DrillReading)) error {
	for i := range d.report.Verify {
		v := &d.report.Verify[i]
		var last *report.DrillReading
		ok, err := d.wait(ctx, d.Takes, func(ctx context.Context) (bool, error) {
			f, err := d.Host.Query(ctx, v.Expr)
			if err != nil {
				return false, fmt.Errorf("evaluate %s: %w", v.Expr, err)
			}
			last = report.NewDrillReading(f)
			return f.Known() && f.At.Follows(after), nil
		})
		if err != nil {
			return err
		}
		if !ok && (last == nil || last.Known) {
			last = &report.DrillReading{Says: "no reading is younger than the cause"}
		}
		take(v, last)
	}
	return nil
}

// until looks again and again at how the host stands.
func (d *drill) until(ctx context.Context, takes time.Duration, yes func(api.View) bool) (bool, error) {
	return d.wait(ctx, takes, func(ctx context.Context) (bool, error) {
		v, err := d.Host.View(ctx)
		if err != nil {
			return false, fmt.Errorf("look at the host: %w", err)
		}
		return yes(v), nil
	})
}

// wait asks until the answer is yes, or until it has taken too long: then it is no.
func (d *drill) wait(ctx context.Context, takes time.Duration, ask func(context.Context) (bool, error)) (bool, error) {
	tick := time.NewTicker(d.Every)
	defer tick.Stop()
	end := time.Now().Add(takes)
	for {
		yes, err := ask(ctx)
		if err != nil || yes {
			return yes, err
		}
		if time.Now().After(end) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-tick.C:
		}
	}
}
