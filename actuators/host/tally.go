package host

import "time"

const (
	calm       = 10 * time.Minute // a plugin that ran for so long starts with a clean slate
	maxBackoff = time.Minute
)

// tally counts the crashes of a plugin and says when it may be started again.
type tally struct {
	crashes     int
	until       time.Time // not to be started before
	quarantined bool
}

// crash charges one, after the plugin ran for uptime (zero: it never came up).
func (t *tally) crash(now time.Time, uptime time.Duration, o Options) {
	if uptime >= calm {
		*t = tally{}
	}
	t.crashes++
	if t.crashes >= o.Crashes {
		t.quarantined = true
		t.until = now.Add(o.Quarantine)
		return
	}
	wait := min(o.Backoff<<min(t.crashes-1, 16), max(maxBackoff, o.Backoff))
	t.until = now.Add(wait)
}

// wait says for how long no start is allowed; zero or less means now. After a
// quarantine one start is allowed, and one crash renews it.
func (t *tally) wait(now time.Time) time.Duration { return t.until.Sub(now) }
