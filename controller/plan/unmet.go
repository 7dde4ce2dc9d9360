package plan

import (
	"time"

	"github.com/pakashop/evenkeel/state"
)

// unmetPause is how long a start waits that systemd passed over for an unmet
// condition. Only a start makes systemd look at conditions again, so it is tried
// now and then; more often it would be of no use.
const unmetPause = 10 * time.Minute

// unmet holds back a start that a condition of the unit's own kept from coming
// about, unless something has changed since that the condition may be about.
func (d *draft) unmet(sv *service, w wish) (hold, bool) {
	f, ok := d.past.Failures[state.TallyKey(sv.Object(), w.action)]
	if !ok || f.Kind != state.Unmet || f.At.Boot != d.now.Boot {
		return hold{}, false
	}
	since := d.now.Since(f.At)
	if since >= unmetPause || len(sv.changed)+len(sv.written) > 0 || d.changedSince(sv, w.unit, f.At) {
		return hold{}, false
	}
	return hold{state.Backoff, f.Detail, d.at(unmetPause - since)}, true
}

// changedSince tells whether a file that is declared or watched for a service
// has changed since, or the unit was started by somebody.
func (d *draft) changedSince(sv *service, unit string, at state.Time) bool {
	if d.have.Units[unit].Value.Entered > at.Up {
		return true
	}
	between := func(t time.Time) bool { return t.After(at.Wall) && !t.After(d.now.Wall) }
	for _, r := range appendReads(nil, sv.Service, sv.dirs, d.have) {
		if between(d.have.Files[r.Name].Value.Changed) || between(d.have.Dirs[r.Name].Value.Changed) {
			return true
		}
	}
	return false
}
