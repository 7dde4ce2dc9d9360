package probes

import (
	"context"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// row is one probe: what is asked, when it is asked next, and what it has come to.
//
// Samples by the schedule come at ticks, a period apart, that have nothing to do
// with the start of the process, as with kubelet: see beat. Extra samples come
// beside them where waiting for a tick would keep others waiting: at once when it
// may be asked, and of a process that has not been well yet sooner than the
// period, 100 ms after the first, then 200, 400….
type row struct {
	ledger

	probing desired.Probing
	slot    int                // the second of its period in which its ticks fall
	open    bool               // it is asked
	tick    time.Time          // the next sample by the schedule
	extra   time.Time          // the next beside it; zero: none
	pause   time.Duration      // from the end of this sample to an extra one; zero: there will be none
	epoch   int                // how often it was reset: what was asked before is of no use
	cut     context.CancelFunc // of the sample that is being taken; nil: none is
	queued  bool               // it waits until fewer others are asked
	place   int                // in the agenda; outside of it, absent
}

// absent is the place of a row that nothing is planned for: nobody may ask, or
// it is being asked.
const absent = -1

// firstPause is between the first two samples of a process that is coming up.
const firstPause = 100 * time.Millisecond

func newRow(p desired.Probing, at state.Time) *row {
	r := &row{probing: p, place: absent}
	r.successes, r.failures = max(1, p.Probe.SuccessThreshold), max(1, p.Probe.FailureThreshold)
	r.fact.At = at
	return r
}

func (r *row) period() time.Duration {
	return time.Duration(max(1, r.probing.Probe.PeriodSeconds)) * time.Second
}

func (r *row) timeout() time.Duration {
	return time.Duration(max(1, r.probing.Probe.TimeoutSeconds)) * time.Second
}

func (r *row) delay() time.Duration {
	return time.Duration(r.probing.Probe.InitialDelaySeconds) * time.Second
}

// waits tells whether others wait until it is well.
func (r *row) waits() bool {
	return r.probing.Kind == desired.StartupProbe || r.probing.Kind == desired.ReadinessProbe
}

// begin plans the first samples, from an instant on. The ticks of a startup probe
// begin a whole period later: failureThreshold × periodSeconds is the time that a
// start may take.
func (r *row) begin(base, from time.Time) {
	r.open, r.extra, r.pause = true, from, 0
	r.tick = beat(base.Add(time.Duration(r.slot)*time.Second), from, r.period())
	if r.probing.Kind == desired.StartupProbe {
		r.tick = beat(base, from.Add(r.period()), time.Second)
	}
	if r.waits() {
		r.pause = firstPause
	}
}

// beat is the first instant, not before from, that is a whole number of periods
// after base. All ticks fall on the seconds of one clock, so that many probes
// are one awakening: a process that sleeps pays more for waking up than for
// asking a dozen services.
func beat(base, from time.Time, period time.Duration) time.Time {
	past := from.Sub(base) % period
	if past < 0 {
		past += period
	}
	if past == 0 {
		return from
	}
	return from.Add(period - past)
}

// due is when it is to be asked next.
func (r *row) due() time.Time {
	if !r.extra.IsZero() && r.extra.Before(r.tick) {
		return r.extra
	}
	return r.tick
}

// ask takes note that it is asked now, and tells whether that is by the
// schedule. Ticks that were missed do not come again, except the last one.
func (r *row) ask(now time.Time) (counts bool) {
	r.extra = time.Time{}
	if r.tick.After(now) {
		return false
	}
	missed := now.Sub(r.tick) / r.period()
	r.tick = r.tick.Add((missed + 1) * r.period())
	return true
}

// answered plans an extra sample where the process is still coming up.
func (r *row) answered(now time.Time, good bool) {
	if good || r.pause >= r.period() {
		r.pause = 0
	}
	if r.pause > 0 {
		r.extra = now.Add(r.pause)
		r.pause *= 2
	}
}

// close ends the asking until begin, and what is being asked.
func (r *row) close() {
	r.open, r.queued, r.extra = false, false, time.Time{}
	r.epoch++
	if r.cut != nil {
		r.cut()
	}
}
