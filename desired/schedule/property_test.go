package schedule_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pakashop/evenkeel/desired/schedule"
)

// drawn is a schedule of a random expression in a random zone.
func drawn(t *rapid.T) schedule.Schedule {
	field := func(name string, low, high int) string {
		n := rapid.IntRange(low, high)
		switch rapid.IntRange(0, 4).Draw(t, name+" is") {
		case 0:
			return fmt.Sprint(n.Draw(t, name))
		case 1:
			a, b := n.Draw(t, name), n.Draw(t, name)
			return fmt.Sprintf("%d-%d", min(a, b), max(a, b))
		case 2:
			return fmt.Sprintf("*/%d", rapid.IntRange(1, high).Draw(t, name))
		}
		return "*"
	}
	expression := fmt.Sprint(field("minute", 0, 59), " ", field("hour", 0, 23), " ", field("day", 1, 28), " ", field("month", 1, 12), " ", field("weekday", 0, 6))
	zone := rapid.SampledFrom([]string{
		"", "Africa/Lusaka", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Antarctica/Troll",
	}).Draw(t, "zone")
	s, err := schedule.Parse(expression, zone)
	if err != nil {
		t.Fatalf("%s %s: %v", expression, zone, err)
	}
	return s
}

func TestNextAndLastAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawn(t)
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 0)
		last, next := s.Last(at), s.Next(at)
		switch {
		case last.After(at) || !next.After(at):
			t.Fatalf("at %s: last %s, next %s", at.UTC(), last, next)
		case !s.Last(next).Equal(next):
			t.Fatalf("it fires at %s, and the last time then is %s", next, s.Last(next))
		case !s.Next(last).Equal(next):
			t.Fatalf("between %s and %s it fires at %s", last, next, s.Next(last))
		case !s.Last(next.Add(-time.Nanosecond)).Equal(last):
			t.Fatalf("just before %s the last is %s, and it was %s", next, s.Last(next.Add(-time.Nanosecond)), last)
		}
	})
}

// What is scheduled for a time fires when the clock on the wall first shows it
// or a later one: told from the definition, minute by minute.
func TestFiresWhenTheClockFirstShowsTheTime(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"} {
		loc, err := schedule.Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		s := parse(t, "*/15 1-3 * * *", zone)
		begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		var want []time.Time
		highest := begin.In(loc).Format("2006-01-02 15:04")
		for at := begin; at.Before(begin.AddDate(0, 9, 0)); at = at.Add(time.Minute) {
			shown := at.In(loc).Format("2006-01-02 15:04")
			if shown > highest && due(highest, shown) {
				want = append(want, at)
			}
			highest = max(highest, shown)
		}
		at := begin
		for _, w := range want {
			if at = s.Next(at); !at.Equal(w) {
				t.Fatalf("%s: it fires at %s, want %s", zone, at, w.In(loc))
			}
		}
	}
}

// due tells whether a quarter of an hour from 1:00 to 3:45 lies after one
// reading of the clock and not after another.
func due(before, shown string) bool {
	at, _ := time.Parse("2006-01-02 15:04", before)
	end, _ := time.Parse("2006-01-02 15:04", shown)
	for at = at.Add(time.Minute); !at.After(end); at = at.Add(time.Minute) {
		if at.Minute()%15 == 0 && at.Hour() >= 1 && at.Hour() <= 3 {
			return true
		}
	}
	return false
}

// Whatever is written is refused or fires within nine years; nothing hangs.
func FuzzParse(f *testing.F) {
	for _, e := range []string{"0 0 30 2 *", "0 0 29 2 *", "@daily", "*/9223372036854775807 * * * *", "0-59/7 1,2 ? JAN-mar mon", "TZ=UTC * * * * *", "0 0 31 2-4/2 *"} {
		f.Add(e, "Europe/Berlin", int64(1.8e9))
	}
	f.Fuzz(func(t *testing.T, expression, zone string, at int64) {
		s, err := schedule.Parse(expression, zone)
		if err != nil {
			return
		}
		now := time.Unix(at%4e9, 0)
		if next := s.Next(now); !next.After(now) || next.After(now.AddDate(9, 0, 0)) {
			t.Errorf("%q in %q after %s: %s", expression, zone, now, next)
		}
		if last := s.Last(now); last.IsZero() || last.After(now) || last.Before(now.AddDate(-9, 0, 0)) {
			t.Errorf("%q in %q before %s: %s", expression, zone, now, last)
		}
	})
}

func BenchmarkLast(b *testing.B) {
	s := parse(b, "0 22 * * *", "Europe/Berlin")
	at := instant(b, "2026-11-23T02:00:00Z")
	for b.Loop() {
		s.Last(at)
	}
}
