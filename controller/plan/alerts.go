package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// An alert that fires opens a Case, and its Runbook is the ladder of that Case: see
// runbook.go. What is not known of alerts opens nothing, closes nothing, and nothing
// is done because of it. An alert that no Runbook is for calls a human, once.

// firing is an alert that fires.
type firing struct {
	state.ActiveAlert
	source string
	at     state.Time       // of the reading
	object string           // the service that it is about, else the host
	sv     *service         // the same as something that Steps are planned for
	book   *desired.Runbook // nil: none is for it
	detail string           // what is wrong, in a few words
}

// maxAlertCases is how many Cases of alerts are open at most. More alerts at once
// are a storm, and nobody reads, or repairs, them one by one.
const maxAlertCases = 50

// quietFor is how long an alert must not have fired for its Case to close.
const quietFor = 2 * time.Minute

// alerts sees to every alert that fires, and to the Cases of those that did.
func (d *draft) alerts() {
	if d.have.Alerts == nil {
		if len(d.want.Rules) > 0 {
			d.gap(d.hostObject(), state.Ref{Kind: state.RefAlerts}, "alert rules are evaluated by the controller; what they say is not known here")
		}
		return
	}
	all := d.firing()
	burning := make(map[string]bool, len(all))
	for _, a := range all {
		burning[state.CaseKey(a.object, state.AlertUnit(a.ActiveAlert))] = true
	}
	open := 0
	for _, key := range sortedKeys(d.past.Cases) {
		if c := d.past.Cases[key]; c.Alert != "" {
			open++
			if !burning[key] {
				d.guarded(c.Object, func() { d.quiet(c) })
				d.saw(key, "")
			}
		}
	}
	many := 0
	for _, a := range all {
		if _, has := d.past.CaseOf(a.object, state.AlertUnit(a.ActiveAlert)); !has {
			if open >= maxAlertCases {
				many++
				continue
			}
			open++
		}
		d.consulted, d.trying = nil, ""
		d.guarded(a.object, func() { d.fires(a, all) })
		d.saw(state.CaseKey(a.object, state.AlertUnit(a.ActiveAlert)), a.Blind)
	}
	d.sawHost()
	if many > 0 {
		d.held = append(d.held, state.Held{Object: d.hostObject(), Reason: state.TooManySick, Info: true, Detail: fmt.Sprintf(
			"%d alerts more fire than the %d that are looked after at once", many, maxAlertCases)})
	}
}

