package sim

import (
	"context"
	"errors"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/state"
)

// Fault is what goes wrong with one Apply.
type Fault struct {
	Kind actuators.Kind // of the error that Apply returns
	Text string         // of it; default "simulated fault"
	Done bool           // the effect happens all the same: the answer was lost
	Lie  bool           // Apply reports success and does nothing; Kind and Text do not matter
}

// FailNext has the next Apply of an action go wrong, by "systemd.start" or
// "systemd.start nginx.service". Several are used up in order.
func (h *Host) FailNext(action string, f ...Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults[action] = append(h.faults[action], f...)
}

// Unobservable has readings of a fact fail with a reason; an empty one ends it.
func (h *Host) Unobservable(r state.Ref, why string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.blind[r] = why
	h.touch(r)
}

// Deaf has Watch report nothing, as when signals are lost, until it is false.
func (h *Host) Deaf(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deaf = yes
}

// Actuators are the host's, by name: systemd and file.
func (h *Host) Actuators() map[string]actuators.Actuator {
	return map[string]actuators.Actuator{
		"systemd": faulty{h, systemd.New(manager{h}, systemd.Options{Version: "sim"})},
		"file":    faulty{h, newFileActuator(h)},
	}
}

// faulty is an Actuator whose calls can go wrong.
type faulty struct {
	h *Host
	actuators.Actuator
}

// Apply does what the Actuator does, unless a Fault waits for it.
func (a faulty) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	f, ok := a.h.fault(r.Action)
	if !ok {
		return a.Actuator.Apply(ctx, r)
	}
	if f.Lie {
		return actuators.Result{Changed: true, Detail: "done"}, nil
	}
	var err error
	if f.Done {
		_, err = a.Actuator.Apply(ctx, r)
	}
	return actuators.Result{}, actuators.Errorf(f.Kind, "%s: %w", r.Action, errors.Join(errors.New(f.Text), err))
}

func (h *Host) fault(a actuators.Action) (Fault, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	name := a.Actuator + "." + a.Verb
	for _, key := range []string{name + " " + a.Target, name} {
		if list := h.faults[key]; len(list) > 0 {
			h.faults[key] = list[1:]
			if list[0].Text == "" {
				list[0].Text = "simulated fault"
			}
			return list[0], true
		}
	}
	return Fault{}, false
}
