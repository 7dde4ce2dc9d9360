package report

import (
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// whyEndpoint explains something outside: it is observed, and never acted on.
func (v View) whyEndpoint(w Why, e desired.Endpoint) Why {
	row := v.endpointRow(e)
	w.State, w.Reason = row.State, row.Reason
	w.Held = v.whyHeld(e.Object(), nil)
	w.Waiting = v.waiting(e.Name)
	f := &facts{}
	v.probeEvidence(f, nil, []desired.Probing{e.Probe}, "")
	w.Evidence = append(w.Evidence, f.list...)
	switch row.State {
	case OK:
		w.Rule = "It answers as declared."
	case FAIL:
		w.Rule = sentence(row.Detail, "and as it is outside evenkeel only tells; what requires it waits until it answers again")
		w.Unblocks = append(w.Unblocks, "whoever runs it has to mend it; what waits for it recovers by itself")
	default:
		w.Rule = sentence(e.Name+" is not known to answer ("+row.Detail+")", unknownRule)
		w.Unblocks = append(w.Unblocks, state.Reasons[state.Unobserved])
	}
	if c := asking(e.Probe.Probe); c != "" {
		w.Commands = append(w.Commands, c)
	}
	w.Commands = append(w.Commands, "evenkeel graph "+word(e.Object()))
	return w
}
