package ward_test

import "time"

// event is something that is due.
type event struct {
	at   time.Duration
	seq  uint32
	kind uint8
	n    int32 // of the unit, the probe or the Step that it is about
	gen  int32 // it is void unless this is still so
}

// The kinds of events.
const (
	evSample      uint8 = iota // a probe asks
	evDie                      // a process ends
	evAutoRestart              // systemd starts a unit again
	evRecover                  // a unit recovers after what it needs did
	evCure                     // an illness passes
	evRead                     // a late signal arrives
	evSee                      // what could not be read can be read again
	evRetry                    // what could not be read is tried again
	evAgain                    // the Plan asked to be made again
	evGuard                    // the reading before a Step has come
	evEffect                   // a Step has its effect
	evEnd                      // a Step has ended
	evReborn                   // evenkeel is started again
	evStartUnit                // systemd starts a unit at boot
	evBooted                   // the host has come up
	evHear                     // a source of alerts has spoken
)

// queue is a heap of events: the earliest first, of two at a time the older.
type queue struct {
	list []event
	seq  uint32
}

func (q *queue) less(i, j int) bool {
	a, b := &q.list[i], &q.list[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

func (q *queue) push(e event) {
	q.seq++
	e.seq = q.seq
	q.list = append(q.list, e)
	for i := len(q.list) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.less(i, up) {
			return
		}
		q.list[i], q.list[up] = q.list[up], q.list[i]
		i = up
	}
}

func (q *queue) pop() event {
	top, last := q.list[0], len(q.list)-1
	q.list[0] = q.list[last]
	q.list = q.list[:last]
	for i := 0; ; {
		low := 2*i + 1
		if low >= last {
			return top
		}
		if low+1 < last && q.less(low+1, low) {
			low++
		}
		if !q.less(low, i) {
			return top
		}
		q.list[i], q.list[low] = q.list[low], q.list[i]
		i = low
	}
}

func (w *ward) after(d time.Duration, kind uint8, n, gen int) {
	w.queue.push(event{at: w.up + d, kind: kind, n: int32(n), gen: int32(gen)})
}
