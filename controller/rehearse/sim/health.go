package sim

import (
	"context"
	"fmt"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// Sickness is how a process that runs is not well.
type Sickness string

// The sicknesses.
const (
	Hung    Sickness = "hung"    // it answers nothing
	Wrong   Sickness = "wrong"   // something else answers in its place
	Unready Sickness = "unready" // it is alive, and not ready
)

// Network is what becomes of what this host asks.
type Network string

// The states of the network.
const (
	Whole       Network = ""            // it is asked, and answers
	Lost        Network = "lost"        // everything is refused, as without a loopback
	Unreachable Network = "unreachable" // nothing can be asked
)

// sick is a process that is not well.
type sick struct {
	how  Sickness
	more int // processes after it that are sick, too
}

// Probe says what is asked from now on. It is the real prober that asks, by its
// own rules and in its own time, while Watch runs; what it is told is simulated.
func (h *Host) Probe(list []desired.Probing) { h.prober.Set(list) }

func newProber(h *Host) *probes.Prober {
	return probes.New(probes.Options{Now: h.Now, Ask: h.ask})
}

// ask is what a probe is told.
func (h *Host) ask(_ context.Context, p desired.Probing) ask.Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follow()
	switch {
	case h.network == Unreachable:
		return ask.Sample{Err: "network is unreachable"}
	case h.network == Lost:
		return ask.Sample{Class: state.ClassRefused, Detail: "connection refused"}
	case p.Unit == "" && h.away[p.Object]:
		return ask.Sample{Class: state.ClassTimeout, Detail: "no answer"}
	case p.Unit == "":
		return ask.Sample{}
	}
	u := h.loadedUnit(p.Unit)
	if !u.up() {
		return ask.Sample{Class: state.ClassRefused, Detail: "connection refused"}
	}
	switch how := h.sick[u.id].how; {
	case how == Hung:
		return ask.Sample{Class: state.ClassTimeout, Detail: "no whole answer in time"}
	case how == Wrong && p.Kind != desired.StartupProbe:
		return ask.Sample{Class: state.ClassWrong, Detail: "something else answers"}
	case how == Unready && p.Kind == desired.ReadinessProbe:
		return ask.Sample{Class: state.ClassStatus, Detail: "status 503"}
	}
	return ask.Sample{}
}

// FallSick has the process of a unit be sick until there is another one, and so
// many processes after it, too.
func (h *Host) FallSick(name string, how Sickness, more int) error {
	return h.hand(func() error {
		u := h.loadedUnit(name)
		if u.process.pid == 0 {
			return fmt.Errorf("have the process of %s be sick: it has none", name)
		}
		h.sick[u.id] = sick{how, more}
		return nil
	})
}

// Recover has a unit be well, by itself.
func (h *Host) Recover(name string) {
	_ = h.hand(func() error { delete(h.sick, h.loadedUnit(name).id); return nil })
}

// another is a new process of a unit.
func (h *Host) another(u *unit) {
	s, ok := h.sick[u.id]
	switch {
	case ok && s.more > 0:
		h.sick[u.id] = sick{s.how, s.more - 1}
	case ok:
		delete(h.sick, u.id)
	}
}

// SetNetwork is what becomes of all that is asked from now on.
func (h *Host) SetNetwork(n Network) {
	_ = h.hand(func() error { h.network = n; return nil })
}

// Away has something outside give no answer, or answer again, by the object that
// asks for it: "Endpoint/pawapay".
func (h *Host) Away(object string, yes bool) {
	_ = h.hand(func() error { h.away[object] = yes; return nil })
}
