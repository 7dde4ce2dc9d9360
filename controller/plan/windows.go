package plan

import (
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/schedule"
	"github.com/pakashop/evenkeel/state"
)

// outsideWindow holds a declared change that disturbs a service until its change
// windows let it be done. Repairs of what is down or hangs are never held by a
// window, and neither is what changes without a disturbance.
func (d *draft) outsideWindow(sv *service, w wish) (hold, bool) {
	if len(d.want.Windows) == 0 || w.effect != actuators.Disruptive || w.remedial || w.human {
		return hold{}, false
	}
	cal := d.calendar(sv.Name)
	closed := cal.closed(d.now.Wall)
	if closed == "" {
		return hold{}, false
	}
	h := hold{reason: state.OutsideWindow, detail: closed + ": " + w.describe()}
	if next, ok := cal.opens(d.now.Wall); ok {
		h.until = d.at(next.Sub(d.now.Wall))
	}
	return h, true
}

// calendar are the change windows that cover one service.
type calendar struct{ allow, forbid []window }

// window is a change window whose schedule was read.
type window struct {
	*desired.ChangeWindow
	schedule schedule.Schedule // the zero one never fires
}

func (d *draft) calendar(service string) calendar {
	if d.windows == nil {
		d.windows = make([]window, len(d.want.Windows))
		for i := range d.want.Windows {
			w := &d.want.Windows[i]
			// What cannot be read was refused when it was loaded.
			s, _ := schedule.Parse(w.Spec.Schedule, w.Spec.TimeZone)
			d.windows[i] = window{w, s}
		}
	}
	var c calendar
	for _, w := range d.windows {
		switch {
		case !w.Covers(service):
		case w.Spec.Allow:
			c.allow = append(c.allow, w)
		default:
			c.forbid = append(c.forbid, w)
		}
	}
	return c
}

// closed says why nothing may be disturbed at an instant; empty: it may.
func (c calendar) closed(at time.Time) string {
	for _, w := range c.forbid {
		if !w.end(at).IsZero() {
			return fmt.Sprintf("change window %s forbids it", w.Name)
		}
	}
	if len(c.allow) == 0 {
		return ""
	}
	for _, w := range c.allow {
		if !w.end(at).IsZero() {
			return ""
		}
	}
	if len(c.allow) == 1 {
		return fmt.Sprintf("change window %s is not open", c.allow[0].Name)
	}
	return fmt.Sprintf("none of %d change windows is open", len(c.allow))
}

// turns bounds how many ends and openings are looked at for the next moment at
// which changes are allowed; windows that forbid one another's are rare.
const turns = 100

// opens is the next moment at which changes are allowed, if one is near enough
// to be found.
func (c calendar) opens(at time.Time) (time.Time, bool) {
	for range turns {
		if c.closed(at) == "" {
			return at, true
		}
		next := c.turn(at)
		if next.IsZero() {
			return at, false
		}
		at = next
	}
	return at, false
}

// turn is the next moment after an instant at which a window that stands in the
// way ends, or one that allows begins; zero: there is none.
func (c calendar) turn(at time.Time) time.Time {
	for _, w := range c.forbid {
		if end := w.end(at); !end.IsZero() {
			return end
		}
	}
	var first time.Time
	for _, w := range c.allow {
		if next := w.schedule.Next(at); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first
}

// end is when a window that is open at an instant closes; zero: it is not open.
func (w window) end(at time.Time) time.Time {
	last := w.schedule.Last(at)
	if last.IsZero() {
		return last
	}
	if end := last.Add(w.Spec.Duration.Std()); end.After(at) {
		return end
	}
	return time.Time{}
}
