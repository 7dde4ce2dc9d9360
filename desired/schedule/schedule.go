package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is a cron expression in a time zone. The zero Schedule never fires;
// make one with Parse.
type Schedule struct {
	minutes, hours, days, months, weekdays uint64 // a bit each that fires
	either                                 bool   // day or weekday is enough; else both must fit
	zone                                   *time.Location
}

// maxExpression bounds what is parsed, in bytes; real ones have some twenty.
const maxExpression = 1000

// howTo is what an error about an expression ends with.
const howTo = `write five fields like "0 6 * * 5" (minute, hour, day, month, weekday)`

// star is the bit with which the parser marks a field that is not restricted.
const star = 1 << 63

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// Parse reads a cron expression and the name of an IANA time zone; none is UTC.
// An error says what is wrong with either.
func Parse(expression, zone string) (Schedule, error) {
	loc, err := Zone(zone)
	if err != nil {
		return Schedule{}, err
	}
	switch {
	case len(expression) > maxExpression:
		return Schedule{}, fmt.Errorf("a schedule of %d characters; at most %d are read", len(expression), maxExpression)
	case strings.Contains(expression, "="):
		return Schedule{}, errors.New("a schedule names no time zone; write it as timeZone")
	case strings.HasPrefix(expression, "@every"):
		return Schedule{}, errors.New("@every has no place on a calendar; " + howTo)
	case strings.ContainsFunc(expression, foreign):
		return Schedule{}, fmt.Errorf("%.60q is not a schedule; %s", expression, howTo)
	}
	parsed, err := parser.Parse(expression)
	if err != nil {
		return Schedule{}, fmt.Errorf("%.60q is not a schedule (%w); %s", expression, err, howTo)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("%q is no time of a calendar", expression)
	}
	s := Schedule{
		minutes: spec.Minute, hours: spec.Hour, days: spec.Dom, months: spec.Month, weekdays: spec.Dow,
		either: spec.Dom&star == 0 && spec.Dow&star == 0, zone: loc,
	}
	if !s.possible() {
		return Schedule{}, fmt.Errorf("%q never comes: no month that it names has such a day", expression)
	}
	return s, nil
}

// foreign tells what stands in no cron expression.
func foreign(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && !strings.ContainsRune(" \t*/,?-@", r)
}

// possible tells whether some year has a day that fits.
func (s Schedule) possible() bool {
	if s.weekdays&star == 0 {
		return true // a weekday comes in every month, and it is enough
	}
	for m, days := range longest {
		if has(s.months, m+1) && s.days&(1<<(days+1)-1)&^1 != 0 {
			return true
		}
	}
	return false
}

// longest is how many days a month has at most.
var longest = [12]int{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// fits tells whether a date is one of the schedule's.
func (s Schedule) fits(month time.Month, day int, weekday time.Weekday) bool {
	if !has(s.months, int(month)) {
		return false
	}
	if s.either {
		return has(s.days, day) || has(s.weekdays, int(weekday))
	}
	return has(s.days, day) && has(s.weekdays, int(weekday))
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }
