package observe

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// ended knows why units are down. It asks the journal once for each time that a
// unit went down, and all units of a reading together.
type ended struct {
	journal Journal
	units   rivals
	log     *slog.Logger

	mu     sync.Mutex // guards what follows
	known  map[string]end
	events bool // whoever changes is reported to us: see forget
}

// end is one time that a unit went down.
type end struct {
	changed, entered time.Duration // as systemd counts; zero: systemd has forgotten
	invocation       string
	absent           bool // there was no such unit: how one of that name ended earlier is of no interest
	cause            state.StopCause
	stoppedFor       string
	doubted          time.Time // since when the journal says nothing of it, which may be late; zero: it has spoken
}

// How long a reading waits for the journal to tell of an end that it must tell of, and
// how long it is asked anew at each reading if it does not: under load what it is told
// comes late.
const (
	journalSettle = 300 * time.Millisecond
	journalDoubt  = time.Minute
)

func endOf(u state.Unit) end {
	return end{changed: u.Changed, entered: u.Entered, invocation: u.Invocation}
}

func newEnded(j Journal, units rivals, log *slog.Logger) *ended {
	return &ended{journal: j, units: units, log: log, known: make(map[string]end)}
}

// explain fills Unit.Stop of the units whose properties do not say why they are
// down, and of those that a conflict is stopping right now. It leaves the others
// alone: what failed while it ran needs no explanation, and waits for none.
func (e *ended) explain(ctx context.Context, facts map[string]state.Fact[state.Unit]) {
	ask := make(map[string][]string) // by primary name: the names that were asked for
	for n, f := range facts {
		if f.Err != "" || !unexplained(f.Value) {
			e.pass(n, f)
			continue
		}
		if k, ok := e.recall(n, f.Value); ok {
			f.Value.Stop, f.Value.StoppedFor = k.cause, k.stoppedFor
			facts[n] = f
			continue
		}
		id := primary(n, f.Value)
		ask[id] = append(ask[id], n)
	}
	late, sure := e.ask(ctx, facts, ask)
	sure = e.conflicts(ctx, facts, ask) && sure
	for id, names := range ask {
		for _, n := range names {
			if sure {
				e.remember(n, facts[n].Value, slices.Contains(late, id))
			}
		}
	}
}

// primary is the name under which the journal knows a unit.
func primary(name string, u state.Unit) string {
	if u.ID == "" {
		return name
	}
	return u.ID
}

// ask fills in the journal's word of these units, by primary name, and tells of which
// it says nothing although they ran, and whether it answered at all.
func (e *ended) ask(ctx context.Context, facts map[string]state.Fact[state.Unit], ask map[string][]string) (late []string, sure bool) {
	if len(ask) == 0 {
		return nil, true
	}
	causes, err := e.journal.StopCauses(ctx, slices.Collect(maps.Keys(ask)))
	late = unspoken(facts, ask, causes)
	began := time.Now()
	for wait := 10 * time.Millisecond; err == nil && len(late) > 0 && time.Since(began) < journalSettle; wait *= 2 {
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		var more map[string]state.StopCause
		if more, err = e.journal.StopCauses(ctx, late); causes == nil {
			causes = more
		}
		maps.Copy(causes, more)
		late = unspoken(facts, ask, causes)
	}
	if err != nil {
		e.log.Warn("why units are inactive is not known", "units", len(ask), "error", err)
	}
	for id, names := range ask {
		for _, n := range names {
			f := facts[n]
			f.Value.Stop = judge(f.Value, causes[id])
			facts[n] = f
		}
	}
	return late, err == nil
}

// unspoken are the units of which the journal says nothing although systemd knows that
// their state changed in this boot.
func unspoken(facts map[string]state.Fact[state.Unit], ask map[string][]string, causes map[string]state.StopCause) (late []string) {
	for id, names := range ask {
		if _, ok := causes[id]; !ok && facts[names[0]].Value.Changed > 0 {
			late = append(late, id)
		}
	}
	return late
}

// unexplained tells a unit whose properties do not say why it is down. One that
// failed was stopped by nobody if it ceased to run and came to rest in one
// moment: a stop takes a while, and so does whatever else ends badly under one
// (an exit code, a time limit, a start that was cut off).
func unexplained(u state.Unit) bool {
	if u.Load != "loaded" || u.Job.ID != 0 {
		return false
	}
	return u.Active == "inactive" && (u.Result == "" || u.Result == "success") || u.Active == "failed" && u.Rested != u.Exited
}

// judge takes the journal's word. Where it has none, a unit that systemd
// remembers to have run ended without a sign; of one that systemd remembers
// nothing there was nothing to look for.
func judge(u state.Unit, c state.StopCause) state.StopCause {
	if c == state.StopUnread && u.Entered > 0 && u.Active == "inactive" {
		return state.StopNoSign
	}
	return c
}

// recall returns what was found out before of this very end. Ends of units that
// systemd has forgotten all look alike; what is known of one holds only while
// somebody tells of every change.
func (e *ended) recall(name string, u state.Unit) (end, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, ok := e.known[name]
	if !ok {
		return end{}, false
	}
	if k.absent {
		return end{}, e.events && u.Changed == 0 && u.Entered == 0
	}
	this := endOf(u)
	if !k.doubted.IsZero() && time.Since(k.doubted) < journalDoubt {
		return end{}, false
	}
	this.cause, this.stoppedFor, this.doubted = k.cause, k.stoppedFor, k.doubted
	return k, k == this && (k.changed > 0 || e.events)
}

// pass takes note of a unit that needs no explanation.
func (e *ended) pass(name string, f state.Fact[state.Unit]) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if f.Err == "" && f.Value.Missing() {
		e.known[name] = end{absent: true}
		return
	}
	delete(e.known, name)
}

// remember keeps what was found out of an end; late: the journal has not told of it.
func (e *ended) remember(name string, u state.Unit, late bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k, was := endOf(u), e.known[name]
	k.cause, k.stoppedFor = u.Stop, u.StoppedFor
	if late {
		if k.doubted = was.doubted; was.doubted.IsZero() || was.changed != k.changed {
			k.doubted = time.Now()
		}
	}
	e.known[name] = k
}

// forget drops what is known of units: something changed about them.
func (e *ended) forget(names ...string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range names {
		delete(e.known, n)
	}
}

// watched says whether forget is told of every change from now on. Units that
// did not exist are still known not to have: each look at them says so again.
func (e *ended) watched(yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = yes
	maps.DeleteFunc(e.known, func(_ string, k end) bool { return !yes || !k.absent })
}
