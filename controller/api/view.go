package api

import (
	"context"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// View is how things stand at one moment. What it points to is never changed
// afterwards.
type View struct {
	Want     *desired.Set `json:"want"`
	Have     state.World  `json:"have"`
	Past     *state.Past  `json:"past"`
	Plan     state.Plan   `json:"plan"`
	Now      state.Time   `json:"now"`
	Distrust string       `json:"distrust,omitempty"` // Past's own, which is not part of its stored form
	Invalid  string       `json:"invalid,omitempty"`  // why the newest desired state is not in force
	Warnings []string     `json:"warnings,omitempty"` // of the desired state in force
}

func (v View) report() report.View {
	return report.View{Want: v.Want, Have: v.Have, Past: v.Past, Plan: v.Plan, Now: v.Now}
}

// Board is the status of every unit. A desired state that was refused shows as
// what is wanted and not in force.
func (v View) Board() report.Board {
	b := report.NewBoard(v.Want, v.Have, v.Past, v.Plan, v.Now)
	if v.Invalid != "" {
		b.Status.Wanted = "invalid: " + v.Invalid
	}
	return b
}

// Unsettled says why the host is not yet as a revision declares; empty: it is.
func (v View) Unsettled(revision string) string {
	switch {
	case v.Want.Revision != revision:
		return "it is being read"
	case len(v.Plan.Steps) > 0:
		return v.under(v.Plan.Steps[0])
	case len(v.Past.Flight) > 0:
		return "steps are under way"
	}
	for _, h := range v.Plan.Held {
		if !h.Info {
			return h.Object + ": " + string(h.Reason) + ": " + h.Detail
		}
	}
	return ""
}

// Diff is the Plan with its file diffs. It reads the files that differ.
func (v View) Diff() report.Diff {
	return report.NewDiff(v.Want, v.Have, v.Past, v.Plan, readFile)
}

// Render gives a Diff a form for people: text, markdown or html. Other forms
// are for machines, and have no text.
func Render(d report.Diff, form string, st report.Style) (string, error) {
	switch form {
	case "text":
		return d.Text(st), nil
	case "markdown":
		return d.Markdown(), nil
	case "html":
		return d.HTML()
	}
	return "", nil
}

// Get lists the objects of a kind, of all kinds for "".
func (v View) Get(kind string) report.List { return v.report().Get(kind) }

// Describe shows one object, KIND/NAME, in full.
func (v View) Describe(object string, history []state.Line) (report.Description, bool) {
	d, ok := v.report().Describe(object, Lines(history))
	d.Warnings = v.warningsOf(d.Object)
	return d, ok
}

// Graph draws what rests on what, and how each of it is; with an object only what
// is around that.
func (v View) Graph(object string) (report.Graph, bool) { return v.report().Graph(object) }

// Alerts lists what is active of all sources of alerts.
func (v View) Alerts() report.Alerts { return v.report().Alerts() }

// Silences lists what is silenced.
func (v View) Silences() report.Silences { return v.report().Silences() }

// Why explains what is and is not done about one service, or one Endpoint.
func (v View) Why(service string, history []state.Line) (report.Why, bool) {
	return v.report().Why(service, Lines(history))
}

// Backend is what the door opens to.
type Backend interface {
	View(ctx context.Context) (View, error)
	Reload(ctx context.Context) error
	Reconcile()
	Hand(ctx context.Context, r hand.Request) (hand.Answer, error)
}
