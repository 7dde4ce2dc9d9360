package ward_test

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Some histories begin with nothing, and some end in peace.
const (
	nothingEach = 16
	calmEach    = 40
)

// nothing has a history begin at a boot of a host on which nothing ever ran, with
// an evenkeel that knows nothing.
func (w *ward) nothing() {
	w.up = 30 * time.Second
	w.origin = state.NewPast()
	w.past = state.NewPast()
	w.auditor = audit.New(audit.Options{Want: func(string) *desired.Set { return w.set }})
	for i := range w.beds {
		b := &w.beds[i]
		b.u.Active, b.u.Sub, b.u.Invocation, b.u.MainPID, b.u.Entered, b.u.Changed = "inactive", "dead", "", 0, 0, 0
		w.readUnit(b)
	}
	for i := range w.probes {
		if p := &w.probes[i]; p.bed == nil {
			p.fact, p.streak = state.Probe{}, 0
			w.tellProbe(p)
			w.schedule(p, w.grid(p))
		}
	}
	w.have.Host.At = w.now()
	w.settleDue()
}

// calm takes away whatever comes from outside, lets humans lift what they hold, and
// waits for more than a day: then what can be healed is well, and nothing is left
// to be done or told.
func (w *ward) calm() {
	w.tell("--- calm")
	w.peace = true
	w.late, w.blindHost, w.host.Stopped, w.host.Packages, w.host.System = false, false, false, false, "running"
	for i := range w.down {
		w.down[i] = false
	}
	w.noAlarm()
	w.wait(30 * time.Minute) // what is late has come, and what passes by itself has passed
	for i := range w.beds {
		b := &w.beds[i]
		if b.ill.cure != byRestart || b.ill.kind == stuck {
			b.ill = illness{}
		}
		b.ill.left = 0
	}
	w.net(whole)
	w.ripple()
	w.hostChanged()
	w.settleDue()
	for i := range w.beds {
		b := &w.beds[i]
		if b.u.Masked() {
			w.byHand(b, "unmask")
			w.mask(b, false)
		}
		w.asks(hand.Resume, b)
		w.settleDue()
		if w.set.Services[b.svc].Spec.State != desired.Stopped && !b.u.Up() {
			w.byHand(b, "start")
			w.start(b, true)
		}
		w.signal(b)
		w.settleDue()
	}
	w.wait(60 * time.Hour)
	if w.err == nil {
		w.inPeace()
	}
}

// inPeace: what should run runs and is well, and the Plan is empty.
func (w *ward) inPeace() {
	hopeless := make([]bool, len(w.natures))
	host, outbreak := w.past.CaseOf("Host/app-1", "")
	outbreak = outbreak && host.Well.IsZero() // whoever was told of it must come
	for i := range w.natures {
		s := &w.set.Services[i]
		hopeless[i] = s.Spec.State != desired.Running
		for _, dep := range w.natures[i].needs {
			hopeless[i] = hopeless[i] || hopeless[dep]
		}
		for _, dep := range append(slices.Clone(s.Requires), s.Follows...) {
			hopeless[i] = hopeless[i] || hopeless[w.index(dep)]
		}
		for j := w.first[i]; j < w.first[i+1]; j++ {
			b := &w.beds[j]
			waits := slices.ContainsFunc(s.Spec.Remedies, func(do desired.Do) bool { return do.Do == "fix.ask" })
			if b.ill.kind != none && (outbreak || !w.mends(s, b)) || !b.u.Up() && (waits || s.Spec.Management == desired.Observe) {
				hopeless[i] = true
			}
		}
		if hopeless[i] {
			continue
		}
		for j := w.first[i]; j < w.first[i+1]; j++ {
			switch b := &w.beds[j]; {
			case !b.u.Up():
				w.breach("%s is %s (%s), and nothing stands in its way", b.unit, b.u.Active, b.u.Sub)
			case b.ill.kind != none:
				w.breach("%s is ill (%d), which a restart would mend", b.unit, b.ill.kind)
			}
		}
	}
	if slices.Contains(hopeless, true) || !w.alive {
		return
	}
	if len(w.past.Cases) > 0 || !w.plan.InSync() || len(w.plan.Steps) > 0 {
		w.breach("all is well, and cases or differences are left: %+v %+v %+v", w.past.Cases, w.plan.Steps, w.plan.Held)
	}
}

// mends tells whether the ladder of a service mends what a restart would.
func (w *ward) mends(s *desired.Service, b *bed) bool {
	if s.Spec.Management == desired.Observe || b.ill.kind != hung && b.ill.kind != crashing {
		return false
	}
	if b.ill.kind == hung && b.probes[1] == nil {
		return false // nobody sees it
	}
	if len(s.Spec.Remedies) == 0 {
		return b.ill.kind == crashing || !s.Spec.Stateful && s.UnitFile != nil
	}
	for _, do := range s.Spec.Remedies {
		switch do.Do {
		case "restart":
			return true
		case "fix.ask", "escalate":
			return false
		}
	}
	return false
}
