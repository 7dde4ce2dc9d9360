package report

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// oneLineWidth is the most characters that OneLine prints: a prompt or a login
// banner has one line for it, and no more.
const oneLineWidth = 100

// oneLineOrder is the order of the words in OneLine: what needs a human first.
var oneLineOrder = []State{FAIL, UNKNOWN, HELD, WARN, OK}

// OneLine is "evenkeel app-1: 2 FAIL (backend, search), 1 HELD, 16 OK": the
// words that occur, the worst first, and of what fails as many names as fit.
func (s Status) OneLine(st Style) string {
	return oneLine(st, s.Host, s.oneLineParts())
}

// OneLineTrouble is the line where there is no board to speak of: "evenkeel
// app-1: not running".
func OneLineTrouble(st Style, host, trouble string) string {
	return oneLine(st, host, []part{{text: trouble, color: red}})
}

// part is one of the things that the line says.
type part struct {
	text  string
	names []string // behind it in brackets, where there is room
	color colour
}

func (s Status) oneLineParts() []part {
	var parts []part
	for _, w := range oneLineOrder {
		n := s.Count(w)
		if n == 0 {
			continue
		}
		p := part{text: fmt.Sprintf("%d %s", n, w), color: stateColours[w]}
		if w == FAIL {
			p.names = s.called(w)
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		parts = append(parts, part{text: "no services"})
	}
	if s.Pinned {
		parts = append(parts, part{text: "PINNED", color: yellow})
	}
	return parts
}

// called lists the names of the units in a state.
func (s Status) called(w State) []string {
	var names []string
	for _, r := range s.Services {
		if r.State == w {
			names = append(names, Escape(r.Name))
		}
	}
	return names
}

func oneLine(st Style, host string, parts []part) string {
	head := "evenkeel"
	if host != "" {
		head += " " + cut(Escape(host), oneLineWidth/4)
	}
	head += ": "
	room := oneLineWidth - utf8.RuneCountInString(head)
	for _, p := range parts {
		room -= utf8.RuneCountInString(p.text) + len(", ")
	}
	said := make([]string, 0, len(parts))
	for _, p := range parts {
		said = append(said, st.paint(p.color, p.text)+fit(p.names, room))
	}
	return head + strings.Join(said, ", ") + "\n"
}

// fit is " (backend, search)", with "…" for the names that find no room.
func fit(names []string, room int) string {
	kept := slices.Clone(names[:min(len(names), oneLineWidth)])
	for len(kept) > 0 {
		text := " (" + strings.Join(kept, ", ") + ")"
		if utf8.RuneCountInString(text) <= room {
			return text
		}
		if last := len(kept) - 1; kept[last] == "…" {
			kept = append(kept[:max(0, last-1)], "…")
		} else {
			kept[last] = "…"
		}
		if len(kept) == 1 {
			return ""
		}
	}
	return ""
}
