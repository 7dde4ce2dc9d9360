package report

import (
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// alertsOf are the alerts of a service, and those that have just ended, in short:
// their evidence is long, and shown with the alert itself.
func (v View) alertsOf(s *desired.Service) []Alert {
	out := []Alert{}
	all := v.Alerts()
	for _, one := range append(all.Alerts, all.Over...) {
		if one.Object == s.Object() {
			one.Evidence = []AlertEvidence{}
			out = append(out, one)
		}
	}
	return out
}

// alertRule is the rule where all that is wrong is an alert: what its runbook waits
// for, or does.
func (v View) alertRule(s *desired.Service, h state.Held) string {
	for _, one := range v.alertsOf(s) {
		if !strings.HasPrefix(h.Detail, one.Name) || one.State != "firing" {
			continue
		}
		switch {
		case one.Blind != "":
			return sentence("the alert "+h.Detail, one.Blind, "so nothing is done because of it")
		case one.Runbook == "":
			return sentence("the alert "+h.Detail, "for which there is no runbook, so a human is needed")
		case len(one.Held) > 0:
			return sentence("the alert "+h.Detail, "for which there is the runbook "+one.Runbook+"; "+one.Held[0].Detail)
		}
		return sentence("the alert "+h.Detail, "and the runbook "+one.Runbook+" is at work")
	}
	return sentence("the alert " + h.Detail)
}

// alertsText is what is to be known of alerts where they are not what was asked for.
func alertsText(all []Alert, st Style) string {
	var b strings.Builder
	for _, one := range all {
		head := one.span(st)
		if word := one.word(); word != one.State || word == "over" {
			head = st.paint(alertColours[word], word) + "  " + head
		}
		b.WriteString(st.paint(bold, Escape(one.Name)) + "  " + head + "\n")
		b.WriteString(wrap(Escape(one.Annotations["summary"]), "  ", "  "))
		b.WriteString(wrap(Escape(one.Annotations["impact"]), "  ", "  "))
		for _, d := range one.Actions {
			b.WriteString(wrap(Escape(d.text()), "  "+d.At.clock(st.Now)+"  ", strings.Repeat(" ", 16)))
		}
		for _, h := range one.Held {
			text := string(h.Reason)
			if !h.Until.IsZero() {
				text += " " + h.Until.until(st.Now)
			}
			b.WriteString(wrap(Escape(text+": "+h.Detail), "  ", "    "))
		}
		b.WriteString("  with all evidence: evenkeel alerts " + Escape(one.Name) + "\n")
	}
	return b.String()
}
