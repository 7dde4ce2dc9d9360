package gather

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Sources are what only the process of the controller can read. One that is nil is
// said to be missing.
type Sources struct {
	// Query and Exemplars evaluate an expression over the metrics, as text.
	Query, Exemplars func(ctx context.Context, expr string) (string, error)
	// Changes are what changed on the host within the last while, as text.
	Changes func(ctx context.Context, since time.Duration) (string, error)
	// Logs are entries of the journal as journalctl's JSON, the newest first, bounded.
	// They are passed on and not looked at.
	Logs func(ctx context.Context, units []string, since time.Duration) ([]byte, error)
}

// Front is the half that the controller calls directly.
type Front struct {
	Sources
	info  actuators.Info
	apart func() (actuators.Actuator, error)
}

var _ actuators.Actuator = (*Front)(nil)

// NewFront returns the half of a version of evenkeel that hands on to apart, the plugin.
func NewFront(version string, s Sources, apart func() (actuators.Actuator, error)) *Front {
	f := &Front{Sources: s, apart: apart, info: actuators.Info{Name: Name, Version: version}}
	for _, v := range verbs {
		v.verb.Effect = actuators.None
		if v.verb.Name == "logs.search" {
			v.verb.Content = false // this half finds it
		}
		f.info.Verbs = append(f.info.Verbs, v.verb)
	}
	f.info.Verbs = append(f.info.Verbs,
		actuators.Verb{Name: "metrics.query", Effect: actuators.None, Args: []string{"expr", "title"}, Help: "Tells what an expression comes to."},
		actuators.Verb{Name: "metrics.exemplars", Effect: actuators.None, Args: []string{"expr"}, Help: "Tells the exemplars of what an expression selects."},
		actuators.Verb{Name: "changes.recent", Effect: actuators.None, Args: []string{"since"}, Help: "Tells what changed on the host lately, by whomever."})
	return f
}

// Info lists the verbs of both halves.
func (f *Front) Info(context.Context) (actuators.Info, error) { return f.info, nil }

// Apply reads, or has the plugin read.
func (f *Front) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := f.info.Check(r); err != nil {
		return actuators.Result{}, err
	}
	switch r.Verb {
	case "metrics.query":
		return collect(ctx, r, f.metrics(f.Query, cmp.Or(r.Args["title"], r.Args["expr"])))
	case "metrics.exemplars":
		return collect(ctx, r, f.metrics(f.Exemplars, "requests that "+r.Args["expr"]+" counts, the largest first"))
	case "changes.recent":
		return collect(ctx, r, f.changes)
	case "logs.search":
		return f.logs(ctx, r)
	}
	return f.handOn(ctx, r)
}

func (f *Front) metrics(ask func(context.Context, string) (string, error), title string) func(context.Context, actuators.Request) (found, error) {
	return func(ctx context.Context, r actuators.Request) (found, error) {
		if ask == nil {
			return found{}, actuators.Errorf(actuators.Unavailable, "no metrics are read")
		}
		expr := r.Args["expr"]
		if expr == "" {
			return found{}, actuators.Errorf(actuators.Invalid, "no expr")
		}
		says, err := ask(ctx, expr)
		if err != nil {
			return found{}, err
		}
		return aboutMetrics(title, says), nil
	}
}

// aboutMetrics tells what was asked, in its own words where it has any, and what that
// comes to.
func aboutMetrics(asked, says string) found {
	asked = strings.Join(strings.Fields(asked), " ")
	lines := strings.Split(strings.TrimSpace(says), "\n")
	if len(lines) == 1 {
		one := asked + ": " + cmp.Or(strings.TrimSpace(lines[0]), "nothing")
		return found{one, one}
	}
	var t text
	t.line("%s:", asked)
	for _, line := range lines {
		t.line("  %s", strings.TrimRight(line, "\r"))
	}
	return found{asked + ": " + plural(len(lines), "line"), t.String()}
}

func (f *Front) changes(ctx context.Context, r actuators.Request) (found, error) {
	if f.Changes == nil {
		return found{}, actuators.Errorf(actuators.Unavailable, "no changes are read")
	}
	since, err := span(r, time.Hour)
	if err != nil {
		return found{}, err
	}
	says, err := f.Changes(ctx, since)
	if err != nil {
		return found{}, err
	}
	says = strings.TrimSpace(says)
	if says == "" {
		nothing := "nothing changed within " + short(since)
		return found{nothing, nothing}, nil
	}
	return found{"what changed within " + short(since), newestFirst(says)}, nil
}

// short is a span without the units that say nothing: 1h, not 1h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if t, ok := strings.CutSuffix(text, "m0s"); ok {
		text = t + "m"
	}
	if t, ok := strings.CutSuffix(text, "h0m"); ok {
		text = t + "h"
	}
	return text
}

// newestFirst turns lines round, so that what is left out is the oldest.
func newestFirst(s string) string {
	lines := strings.Split(s, "\n")
	slices.Reverse(lines)
	return strings.Join(lines, "\n")
}

// logs reads the journal here, and has the plugin understand it.
func (f *Front) logs(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if f.Logs == nil {
		return actuators.Result{}, actuators.Errorf(actuators.Unavailable, "%s: no journal is read", r.Action)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: nothing was read: %w", r.Action, err)
	}
	since, err := span(r, 10*time.Minute)
	if err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: %w", r.Action, err)
	}
	var units []string
	if r.Args["units"] != "" {
		units = strings.Split(r.Args["units"], ",")
	} else if r.Args["service"] != "" {
		return actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: it does not say which units the service has", r.Action)
	}
	b, err := f.Logs(ctx, units, since)
	if err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Unavailable, "%s: %w", r.Action, err)
	}
	if b == nil {
		b = []byte{}
	}
	r.Content = b
	return f.handOn(ctx, r)
}

func (f *Front) handOn(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := ctx.Err(); err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: nothing was read: %w", r.Action, err)
	}
	a, err := f.apart()
	if err != nil {
		return actuators.Result{}, err
	}
	return a.Apply(ctx, r)
}

// span is how far back a request looks.
func span(r actuators.Request, otherwise time.Duration) (time.Duration, error) {
	word, ok := r.Args["since"]
	if !ok {
		return otherwise, nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return 0, actuators.Errorf(actuators.Invalid, "since %q: want a duration like 10m", brief(word, 40))
	}
	return d, nil
}