// firing lists what fires, the host's first.
func (d *draft) firing() []firing {
	var all []firing
	for _, source := range sortedKeys(d.have.Alerts) {
		f := d.have.Alerts[source]
		if !f.Known() {
			d.gap(d.hostObject(), alertsRef(source), cmp.Or(f.Err, "not looked at yet"))
			d.held = append(d.held, state.Held{Object: d.hostObject(), Reason: state.Unobserved, Detail: source + " says nothing: " + cmp.Or(f.Err, "it was not asked yet"), Info: true})
			continue
		}
		for _, a := range f.Value.Active {
			if a.Firing {
				all = append(all, d.aboutWhom(firing{ActiveAlert: a, source: source, at: f.At}))
			}
		}
	}
	slices.SortStableFunc(all, func(a, b firing) int {
		return cmp.Or(strings.Compare(a.object, b.object), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	})
	return all
}

func alertsRef(source string) state.Ref { return state.Ref{Kind: state.RefAlerts, Name: source} }
func queryRef(expr string) state.Ref    { return state.Ref{Kind: state.RefQuery, Name: expr} }

// aboutWhom finds the service that an alert is about, and its Runbook.
func (d *draft) aboutWhom(a firing) firing {
	if sv := d.services[a.Labels["service"]]; sv != nil {
		a.sv, a.object = sv, sv.object
	} else {
		a.sv, a.object = d.hostAsTarget(), d.hostObject()
	}
	a.book = BookFor(d.want, a.Labels)
	a.detail = a.Name
	if text := oneLine(cmp.Or(a.Annotations["summary"], a.Annotations["impact"])); text != "" {
		a.detail += ": " + text
	}
	return a
}

// hostAsTarget is the host as something that a runbook acts on: what all repairs of
// the host together may do bounds it, too.
func (d *draft) hostAsTarget() *service {
	sv := d.hostService()
	sv.Spec.Limits = &desired.Limits{}
	return sv
}

// BookFor is the first Runbook, by name, that matches the labels of an alert; nil:
// there is none.
func BookFor(want *desired.Set, labels map[string]string) *desired.Runbook {
	for i := range want.Runbooks {
		m, err := desired.ParseAllMatchers(want.Runbooks[i].Spec.Match)
		if err == nil && desired.MatchAll(m, labels) {
			return &want.Runbooks[i]
		}
	}
	return nil
}

// tells shows something of an alert, beside what is shown of the object that it is
// about.
func (d *draft) tells(a firing, r state.Reason, detail string, until *state.Time) {
	d.held = append(d.held, state.Held{Object: AlertObject(a.ActiveAlert), Reason: r, Detail: detail, Until: until, Info: true})
	d.waits(until)
}

// AlertObject is the name by which Held speaks of an alert.
func AlertObject(a state.ActiveAlert) string { return "Alert/" + state.AlertUnit(a) }

// fires sees to one alert that fires.
func (d *draft) fires(a firing, all []firing) {
	d.held = append(d.held, state.Held{Object: a.object, Reason: state.Alert, Detail: a.detail, Info: true})
	c, open := d.past.CaseOf(a.object, state.AlertUnit(a.ActiveAlert))
	if !open {
		c = state.NewAlertCase(a.object, a.source, a.ActiveAlert, d.now)
		c.Detail, c.Sick = a.detail, d.allSick()
		if a.book != nil {
			c.Runbook = a.book.Name
		}
		d.mark(c, "")
	}
	if !c.Well.IsZero() {
		c.Well = state.Time{} // it fires again: the Case goes on where it was
		if n := len(c.Tried); n > 0 && c.Tried[n-1].Status == state.Done {
			c.Tried = slices.Clone(c.Tried)
			c.Tried[n-1].Lapsed = true
		}
		d.mark(c, "")
	}
	if c.Ended != "" {
		d.tells(a, c.Ended, c.Detail+"; "+c.Why, nil)
		return
	}
	if a.Blind != "" {
		d.tells(a, state.Unobserved, a.Blind+"; nothing is done because of it", nil)
		d.callLate(a, c, "nothing is done about it, because "+a.Blind)
		return
	}
	if silence, ok := Silenced(d.past, a.Labels, d.now); ok {
		d.tells(a, state.Suspended, silence.Says(), d.at(silence.For-d.now.Since(silence.At)))
		return
	}
	if last, tried := c.Last(); tried && last.Status == "" {
		return
	}
	if worse := d.sickSince(c); len(worse) > 0 {
		d.givesUp(a, c, state.RemedyWorse, "it did not help, and right after it these fell sick: "+strings.Join(worse, ", "))
		return
	}
	if a.book == nil {
		d.givesUp(a, c, state.Escalated, "no runbook is for it")
		return
	}
	d.follow(a, c, d.suppressed(a, c, all))
}

// givesUp ends the climb for an alert, and shows it as it will be shown from then on.
func (d *draft) givesUp(a firing, c state.Case, r state.Reason, why string) {
	c = d.stop(c, r, why)
	d.tells(a, c.Ended, c.Detail+"; "+c.Why, nil)
}

// groundlessFor is how long an alert that is no ground for a change fires before a human
// is called: it may be the end of a scrape.
const groundlessFor = 2 * time.Minute

// callLate tells a human, once, of an alert that nothing is done about.
func (d *draft) callLate(a firing, c state.Case, why string) {
	left := groundlessFor - d.now.Since(c.Opened)
	switch {
	case c.Why == why:
	case left > 0:
		d.waits(d.at(left))
	default:
		d.callAbout(c, why)
	}
}

// callAbout tells a human what a Case waits for; once, and something else not at once.
func (d *draft) callAbout(c state.Case, why string) {
	if c.Why == why {
		return
	}
	if left := tellAgain - d.now.Since(c.At); c.Why != "" && left > 0 {
		d.waits(d.at(left))
		return
	}
	c.Why, c.At = why, d.now
	d.mark(c, fmt.Sprintf("%s; %s", c.Detail, why))
}

// suppressed holds the changes and the questions of an alert that follows from
// something else: what its service requires, directly or not, is not well, has an
// alert itself, or got well only after the alert had begun, so that it may end by
// itself. The zero hold: nothing.
func (d *draft) suppressed(a firing, c state.Case, all []firing) hold {
	if a.sv == nil || a.object == d.hostObject() {
		return hold{}
	}
	if roots := d.roots(a.sv.Name); len(roots) > 0 {
		return hold{state.DependencySick, strings.Join(roots, ", ") + ", and comes first", nil}
	}
	below := map[string]bool{a.sv.Name: true}
	since, last := d.now.Up-quietFor, ""
	d.above(a.sv.Name, below, func(dep string) {
		for _, v := range d.vitals[dep] {
			if v.ready == ready && v.since > since && c.Opened.Boot == d.now.Boot && v.since > c.Opened.Up {
				since, last = v.since, dep
			}
		}
	})
	for _, other := range all {
		name := cmp.Or(other.Labels["service"], other.Labels["endpoint"])
		if name != a.sv.Name && below[name] && other.Blind == "" {
			return hold{state.DependencySick, name + " has the alert " + other.Name + ", and comes first", nil}
		}
	}
	if last != "" {
		return hold{state.DependencySick, last + " is well again only since a moment, and the alert may end by itself", d.at(since + quietFor - d.now.Up)}
	}
	return hold{}
}

// quiet looks after the Case of an alert that does not fire now: it closes when that
// is known, and has been so for a while.
func (d *draft) quiet(c state.Case) {
	f, told := d.speaksOf(c)
	switch {
	case told && !f.Known():
		return
	case !told && strings.HasPrefix(c.Alert, "rule/") && !d.ruled(alertName(c)):
		d.close(c, "its rule is no longer declared")
		return
	case !told:
		return // nobody has spoken of it since evenkeel began
	}
	if last, tried := c.Last(); tried && last.Status == "" {
		return
	}
	if c.Well.IsZero() {
		c.Well = d.now
		d.mark(c, "")
	}
	left := quietFor - d.now.Since(c.Well)
	if left <= 0 {
		d.close(c, "it has not fired for "+desired.Duration(quietFor).String())
		return
	}
	d.held = append(d.held, state.Held{Object: "Alert/" + c.Unit, Reason: state.Verifying, Detail: "it no longer fires, and is watched for a while", Until: d.at(left), Info: true})
	d.waits(d.at(left))
}

// speaksOf is what the source of an alert says, or the source that its rule has now that
// it lies in another group.
func (d *draft) speaksOf(c state.Case) (f state.Fact[state.Alerts], told bool) {
	if f, told = d.have.Alerts[c.Alert]; told || !strings.HasPrefix(c.Alert, "rule/") {
		return f, told
	}
	for _, source := range sortedKeys(d.have.Alerts) {
		if strings.HasPrefix(source, "rule/") && strings.HasSuffix(source, "/"+alertName(c)) {
			return d.have.Alerts[source], true
		}
	}
	return f, false
}

// alertName is the name of the alert of a Case.
func alertName(c state.Case) string {
	return c.Unit[:max(0, strings.LastIndexByte(c.Unit, '/'))]
}

// ruled tells whether a rule may be declared that makes an alert of a name. That other
// rules have spoken, and this one has not, means nothing: each speaks in its turn.
func (d *draft) ruled(name string) bool {
	for _, r := range d.want.Rules {
		for line := range bytes.Lines(r.Text) {
			if at := bytes.Index(line, []byte(name)); at >= 0 && !bytes.Contains(line[:at], []byte("#")) {
				return true
			}
		}
	}
	return false
}
