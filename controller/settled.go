package controller

import (
	"slices"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// passing are holds that end by themselves, soon: Apply waits for them.
var passing = []state.Reason{state.Backoff, state.SystemdActing, state.InProgress, state.PackageManager, state.HostStarting, state.Verifying}

// passes tells a hold that Apply waits for. A roll that only pauses goes on; one
// that stands still, because a service did not come up, waits for a human.
func passes(h state.Held) bool {
	soon := h.Reason == state.Rolling || h.Reason == state.DependencySick // one that starts is ready, or is not, by then
	return slices.Contains(passing, h.Reason) && !h.Info || soon && h.Until != nil
}

// patience is the pause between two tries to read a fact at which Apply no
// longer waits for it.
const patience = 8 * time.Second

// settled tells that another pass would change nothing: the host is as
// declared, or what differs waits for a human.
func settled(l *loop) bool {
	if !l.ready || l.acts.running > 0 || len(l.guarding) > 0 || !l.c.eyes.idle() {
		return false
	}
	if l.blind > 0 && l.blind < patience {
		return false // what could not be read is tried again
	}
	if len(l.plan.Steps) > 0 && l.past.Distrust == "" {
		return false
	}
	if slices.ContainsFunc(l.plan.Held, passes) {
		return false
	}
	return !slices.ContainsFunc(l.plan.Gaps, func(g state.Gap) bool {
		_, known := l.reading(g.Source)
		return !known || !g.After.IsZero() || l.older(g.Source)
	})
}
