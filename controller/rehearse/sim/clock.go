package sim

import (
	"container/heap"
	"context"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// clock is virtual time and what is due in it.
type clock struct {
	wall  time.Time     // what the wall clock showed at boot
	up    time.Duration // since boot
	id    string        // the boot ID
	seq   uint64
	queue events

	live  bool      // time follows the time package
	since time.Time // when it last did
	wake  chan struct{}
}

type event struct {
	at  time.Duration
	seq uint64
	do  func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(e any)   { *q = append(*q, e.(event)) }
func (q *events) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	*q = (*q)[:last]
	return e
}

func (c *clock) wallNow() time.Time { return c.wall.Add(c.up) }

func (c *clock) now() state.Time { return state.Time{Wall: c.wallNow(), Up: c.up, Boot: c.id} }

// after has something happen later.
func (c *clock) after(d time.Duration, do func()) {
	c.seq++
	heap.Push(&c.queue, event{at: c.up + max(0, d), seq: c.seq, do: do})
	if c.live {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

func (c *clock) advance(d time.Duration) {
	until := c.up + d
	for len(c.queue) > 0 && c.queue[0].at <= until {
		e := heap.Pop(&c.queue).(event)
		c.up = max(c.up, e.at)
		e.do()
	}
	c.up = max(c.up, until)
}

// reboot begins a new boot: what was due is void, the wall clock goes on.
func (c *clock) reboot(id string) {
	c.wall, c.up, c.id, c.queue = c.wallNow(), 0, id, nil
	c.up = 2 * time.Second // the kernel's own start
}

// follow catches up with the time package where Run runs.
func (h *Host) follow() {
	if !h.clock.live {
		return
	}
	now := time.Now()
	d := now.Sub(h.clock.since)
	h.clock.since = now
	h.clock.advance(d)
}

// tick is the moment that everything takes: nothing that is done happens at the
// instant of what was done before, or nobody could tell which came first.
func (h *Host) tick() {
	h.follow()
	h.clock.advance(time.Microsecond)
}

// Run makes the host's time follow the time package until ctx ends.
func (h *Host) Run(ctx context.Context) {
	h.mu.Lock()
	h.clock.live, h.clock.since, h.clock.wake = true, time.Now(), make(chan struct{}, 1)
	wake := h.clock.wake
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.follow()
		h.clock.live = false
	}()
	for {
		timer := time.NewTimer(h.next())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// next is how long until something is due; an hour if nothing is.
func (h *Host) next() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follow()
	if len(h.clock.queue) == 0 {
		return time.Hour
	}
	return max(0, h.clock.queue[0].at-h.clock.up)
}
