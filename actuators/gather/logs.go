package gather

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
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
	newest     = 40
	slowest    = 5
	slowEnough = 100 // milliseconds, for that to be worth a line
	storyLines = 10
	fewWords   = 8
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
	var every, all []entry
	read, long := 0, 0
	for line := range bytes.Lines(r.Content) {
		if err := ctx.Err(); err != nil {
			return found{}, err
		}
		e, is := parseEntry(line)
		if is == noText || e.unit == "evenkeel.service" { // who asks finds itself
			continue
		}
		read++
		if is == tooLong {
			long++
			continue
		}
		every = append(every, e)
		if w.wants(e) {
			all = append(all, e)
		}
	}
	return w.show(all, every, read, long), nil
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

func (w wish) show(all, every []entry, read, long int) found {
	detail := fmt.Sprintf("%d of %d lines match", len(all), read)
	if long > 0 {
		detail += fmt.Sprintf("; %d too long to be looked at", long)
	}
	var t text
	t.line("%s", detail)
	last := all[:min(len(all), newest)] // the journal came with the newest first
	slow := slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.took < slowEnough })
	slices.SortStableFunc(slow, func(a, b entry) int { return int(min(max(b.took-a.took, -1), 1)) })
	if len(slow) > 1 && len(all) > 1 {
		t.line("slowest:")
		for _, e := range slow[:min(len(slow), slowest)] {
			t.line("  %s", w.tell(e))
		}
		t.line("newest:")
	}
	if w.trace != "" {
		last = slices.Clone(last)
		slices.Reverse(last) // a trace is a story
	}
	for _, e := range last {
		t.line("%s", w.tell(e))
		if env := environment(e); env != "" {
			t.line("  env: %s", env)
		}
	}
	if len(all) > len(last) {
		t.line("… and %d before", len(all)-len(last))
	}
	w.story(&t, all, every)
	return found{detail, t.String()}
}

// story adds what else was said under the trace of the newest line that matches.
func (w wish) story(t *text, all, every []entry) {
	if w.trace != "" || len(all) == 0 {
		return
	}
	trace, _ := all[0].pino["traceId"].(string)
	var others []entry
	for _, e := range every {
		if trace != "" && e.pino["traceId"] == trace && !w.wants(e) {
			others = append(others, e)
		}
	}
	if len(others) == 0 {
		return
	}
	t.line("what else trace %s says:", brief(trace, 48))
	slices.Reverse(others)
	for _, e := range others[:min(len(others), storyLines)] {
		t.line("  %s", w.tell(e))
	}
}

// shownFirst are the fields of pino's that a human looks for, by their path.
var shownFirst = []string{
	"traceId", "gateway", "provider", "orderId", "method", "url", "route", "statusCode", "query", "code", "errorCode",
	"req.id", "req.method", "req.url", "res.statusCode",
}

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
	switch wrong := e.pino["err"].(type) { // why it failed comes before what it was about
	case map[string]any:
		b.WriteString(" err=" + plainly(or(wrong["type"], "")) + ": " + plainly(or(wrong["message"], "")))
	case string:
		b.WriteString(" err=" + brief(wrong, 80))
	}
	for _, path := range w.fields() {
		if v, ok := within(e.pino, path); ok {
			b.WriteString(" " + path + "=" + brief(plainly(v), 48))
		}
	}
	return b.String()
}

// fields are those that are shown.
func (w wish) fields() []string {
	if slices.Contains(shownFirst, w.field) {
		return shownFirst
	}
	return append(shownFirst[:len(shownFirst):len(shownFirst)], w.field)
}

// within finds a field by its path.
func within(fields map[string]any, path string) (any, bool) {
	if v, ok := fields[path]; ok || path == "" {
		return v, ok
	}
	first, rest, deeper := strings.Cut(path, ".")
	inner, ok := fields[first].(map[string]any)
	if !deeper || !ok {
		return nil, false
	}
	return within(inner, rest)
}

// environment is what something that failed badly says of where it ran, as far as that
// is few and short words.
func environment(e entry) string {
	env, _ := e.pino["env"].(map[string]any)
	if len(env) > fewWords || e.priority > 3 {
		return ""
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		switch v := env[name].(type) {
		case string, float64, bool:
			parts = append(parts, name+"="+brief(plainly(v), 32))
		}
	}
	return strings.Join(parts, " ")
}

func or(v, otherwise any) any {
	if v == nil {
		return otherwise
	}
	return v
}
