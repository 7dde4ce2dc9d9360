package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/desired"
)

// stateColours paints the words of the board.
var stateColours = map[State]colour{OK: green, WARN: yellow, FAIL: red, HELD: cyan, UNKNOWN: magenta}

// Text is the board as a table: the platform's services, then what they depend
// on, then what is outside, then totals. Wide has more columns and cuts nothing.
func (b Board) Text(st Style, wide bool) string {
	t := &table{style: st}
	columns := []string{"NAME", "STATE", "ACTIVE", "BOOT", "SINCE", "RESTARTS", "REASON"}
	if wide {
		columns = []string{"NAME", "UNIT", "STATE", "ACTIVE", "SUB", "BOOT", "READY", "SINCE", "RESTARTS", "REASON"}
	}
	t.head(columns...)
	own, others := b.split()
	for _, r := range own {
		t.row(r, st, wide)
	}
	t.section("Dependencies", others, st, wide)
	t.section("Endpoints", b.endpoints(), st, wide)
	body := ""
	if len(b.Status.Services) > 0 {
		body = "\n" + t.String() + "\n"
	}
	head := b.Status.header(st)
	for _, line := range b.Branch {
		head += Escape(line) + "\n"
	}
	tail := b.Status.totals(st) + "\n"
	if b.Alerts != "" {
		tail += Escape(b.Alerts) + "\n"
	}
	return head + body + tail
}

// section adds rows below a title, where there are any.
func (t *table) section(title string, rows []Row, st Style, wide bool) {
	if len(rows) == 0 {
		return
	}
	t.add("")
	t.head(title)
	for _, r := range rows {
		t.row(r, st, wide)
	}
}

// endpoints are the lines of what is outside.
func (b Board) endpoints() []Row {
	var out []Row
	for _, r := range b.Status.Services {
		if r.outside() {
			out = append(out, r)
		}
	}
	return out
}

// split parts the lines of units into the platform's and those of its
// dependencies.
func (b Board) split() (own, others []Row) {
	for _, r := range b.Status.Services {
		if r.outside() {
			continue
		}
		if slices.Contains(b.Dependencies, r.Unit) {
			others = append(others, r)
		} else {
			own = append(own, r)
		}
	}
	return own, others
}

func (t *table) row(r Row, st Style, wide bool) {
	restarts := ""
	if r.Active != "" {
		restarts = strconv.Itoa(r.Restarts)
	}
	reason := string(r.Reason)
	if r.Detail != "" {
		reason += ": " + r.Detail
	}
	since := known(r.Since.ago(st.Now))
	has := known
	if r.outside() {
		has = func(string) string { return "-" }
	}
	if wide {
		t.add(r.Name, orElse(r.Unit, "-"), string(r.State), has(r.Active), has(r.Sub), has(r.Boot), r.readiness(), since, has(restarts), reason)
		t.paint(2, stateColours[r.State])
		return
	}
	t.add(r.Name, string(r.State), has(r.Active), has(r.Boot), since, has(restarts), cut(Escape(reason), reasonWidth))
	t.paint(1, stateColours[r.State])
}

// reasonWidth keeps a line of the board on one line of most terminals.
const reasonWidth = 72

func cut(s string, width int) string {
	if utf8.RuneCountInString(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

func known(s string) string {
	if s == "" {
		return "?"
	}
	return s
}

// readiness is "-" for a unit that does not run: that it is not ready says nothing.
func (r Row) readiness() string {
	switch {
	case r.Ready == nil && r.Active != "" && r.Active != "active" && r.Active != "reloading":
		return "-"
	case r.Ready == nil:
		return "?"
	case *r.Ready:
		return "yes"
	}
	return "no"
}

// header says of which host and revision the board is, and what waits.
func (s Status) header(st Style) string {
	line := st.paint(bold, place(s.Host, s.Environment))
	if s.Revision != "" {
		line += " at " + Escape(desired.ShortRevision(s.Revision))
	}
	if s.Pinned {
		line += "  " + st.paint(yellow, "PINNED")
	}
	if s.Wanted != s.Revision && s.Wanted != "" {
		line += "  waiting: " + Escape(desired.ShortRevision(s.Wanted))
	}
	lines := []string{line}
	if len(s.Quarantined) > 0 {
		short := make([]string, len(s.Quarantined))
		for i, q := range s.Quarantined {
			short[i] = desired.ShortRevision(q)
		}
		lines = append(lines, "quarantined: "+Escape(strings.Join(short, ", ")))
	}
	for _, a := range s.Approvals {
		lines = append(lines, "waits for approval: "+Escape(a.Object+": "+a.Detail))
	}
	return strings.Join(lines, "\n") + "\n"
}

// totals is Totals with the words in colour.
func (s Status) totals(st Style) string {
	line := s.Totals()
	for _, w := range States {
		line = strings.Replace(line, " "+string(w), " "+st.paint(stateColours[w], string(w)), 1)
	}
	return line
}

// Script is what the platform's old status script printed: a line a service by
// systemd's word alone, then a section for each thing that they depend on. Redis
// answers PONG only where it was really asked. The script knew of no Endpoints.
func (b Board) Script(st Style) string {
	var out strings.Builder
	own, others := b.split()
	for _, r := range own {
		name := Escape(strings.TrimSuffix(r.Unit, ".service"))
		if r.Active == "active" || r.Active == "reloading" {
			out.WriteString(st.paint(green, "[OK]") + " " + name + "\n")
			continue
		}
		active := r.Active
		if active == "" {
			active = "unknown"
		}
		out.WriteString(st.paint(red, "[FAIL]") + " " + name + " (" + Escape(active) + ")\n")
	}
	slices.SortStableFunc(others, func(a, b Row) int { return cmp.Compare(famous(a.Unit), famous(b.Unit)) })
	for _, r := range others {
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		out.WriteString(st.paint(bold, "== "+Escape(title(r.Unit))+" ==") + "\n")
		c := red
		if r.Active == "active" {
			c = green
		}
		out.WriteString(st.paint(c, Escape(b.answer(r))) + "\n")
	}
	return out.String()
}

// answer is what a dependency said: to a ping, or else its state by systemd.
func (b Board) answer(r Row) string {
	if p := b.Pings[r.Unit]; p != "" {
		return p
	}
	if r.Active == "" {
		return "unknown"
	}
	return r.Active
}

// sectionTitles are the names under which people know what the platform
// depends on, in the order in which the old script had them.
var sectionTitles = []struct{ prefix, title string }{
	{"nginx", "Nginx"}, {"redis", "Redis"}, {"postgresql", "PostgreSQL"}, {"meilisearch", "Meilisearch"},
}

// famous is the place of a unit's section, after all others for the rest.
func famous(unit string) int {
	for i, t := range sectionTitles {
		if strings.HasPrefix(unit, t.prefix) {
			return i
		}
	}
	return len(sectionTitles)
}

func title(unit string) string {
	if i := famous(unit); i < len(sectionTitles) {
		return sectionTitles[i].title
	}
	return strings.TrimSuffix(unit, ".service")
}
