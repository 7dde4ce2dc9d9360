package ward_test

import (
	"fmt"
	"strings"
)

// tell says what happens, to whoever listens.
func (w *ward) tell(format string, args ...any) {
	if w.say != nil {
		w.say("%-14s "+format, append([]any{fmt.Sprint(w.boot, " ", w.up)}, args...)...)
	}
}

// show is how things stand: what is declared, what evenkeel knows, what it holds.
func (w *ward) show() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	for i := range w.set.Services {
		s := &w.set.Services[i]
		line("%s requires %v, %s, %s, remedies %v, limits %+v", s.Name, s.Requires, s.Spec.State, s.Spec.Management, s.Spec.Remedies, *s.Spec.Limits)
		for _, u := range s.Units {
			f := w.have.Units[u]
			line("  %s %s/%s %s entered %s, seen %s %s", u, f.Value.Active, f.Value.Sub, f.Value.Invocation, f.Value.Entered, f.At.Up, f.Err)
		}
		for _, p := range s.Probes {
			f := w.have.Probes[p.Name]
			line("  %s %q since %s, failing since %s of %s, seen %s %s", p.Name, f.Value.Verdict, f.Value.Since, f.Value.Failing, f.Value.Invocation, f.At.Up, f.Err)
		}
	}
	for _, h := range w.plan.Held {
		line("held %s %s %s: %s", h.Object, h.Unit, h.Reason, h.Detail)
	}
	return b.String()
}
