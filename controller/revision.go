package controller

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Follower is a Source that follows a branch. Which of its revisions is in force
// is the plan's to say; the Follower has each of them at hand that may be.
type Follower interface {
	Source
	// Revision brings one that was in force before, for the host and the policy as
	// they are now.
	Revision(ctx context.Context, name string) (*desired.Set, []string, error)
	// Standing says how the branch stands.
	Standing() state.Source
	// Keep says which revisions must stay at hand besides the newest. It must be
	// quick.
	Keep(names []string)
}

// offer is a desired state that may be put in force.
type offer struct {
	set      *desired.Set
	warnings []string
}

// first is what is in force when the loop begins: of a branch, the revision that
// was in force when the last run ended, so that a new one is taken up before
// everybody's eyes.
func (c *Controller) first(ctx context.Context, newest offer, past *state.Past) (in offer, missing string) {
	f, ok := c.o.Source.(Follower)
	if !ok {
		return newest, ""
	}
	names := []string{plan.InForce(past, newest.set.Revision)}
	if past.Pinned == nil && past.Revision.Name != "" && past.Distrust == "" {
		names = []string{past.Revision.Name, names[0]}
	}
	for _, name := range names {
		if name == newest.set.Revision {
			return newest, ""
		}
		set, warnings, err := f.Revision(ctx, name)
		if err == nil {
			return offer{set, warnings}, ""
		}
		missing = err.Error()
		c.o.Log.Error("a revision that was in force cannot be read", "revision", name, "error", err)
	}
	return newest, missing
}

// settleFor is how long after the start a new revision waits at most for the first
// verdicts of probes: who was well before it must be known.
const settleFor = 30 * time.Second

// enforce has that revision in force which is to be. One that is not at hand is
// brought, and until then the plan holds everything.
func (l *loop) enforce(now state.Time) {
	f, ok := l.c.o.Source.(Follower)
	if !ok {
		return
	}
	name := plan.InForce(l.past, l.have.Source.Wanted)
	newest := l.offered.set
	switch {
	case name == l.want.Revision && sameBounds(newest, l.want) && sameSecrets(newest, l.want):
		return
	case name == newest.Revision:
		if l.settling(now) {
			return
		}
		l.adopt(l.offered, now)
	case l.bringing == "" && now.Since(l.missed) >= bringAgain:
		l.bringing = name
		l.acts.spawn(func(ctx context.Context) {
			set, warnings, err := f.Revision(ctx, name)
			select {
			case l.c.inbox <- brought{name, offer{set, warnings}, err}:
			case <-ctx.Done():
			}
		})
	}
}

// bringAgain is the pause after which a revision that could not be read is asked
// for again.
const bringAgain = 10 * time.Second

// settling tells that it is not known yet how well things are, soon after the
// start, so that a new revision waits.
func (l *loop) settling(now state.Time) bool {
	if l.past.Revision.Name == "" || now.Since(l.began) >= settleFor {
		return false
	}
	return !l.ready || slices.ContainsFunc(l.plan.Gaps, func(g state.Gap) bool { return g.Source.Kind == state.RefProbe || g.Source.Kind == state.RefUnit })
}

// adopt puts a desired state in force. By what it has to prove itself is written
// down before anything is done for its sake.
func (l *loop) adopt(next offer, now state.Time) {
	if next.set.Revision != l.past.Revision.Name && l.past.Distrust == "" {
		n := plan.Adopt(l.want, next.set, &l.have, l.past, now)
		l.write([]state.Entry{{At: now, Pass: l.past.Pass, Note: &n}}, "notes")
	}
	l.put(next)
	l.keep()
}

// keep says which revisions may be asked for again.
func (l *loop) keep() {
	if f, ok := l.c.o.Source.(Follower); ok {
		f.Keep(l.past.Revisions())
	}
}

// put has the loop want something else.
func (l *loop) put(next offer) {
	from := l.want
	if !sameBounds(next.set, from) {
		l.c.o.Log.Info("the host's policy changed", "mode", next.set.Policy.Mode)
	}
	if next.set.Revision != from.Revision || next.set.Environment != from.Environment {
		l.c.o.Log.Info("desired state changed", "from", from.Revision, "to", next.set.Revision)
	}
	for _, w := range next.warnings {
		l.c.o.Log.Warn("desired state has a warning", "warning", w)
	}
	l.want, l.warnings = next.set, next.warnings
	l.c.o.InForce(l.want)
	l.interest()
	l.c.o.Observer.Probe(l.want.Probings())
	l.evaluate()
	l.declare()
}

// sameBounds tells that two Sets are for the same host under the same policy. A
// revision names objects alone; what the host's policy makes of them is none of
// git's business, and changes by itself.
func sameBounds(a, b *desired.Set) bool {
	return a == b || reflect.DeepEqual(a.Policy, b.Policy) && reflect.DeepEqual(a.Host, b.Host)
}

// sameSecrets tells that as much could be decrypted of two Sets, if they are of one
// revision: the host's identity, too, changes by itself.
func sameSecrets(a, b *desired.Set) bool {
	return a == b || a.Revision != b.Revision || a.SameSecrets(b)
}

// brought brings a revision that was asked for.
type brought struct {
	name string
	offer
	err error
}

func (m brought) tell(l *loop) bool {
	l.bringing = ""
	if m.err != nil {
		if l.have.Source.Missing != m.err.Error() {
			l.c.o.Log.Error("a revision that is to be in force cannot be read; nothing is done", "revision", m.name, "error", m.err)
		}
		l.have.Source.Missing, l.missed = m.err.Error(), l.c.o.Observer.Now()
		l.waiting.Reset(bringAgain)
		return true
	}
	l.have.Source.Missing = ""
	if m.name == plan.InForce(l.past, l.have.Source.Wanted) {
		l.adopt(m.offer, l.c.o.Observer.Now())
	}
	return true
}
