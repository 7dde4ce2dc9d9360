package state

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// history is a life of a host: instants in their true order, over reboots, with
// a wall clock that somebody sets at will.
type moment struct {
	Time
	true time.Duration // since the beginning of the life, by a clock nobody has
}

func lives(t *rapid.T) []moment {
	var out []moment
	now := moment{Time: Time{Wall: time.Unix(1.7e9, 0).UTC(), Up: time.Minute, Boot: "boot-0"}}
	for i := range rapid.IntRange(2, 12).Draw(t, "moments") {
		passed := time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "passed"))
		now.true += passed
		now.Wall = now.Wall.Add(passed)
		now.Up += passed
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0: // a reboot, some of which passed while the host was down
			now.Boot = fmt.Sprint("boot-", i+1)
			now.Up = time.Duration(rapid.Int64Range(0, int64(passed)).Draw(t, "since boot"))
		case 1:
			now.Wall = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "clock"), 0).UTC()
		}
		out = append(out, now)
	}
	return out
}

// An age is never more than what truly passed, and within a boot exactly that.
func TestAnAgeIsALowerBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := lives(t)
		for i, later := range life {
			for _, earlier := range life[:i+1] {
				age, truth := later.Since(earlier.Time), later.true-earlier.true
				if age < 0 || age > truth {
					t.Fatalf("age %v, %v passed: %+v, %+v", age, truth, earlier, later)
				}
				if later.Boot == earlier.Boot && age != truth {
					t.Fatalf("age %v within a boot, %v passed", age, truth)
				}
			}
		}
	})
}

// As time goes by an age only grows, but for a reboot, which forgets.
func TestAnAgeGrowsWithinABoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := lives(t)
		for i := 1; i < len(life); i++ {
			for _, since := range life[:i] {
				if life[i].Boot == life[i-1].Boot && life[i].Since(since.Time) < life[i-1].Since(since.Time) {
					t.Fatalf("%v became %v", life[i-1].Since(since.Time), life[i].Since(since.Time))
				}
			}
		}
	})
}

func TestTheWallClockHasNoSayInAges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := lives(t)
		a, b := life[0].Time, life[len(life)-1].Time
		c := b
		c.Wall = time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "clock"), 0)
		if b.Since(a) != c.Since(a) || b.Outdated(a) != c.Outdated(a) {
			t.Fatal("it has")
		}
	})
}

// A reading is outdated by what ended later in its boot, and by nothing else.
func TestOutdated(t *testing.T) {
	at := func(boot string, up time.Duration, wall int64) Time {
		return Time{Boot: boot, Up: up, Wall: time.Unix(wall, 0)}
	}
	tests := map[string]struct {
		read, end Time
		want      bool
	}{
		"before the end":               {at("a", 5, 5), at("a", 6, 6), true},
		"after the end":                {at("a", 7, 7), at("a", 6, 6), false},
		"at the end":                   {at("a", 6, 6), at("a", 6, 6), false},
		"in the next boot":             {at("b", 1, 9), at("a", 6, 6), false},
		"in the next boot, at 1970":    {at("b", 1, 0), at("a", 6, 6), false},
		"nothing ever ended":           {at("a", 1, 1), Time{}, false},
		"the clock was set in between": {at("a", 7, 0), at("a", 6, 9), false},
	}
	for name, c := range tests {
		if got := c.read.Outdated(c.end); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAHoldLastsAtLeastItsTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := lives(t)
		h := Hold{Since: life[0].Time, For: time.Duration(rapid.Int64Range(1, int64(96*time.Hour)).Draw(t, "for"))}
		for _, m := range life {
			if h.Ended(m.Time) && m.true-life[0].true < h.For {
				t.Fatalf("a hold of %v ended after %v", h.For, m.true-life[0].true)
			}
			if until := h.Until(m.Time); !h.Ended(m.Time) && until.Up < m.Up {
				t.Fatalf("it stands, and ends at %v, which is past %v", until.Up, m.Up)
			}
		}
	})
}
