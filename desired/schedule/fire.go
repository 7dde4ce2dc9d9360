package schedule

import (
	"math/bits"
	"time"
)

// horizon is how far a day that fits may be away, in days: 29 February is eight
// years from the last one around 2100. One year more, to be sure.
const horizon = 9 * 366

// Next is the first time after t at which the schedule fires, in its zone; zero
// if it never does.
func (s Schedule) Next(t time.Time) time.Time {
	// The clock on the wall may be set by at most a day; what was to fire
	// yesterday by the calendar may be still to come.
	for day, n := s.midnight(t).AddDate(0, 0, -2), 0; n < horizon; day, n = s.forward(day, n) {
		if !s.fits(day.Month(), day.Day(), day.Weekday()) {
			continue
		}
		for h := s.hours & 0xffffff; h != 0; h &= h - 1 {
			hour := bits.TrailingZeros64(h)
			if last := s.fires(day, hour, 59); !last.After(t) {
				continue
			}
			for m := s.minutes &^ star; m != 0; m &= m - 1 {
				if at := s.fires(day, hour, bits.TrailingZeros64(m)); at.After(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// Last is the latest time, t included, at which the schedule fired, in its zone;
// zero if it never did.
func (s Schedule) Last(t time.Time) time.Time {
	for day, n := s.midnight(t).AddDate(0, 0, 2), 0; n < horizon; day, n = s.back(day, n) {
		if !s.fits(day.Month(), day.Day(), day.Weekday()) {
			continue
		}
		for h := s.hours & 0xffffff; h != 0; {
			hour := bits.Len64(h) - 1
			h &^= 1 << hour
			if first := s.fires(day, hour, 0); first.After(t) {
				continue
			}
			for m := s.minutes &^ star; m != 0; {
				minute := bits.Len64(m) - 1
				m &^= 1 << minute
				if at := s.fires(day, hour, minute); !at.After(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// midnight is the date of t in the schedule's zone, written as an instant of
// UTC: dates are counted where every day has 24 hours.
func (s Schedule) midnight(t time.Time) time.Time {
	zone := s.zone
	if zone == nil {
		zone = time.UTC
	}
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// forward is the day after, or the first one of the next month where this one
// does not fit.
func (s Schedule) forward(day time.Time, n int) (time.Time, int) {
	if has(s.months, int(day.Month())) {
		return day.AddDate(0, 0, 1), n + 1
	}
	next := time.Date(day.Year(), day.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	return next, n + int(next.Sub(day).Hours()/24)
}

// back is the day before, or the last one of the month before.
func (s Schedule) back(day time.Time, n int) (time.Time, int) {
	if has(s.months, int(day.Month())) {
		return day.AddDate(0, 0, -1), n + 1
	}
	last := time.Date(day.Year(), day.Month(), 0, 0, 0, 0, 0, time.UTC)
	return last, n + int(day.Sub(last).Hours()/24)
}

// fires is the first instant at which the clock on the wall shows a time of a
// day, or a later one.
func (s Schedule) fires(day time.Time, hour, minute int) time.Time {
	shown := day.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute).Unix()
	// No zone is more than a day from UTC: the instant lies in between.
	early, late := shown-26*60*60, shown+26*60*60
	before, after := s.offset(early), s.offset(late)
	at := shown - before
	if before != after {
		if set := s.change(early, late); at >= set {
			at = max(set, shown-after)
		}
	}
	return time.Unix(at, 0).In(s.zone)
}

// offset is how many seconds the clock on the wall is before UTC at an instant.
func (s Schedule) offset(at int64) int64 {
	_, offset := time.Unix(at, 0).In(s.zone).Zone()
	return int64(offset)
}

// change finds the second at which the clock on the wall is set between two
// instants: it is set once in two days at most. (Time.ZoneBounds would tell, but
// on 31 December of leap years it gives an end that is past.)
func (s Schedule) change(early, late int64) int64 {
	before := s.offset(early)
	for late-early > 1 {
		if mid := early + (late-early)/2; s.offset(mid) == before {
			early = mid
		} else {
			late = mid
		}
	}
	return late
}
