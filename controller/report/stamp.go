package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Stamp is a moment in a report: RFC 3339 in UTC, to the millisecond, and null
// where there is none.
type Stamp struct{ time.Time }

// At is the Stamp of a moment; the zero time gives the empty Stamp.
func At(t time.Time) Stamp {
	if t.IsZero() {
		return Stamp{}
	}
	return Stamp{t.UTC().Truncate(time.Millisecond)}
}

func atState(t *state.Time) Stamp {
	if t == nil {
		return Stamp{}
	}
	return At(t.Wall)
}

// String is RFC 3339 in UTC, empty for the empty Stamp.
func (s Stamp) String() string {
	if s.IsZero() {
		return ""
	}
	return s.UTC().Format(time.RFC3339Nano)
}

// MarshalJSON writes the moment, or null.
func (s Stamp) MarshalJSON() ([]byte, error) {
	if s.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(s.String())
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	*s = Stamp{}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var t time.Time
	if err := json.Unmarshal(b, &t); err != nil {
		return err
	}
	*s = At(t)
	return nil
}

// clock is the moment for people: the day only where it is not today's.
func (s Stamp) clock(now time.Time) string {
	u := s.UTC()
	if now.IsZero() || u.Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		return u.Format("2006-01-02 15:04:05") + " UTC"
	}
	return u.Format("15:04:05") + " UTC"
}

// until says when something ends: at what time, and in how long.
func (s Stamp) until(now time.Time) string {
	if now.IsZero() || !s.After(now) {
		return "until " + s.clock(now)
	}
	return "until " + s.clock(now) + " (" + span(s.Sub(now)) + ")"
}

// ago says for how long something has been so; "" for the empty Stamp.
func (s Stamp) ago(now time.Time) string {
	switch {
	case s.IsZero():
		return ""
	case now.IsZero():
		return s.String()
	}
	return span(now.Sub(s.Time))
}

// span is a length of time in at most two units.
func span(d time.Duration) string {
	d = max(0, d).Round(time.Second)
	day := 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(d, time.Minute, "m", time.Second, "s")
	case d < day:
		return two(d, time.Hour, "h", time.Minute, "m")
	}
	return two(d, day, "d", time.Hour, "h")
}

func two(d, big time.Duration, b string, small time.Duration, s string) string {
	if rest := d % big / small; rest > 0 {
		return fmt.Sprintf("%d%s%d%s", d/big, b, rest, s)
	}
	return fmt.Sprintf("%d%s", d/big, b)
}
