package changes

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Act is a step of evenkeel's own: what it did shows on the host like anything
// else.
type Act struct {
	Verb     string // of the actuator: start, write, …
	Target   string // a unit or a path
	From, To time.Time
}

// slack is how far a host's own times may be from those of a step: the kernel
// stamps files by its ticks, and the record keeps milliseconds.
const slack = 100 * time.Millisecond

// Explain leaves out the rows that are only how evenkeel's own steps show, which
// have rows of their own, and names the human behind a row where sudo tells.
// Rows must be in order.
func Explain(rows []Change, own []Act) []Change {
	out := make([]Change, 0, len(rows))
	for i, c := range rows {
		if (c.Source == "file" || c.Source == "systemctl") && slices.ContainsFunc(own, func(a Act) bool { return a.explains(c) }) {
			continue
		}
		if c.Source == "systemctl" && c.Actor == "" {
			c.Actor = byHand(rows[:i], c)
		}
		out = append(out, c)
	}
	return out
}

// explains tells whether a row is how a step shows: its own target, the folder
// of it, or a link or mask of a unit that was enabled.
func (a Act) explains(c Change) bool {
	if c.Time.Before(a.From.Add(-slack)) || c.Time.After(a.To.Add(slack)) {
		return false
	}
	if c.Source == "systemctl" {
		shows := shownAs[a.Verb]
		return c.Object == a.Target && shows != "" && strings.HasPrefix(c.What, shows)
	}
	return c.Object == a.Target || c.Object == filepath.Dir(a.Target) || filepath.Base(c.Object) == a.Target || strings.HasPrefix(c.What, changedFolder)
}

// shownAs are the words of Jobs for a verb: a human's restart just after our
// start is the human's.
var shownAs = map[string]string{"start": "start", "stop": "stopped", "restart": "restarted", "reload": "reloaded"}

// reach is how long before its end a job may have been asked for.
const reach = 2 * time.Minute

// byHand finds the sudo that asked for a job.
func byHand(before []Change, job Change) string {
	stem := strings.TrimSuffix(job.Object, ".service")
	for _, c := range slices.Backward(before) {
		if job.Time.Sub(c.Time) > reach {
			break
		}
		if c.Source != "login" || !strings.HasPrefix(c.What, "ran ") {
			continue
		}
		words := strings.Fields(c.What)
		if len(words) > 2 && filepath.Base(words[1]) == "systemctl" && (slices.Contains(words, job.Object) || slices.Contains(words, stem)) {
			return c.Actor
		}
	}
	return ""
}
