package desired

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a length of time as operators write it: 10s, 5m, 2h, 30d, 1w, or
// several of them from large to small (1h30m).
type Duration time.Duration

var units = []struct {
	name string
	unit time.Duration
}{
	{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond},
}

// ParseDuration reads a Duration. Each unit may stand once, larger ones first.
func ParseDuration(s string) (Duration, error) {
	if s == "0" {
		return 0, nil
	}
	var total time.Duration
	rest, next := s, 0
	for rest != "" || s == "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		rest = rest[digits:]
		letters := len(rest) - len(strings.TrimLeft(rest, "dhmsw"))
		i := unitNamed(rest[:letters], next)
		if err != nil || i < 0 {
			return 0, fmt.Errorf("%q is not a duration; write 10s, 5m, 2h, 30d or 1w", shorten(s))
		}
		if n > int64((1<<63-1-total)/units[i].unit) {
			return 0, fmt.Errorf("%q is too long", s)
		}
		total += time.Duration(n) * units[i].unit
		next, rest = i+1, rest[letters:]
	}
	return Duration(total), nil
}

// unitNamed finds a unit of time at or after a place in the table.
func unitNamed(name string, from int) int {
	for i := from; i < len(units); i++ {
		if units[i].name == name {
			return i
		}
	}
	return -1
}

// Std is the standard library's form.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is the shortest form that ParseDuration reads.
func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	left := time.Duration(d)
	for _, u := range units {
		if n := left / u.unit; n > 0 && (u.name != "w" || left%u.unit == 0) {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			left -= n * u.unit
		}
	}
	return b.String()
}

// MarshalJSON writes the string form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads the string form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is a string like 10s: %w", err)
	}
	v, err := ParseDuration(s)
	*d = v
	return err
}

// Port is a number, or the name of one of the service's ports.
type Port struct {
	Number int
	Name   string
}

// MarshalJSON writes the number, or else the name.
func (p Port) MarshalJSON() ([]byte, error) {
	if p.Name != "" {
		return json.Marshal(p.Name)
	}
	return json.Marshal(p.Number)
}

// UnmarshalJSON reads a number or a name.
func (p *Port) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &p.Number); err == nil {
		return nil
	}
	return json.Unmarshal(b, &p.Name)
}

// Secret refers to a value that never lies in git. Exactly one field is set.
type Secret struct {
	FromCredential string `json:"fromCredential,omitempty" oneof:"secret"`
	FromFile       string `json:"fromFile,omitempty" oneof:"secret"`
	FromEnv        string `json:"fromEnv,omitempty" oneof:"secret"`
}
