package ward_test

import "fmt"

func (w *ward) debug() string {
	out := ""
	for i := range w.set.Services {
		s := &w.set.Services[i]
		out += fmt.Sprintf("%s requires %v state %s mgmt %s remedies %v limits %+v\n", s.Name, s.Requires, s.Spec.State, s.Spec.Management, s.Spec.Remedies, s.Spec.Limits)
		for _, u := range s.Units {
			f := w.have.Units[u]
			out += fmt.Sprintf("   %s %s/%s inv %s entered %s at %s %s\n", u, f.Value.Active, f.Value.Sub, f.Value.Invocation, f.Value.Entered, f.At.Up, f.Err)
		}
		for _, p := range s.Probes {
			out += fmt.Sprintf("   %s %+v\n", p.Name, w.have.Probes[p.Name])
		}
	}
	for _, h := range w.plan.Held {
		out += fmt.Sprintf("held %s %s %s: %s\n", h.Object, h.Unit, h.Reason, h.Detail)
	}
	return out
}
