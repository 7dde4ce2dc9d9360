package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Text is the description for a terminal.
func (d Description) Text(st Style) string {
	var b strings.Builder
	b.WriteString(st.paint(bold, Escape(d.Object)))
	if d.Declared != "" {
		b.WriteString("  declared at " + Escape(d.Declared))
	}
	b.WriteString("\n")
	for _, k := range slices.Sorted(maps.Keys(d.Metadata.Labels)) {
		b.WriteString("  " + Escape(k+"="+d.Metadata.Labels[k]) + "\n")
	}
	for _, part := range []struct{ title, body string }{
		{"Conditions", d.conditionsText(st)},
		{"Services", placedText(d.Services, st)},
		{"Units", d.unitsText(st)},
		{"Health", heldText(d.Health, st)},
		{"Probes", probesText(d.Probes, st)},
		{"Case", casesText(d.Cases, st)},
		{"Files", d.filesText(st)},
		{"Steps", d.stepsText()},
		{"Held", heldText(d.Held, st)},
		{"Holds", d.holdsText(st)},
		{"Gaps", d.gapsText()},
		{"Warnings", EscapeLines(strings.Join(append(d.Warnings, ""), "\n"))},
		{"Effective values", d.valuesText(st)},
		{"Recent history", d.historyText(st)},
	} {
		if part.body != "" {
			b.WriteString("\n" + st.paint(bold, part.title) + "\n" + indent(part.body))
		}
	}
	return b.String()
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("  " + line)
	}
	return b.String()
}

func (d Description) conditionsText(st Style) string {
	t := &table{style: st}
	for _, c := range d.Conditions {
		t.add(c.Type, c.Status, c.Reason, c.Message)
	}
	return t.String()
}

func (d Description) unitsText(st Style) string {
	var b strings.Builder
	for _, u := range d.Units {
		fmt.Fprintf(&b, "%s  %s\n", st.paint(bold, Escape(u.Unit)), st.paint(stateColours[u.State], string(u.State)))
		t := &table{style: st}
		t.add("  active", known(u.Active)+" ("+known(u.Sub)+")"+u.forHowLong(st))
		t.add("  boot", known(u.Boot))
		if u.Reason != "" {
			t.add("  reason", strings.TrimSuffix(string(u.Reason)+": "+u.Detail, ": "))
		}
		if u.Result != "" && u.Result != "success" {
			t.add("  result", u.Result)
		}
		if u.MainPID != 0 {
			t.add("  main process", fmt.Sprint(u.MainPID))
		}
		if u.Fragment != "" {
			t.add("  loaded from", u.Fragment)
		}
		for _, p := range u.DropIns {
			t.add("  drop-in", p)
		}
		t.add("  restarts", fmt.Sprintf("%d by systemd%s", u.BySystemd, u.Budget.text(st)))
		b.WriteString(t.String())
	}
	return b.String()
}

func (u UnitDetail) forHowLong(st Style) string {
	switch {
	case u.Since.IsZero():
		return ""
	case st.Now.IsZero():
		return " since " + u.Since.String()
	}
	return " for " + u.Since.ago(st.Now)
}

func (b *Budget) text(st Style) string {
	if b == nil {
		return ""
	}
	s := fmt.Sprintf("; %d of %d repairs in %s left", b.Left, b.Restarts, b.Per)
	if !b.Until.IsZero() {
		s += ", one more " + strings.Replace(b.Until.until(st.Now), "until", "at", 1)
	}
	return s
}

func (d Description) filesText(st Style) string {
	t := &table{style: st}
	for _, f := range d.Files {
		note := ""
		switch {
		case f.Sensitive:
			note = "sensitive"
		case f.Desired == "":
			note = "content belongs to the host"
		}
		owner := f.Owner + ":" + f.Group
		if f.As == asRelease {
			owner, note = "", ""
		}
		t.add(f.Path, f.As, f.State, f.Mode, owner, f.digests(), note)
		if f.State != "asDeclared" {
			t.paint(2, yellow)
		}
	}
	return t.String()
}

func (f FileDetail) digests() string {
	switch {
	case f.As == asRelease && f.State == "asDeclared":
		return f.Desired
	case f.As == asRelease:
		return Field{Path: "current", Desired: f.Desired, Observed: f.Observed}.String()
	case f.Desired == "" && f.Observed == "":
		return "-"
	case f.Desired == "" || f.Desired == f.Observed:
		return "sha256 " + brief(f.Observed)
	}
	return digests(f.Observed, f.Desired)
}

func (d Description) stepsText() string {
	var b strings.Builder
	for _, s := range d.Steps {
		b.WriteString(Escape(s.action()+"  "+s.because()) + "\n")
	}
	return b.String()
}

func heldText(list []Held, st Style) string {
	var b strings.Builder
	for _, h := range list {
		b.WriteString(Escape(h.line(st)) + "\n")
	}
	return b.String()
}

func (d Description) holdsText(st Style) string {
	var b strings.Builder
	for _, h := range d.Holds {
		line := string(h.Reason)
		if h.Unit != "" {
			line += " of " + h.Unit
		}
		line += " since " + h.Since.clock(st.Now)
		if !h.Until.IsZero() {
			line += ", " + h.Until.until(st.Now)
		}
		if h.Actor != "" {
			line += ", by " + h.Actor
		}
		if h.Detail != "" {
			line += ": " + h.Detail
		}
		b.WriteString(Escape(line) + "\n")
	}
	return b.String()
}

func (d Description) gapsText() string {
	var b strings.Builder
	for _, g := range d.Gaps {
		b.WriteString(Escape(g.line()) + "\n")
	}
	return b.String()
}

func (d Description) valuesText(st Style) string {
	t := &table{style: st}
	for _, v := range d.Values {
		t.add(v.Path, v.Value, v.Origin)
		t.paint(2, dim)
	}
	return t.String()
}

func (d Description) historyText(st Style) string {
	if len(d.History) == 0 {
		return ""
	}
	return HistoryText(d.History, st)
}
