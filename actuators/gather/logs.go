package gather

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// How many lines are shown: the newest, and of those that tell how long something
// took the slowest.
const (
	newest  = 40
	slowest = 5
)

// entry is a line of the journal, and what pino wrote in it.
type entry struct {
	at       time.Time
	unit     string
	priority int
	message  string
	pino     map[string]any // nil: it is no JSON
	took     float64        // milliseconds; 0: it does not say
}

// wish is what is looked for.
type wish struct {
	trace    string
	grep     *regexp.Regexp
	priority int
	field    string // the name, and
	value    string // its value; empty: any
}

func logsSearch(ctx context.Context, r actuators.Request) (found, error) {
	w, err := parseWish(r)
	if err != nil {
		return found{}, err
	}
	var all []entry
	read, long := 0, 0
	for line := range bytes.Lines(r.Content) {
		if err := ctx.Err(); err != nil {
			return found{}, err
		}
		e, is := parseEntry(line)
		switch is {
		case tooLong:
			long++
		case noText:
			continue
		}
		if read++; is == aText && w.wants(e) {
			all = append(all, e)
		}
	}
	return w.show(all, read, long), nil
}

// What a line of the journal's JSON is.
const (
	noText = iota
	aText
	tooLong // and was left out: journalctl says null then
)

var priorities = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

func parseWish(r actuators.Request) (wish, error) {
	w := wish{trace: r.Args["trace"], priority: 7}
	if text := r.Args["grep"]; text != "" {
		var err error
		if w.grep, err = regexp.Compile(text); err != nil || len(text) > 1000 {
			return w, actuators.Errorf(actuators.Invalid, "grep %q: it is no regular expression of at most 1000 bytes", brief(text, 60))
		}
	}
	if text := r.Args["priority"]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			n = slices.Index(priorities, map[string]string{"error": "err", "warn": "warning", "fatal": "crit"}[text])
			if n < 0 {
				n = slices.Index(priorities, text)
			}
		}
		if n < 0 || n > 7 {
			return w, actuators.Errorf(actuators.Invalid, "priority %q: want one of %s", brief(text, 40), strings.Join(priorities, ", "))
		}
		w.priority = n
	}
	w.field, w.value, _ = strings.Cut(r.Args["field"], "=")
	return w, nil
}

// parseEntry reads journalctl's JSON, in which a text that cannot be printed as it is,
// because of the colours in it for example, is a list of its bytes.
func parseEntry(line []byte) (e entry, is int) {
	var raw map[string]any
	if json.Unmarshal(line, &raw) != nil {
		return e, noText
	}
	if v, ok := raw["MESSAGE"]; ok && v == nil {
		return e, tooLong
	}
	word := func(name string) string {
		switch v := raw[name].(type) {
		case string:
			return v
		case []any:
			return ofBytes(v)
		}
		return ""
	}
	us, _ := strconv.ParseInt(word("__REALTIME_TIMESTAMP"), 10, 64)
	e = entry{at: time.UnixMicro(us).UTC(), unit: word("_SYSTEMD_UNIT"), message: word("MESSAGE"), priority: 6}
	if u := word("UNIT"); u != "" && word("_PID") == "1" {
		e.unit = u
	}
	if n, err := strconv.Atoi(word("PRIORITY")); err == nil {
		e.priority = min(max(n, 0), 7)
	}
	if strings.HasPrefix(e.message, "{") && json.Unmarshal([]byte(e.message), &e.pino) == nil {
		e.priority = min(e.priority, pinoPriority(e.pino["level"]))
		for _, name := range durations {
			if n, ok := e.pino[name].(float64); ok && n > 0 {
				e.took = n
				break
			}
		}
	}
	if e.message == "" {
		return e, noText
	}
	return e, aText
}

// ofBytes is a text that came as a list of its bytes; empty: it is something else.
func ofBytes(list []any) string {
	b := make([]byte, 0, len(list))
	for _, one := range list {
		n, ok := one.(float64)
		if !ok || n < 0 || n > 255 {
			return ""
		}
		b = append(b, byte(n))
	}
	return uncoloured.ReplaceAllString(string(b), "")
}

// uncoloured are the sequences by which a terminal is told a colour.
var uncoloured = regexp.MustCompile("\x1b\\[[0-9;]*m")

// durations are the fields that say how many milliseconds something took.
var durations = []string{"ms", "responseTime", "duration", "durationMs", "duration_ms", "elapsed"}

func pinoPriority(level any) int {
	n, ok := level.(float64)
	switch {
	case !ok || n <= 0:
		return 6
	case n >= 60:
		return 2
	case n >= 50:
		return 3
	case n >= 40:
		return 4
	case n >= 30:
		return 6
	}
	return 7
}

func (w wish) wants(e entry) bool {
	switch {
	case e.unit == "evenkeel.service": // who asks finds itself
		return false
	case e.priority > w.priority:
		return false
	case w.trace != "" && !strings.Contains(e.message, w.trace):
		return false
	case w.grep != nil && !w.grep.MatchString(e.message):
		return false
	case w.field != "":
		v, ok := e.pino[w.field]
		return ok && (w.value == "" || plainly(v) == w.value)
	}
	return true
}

func plainly(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(b)
}

func (w wish) show(all []entry, read, long int) found {
	detail := fmt.Sprintf("%d of %d lines match", len(all), read)
	if long > 0 {
		detail += fmt.Sprintf("; %d too long to be looked at", long)
	}
	var t text
	t.line("%s", detail)
	slow := slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.took == 0 })
	slices.SortStableFunc(slow, func(a, b entry) int { return int(min(max(b.took-a.took, -1), 1)) })
	if len(slow) > 1 {
		t.line("slowest:")
		for _, e := range slow[:min(len(slow), slowest)] {
			t.line("  %s", w.tell(e))
		}
		t.line("newest:")
	}
	last := all[:min(len(all), newest)] // the journal came with the newest first
	if w.trace != "" {
		last = slices.Clone(last)
		slices.Reverse(last) // a trace is a story
	}
	for _, e := range last {
		t.line("%s", w.tell(e))
	}
	if len(all) > len(last) {
		t.line("… and %d before", len(all)-len(last))
	}
	return found{detail, t.String()}
}

// shownFirst are the fields of pino's that a human looks for.
var shownFirst = []string{"traceId", "orderId", "method", "url", "route", "statusCode", "provider", "code", "errorCode"}

func (w wish) tell(e entry) string {
	var b strings.Builder
	b.WriteString(e.at.Format("15:04:05.000") + " " + strings.TrimSuffix(e.unit, ".service") + " ")
	if e.pino == nil {
		return b.String() + priorities[min(max(e.priority, 0), 7)] + ": " + e.message
	}
	b.WriteString(priorities[min(max(e.priority, 0), 7)] + ": " + plainly(or(e.pino["msg"], "")))
	if e.took > 0 {
		fmt.Fprintf(&b, " (%s ms)", strconv.FormatFloat(e.took, 'f', -1, 64))
	}
	for _, name := range append(shownFirst[:len(shownFirst):len(shownFirst)], w.field) {
		if v, ok := e.pino[name]; ok {
			b.WriteString(" " + name + "=" + brief(plainly(v), 48))
		}
	}
	if inner, ok := e.pino["err"].(map[string]any); ok {
		b.WriteString(" err=" + plainly(or(inner["type"], "")) + ": " + plainly(or(inner["message"], "")))
	}
	return b.String()
}

func or(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}
