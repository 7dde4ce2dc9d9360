package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Alerts are the active ones of all sources. Its JSON form is a contract; its keys
// are append-only.
type Alerts struct {
	Alerts  []Alert     `json:"alerts"`
	Unknown []SourceGap `json:"unknown"` // the sources that cannot be asked: what they would say is not known
	Quiet   []string    `json:"quiet"`   // the sources that were asked, and have nothing active
	Over    []Alert     `json:"over"`    // what has ended and is watched for a while, with all that was found and done
}

// SourceGap is a source of alerts of which nothing is known.
type SourceGap struct {
	Source string `json:"source"`
	Detail string `json:"detail"`
}

// Alert is one active alert, and what is done about it.
type Alert struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	State       string            `json:"state"` // pending, firing; over in Alerts.Over alone
	Since       Stamp             `json:"since"`
	Object      string            `json:"object"` // which it is about
	Severity    string            `json:"severity"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Source      string            `json:"source"`
	Runbook     string            `json:"runbook"` // empty: there is none for it
	Case        string            `json:"case"`    // empty: none is open
	Blind       string            `json:"blind"`   // why it is no ground for a change; empty: it is
	Suppressed  *Suppressed       `json:"suppressed"`
	Evidence    []AlertEvidence   `json:"evidence"`
	Actions     []AlertAction     `json:"actions"` // that were done, the oldest first
	Held        []AlertHeld       `json:"held"`    // what waits
}

// Suppressed says why nobody is called for an alert.
type Suppressed struct {
	By     string `json:"by"` // dependency, silence
	Detail string `json:"detail"`
}

// AlertEvidence is what a rung gathered.
type AlertEvidence struct {
	Rung int    `json:"rung"`
	What string `json:"what"`
	At   Stamp  `json:"at"`
	Text string `json:"text"`
}

// AlertAction is one rung that was climbed.
type AlertAction struct {
	Rung    int    `json:"rung"`
	Action  string `json:"action"`
	At      Stamp  `json:"at"`
	Outcome string `json:"outcome"` // done, failed, interrupted, refused; empty: under way
	Detail  string `json:"detail"`  // how it ended, in a line
}

// AlertHeld is something that waits, and for what.
type AlertHeld struct {
	Reason state.Reason `json:"reason"`
	Detail string       `json:"detail"`
	Until  Stamp        `json:"until"`
	Steps  []string     `json:"steps"` // that a human may approve
}

// Alerts lists what is active: firing first, then by name.
func (v View) Alerts() Alerts {
	out := Alerts{Alerts: []Alert{}, Unknown: []SourceGap{}, Quiet: []string{}, Over: []Alert{}}
	for _, source := range slices.Sorted(maps.Keys(v.Have.Alerts)) {
		f := v.Have.Alerts[source]
		switch {
		case !f.Known():
			out.Unknown = append(out.Unknown, SourceGap{source, orElse(f.Err, "not looked at yet")})
		case len(f.Value.Active) == 0:
			out.Quiet = append(out.Quiet, source)
		}
		for _, a := range f.Value.Active {
			out.Alerts = append(out.Alerts, v.alert(source, a))
		}
	}
	slices.SortStableFunc(out.Alerts, func(a, b Alert) int {
		return cmp.Or(strings.Compare(a.State, b.State), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	out.Over = v.overAlerts(out.Alerts)
	return out
}

// overAlerts are those whose Case is still open, and that are no longer active.
func (v View) overAlerts(active []Alert) []Alert {
	over := []Alert{}
	if v.Past == nil {
		return over
	}
	for _, key := range slices.Sorted(maps.Keys(v.Past.Cases)) {
		c := v.Past.Cases[key]
		if c.Alert == "" || slices.ContainsFunc(active, func(a Alert) bool { return a.Case == c.ID }) {
			continue
		}
		name, id, _ := strings.Cut(c.Unit, "/")
		one := Alert{
			ID: id, Name: name, State: "over", Since: At(c.Opened.Wall), Object: c.Object, Source: c.Alert, Runbook: c.Runbook,
			Labels: map[string]string{}, Annotations: map[string]string{"summary": strings.TrimPrefix(c.Detail, name+": ")},
			Evidence: []AlertEvidence{}, Actions: []AlertAction{}, Held: []AlertHeld{},
		}
		one.remember(c)
		one.waits(v.Plan, c.Object, c.Unit)
		over = append(over, one)
	}
	return over
}

func (v View) alert(source string, a state.ActiveAlert) Alert {
	out := Alert{
		ID: a.ID, Name: a.Name, State: "pending", Since: At(a.Since), Object: v.alertObject(a), Severity: a.Labels["severity"],
		Labels: orEmpty(a.Labels), Annotations: orEmpty(a.Annotations), Source: source, Blind: a.Blind,
		Evidence: []AlertEvidence{}, Actions: []AlertAction{}, Held: []AlertHeld{},
	}
	if a.Firing {
		out.State = "firing"
	}
	for _, r := range v.Want.Runbooks {
		if m, err := desired.ParseAllMatchers(r.Spec.Match); err == nil && desired.MatchAll(m, a.Labels) {
			out.Runbook = r.Name
			break
		}
	}
	unit := a.Name + "/" + a.ID
	if v.Past != nil {
		out.remember(v.Past.Cases[state.CaseKey(out.Object, unit)])
		if s, ok := plan.Silenced(v.Past, a.Labels, v.Now); ok {
			out.Suppressed = &Suppressed{By: "silence", Detail: s.Says() + ", until " + At(s.Until(v.Now).Wall).clock(v.Now.Wall) + " (" + s.ID + ")"}
		}
	}
	out.waits(v.Plan, out.Object, unit)
	return out
}

// waits tells what the Plan says of the alert.
func (a *Alert) waits(p state.Plan, object, unit string) {
	for _, h := range p.Held {
		if (h.Object != object || h.Unit != unit) && h.Object != "Alert/"+unit {
			continue
		}
		a.Held = append(a.Held, AlertHeld{Reason: h.Reason, Detail: h.Detail, Until: atState(h.Until), Steps: append([]string{}, h.Steps...)})
		if by := suppressor(h); by != "" && a.Suppressed == nil {
			a.Suppressed = &Suppressed{By: by, Detail: h.Detail}
		}
	}
}

// remember tells what was done and brought to light for the Case of the alert.
func (a *Alert) remember(c state.Case) {
	a.Case = c.ID
	for _, t := range c.Tried {
		a.Actions = append(a.Actions, AlertAction{Rung: t.Rung, Action: t.Action, At: At(t.Began.Wall), Outcome: string(t.Status), Detail: t.Detail})
	}
	for _, g := range c.Gathered {
		a.Evidence = append(a.Evidence, AlertEvidence{Rung: g.Rung, What: g.What, At: At(g.At.Wall), Text: g.Text})
	}
}

// suppressor tells what keeps an alert from calling anybody; empty: h does not.
func suppressor(h state.Held) string {
	switch {
	case h.Reason == state.DependencySick:
		return "dependency"
	case h.Reason == state.Suspended && strings.HasPrefix(h.Detail, "silenced by "):
		return "silence"
	}
	return ""
}

// alertObject is the Service that the alert's label names, or else the host.
func (v View) alertObject(a state.ActiveAlert) string {
	if s, ok := v.Want.Service(a.Labels["service"]); ok {
		return s.Object()
	}
	return "Host/" + hostName(v.Want, v.Have)
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// Only keeps the alerts of a name or an ID (of none, all) whose labels match.
func (a Alerts) Only(name string, matchers []desired.Matcher) Alerts {
	those := func(all []Alert) []Alert {
		return slices.DeleteFunc(slices.Clone(all), func(one Alert) bool {
			return name != "" && one.Name != name && one.ID != name || !desired.MatchAll(matchers, one.Labels)
		})
	}
	a.Alerts, a.Over = those(a.Alerts), those(a.Over)
	return a
}

// Count is how many fire, are pending, and are suppressed.
func (a Alerts) Count() (firing, pending, suppressed int) {
	for _, one := range a.Alerts {
		switch {
		case one.Suppressed != nil:
			suppressed++
		case one.State == "firing":
			firing++
		default:
			pending++
		}
	}
	return firing, pending, suppressed
}
