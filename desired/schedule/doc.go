// Package schedule tells when a cron expression fires: the last time before an
// instant, and the next one after it.
//
// The expression is crontab's: five fields (minute, hour, day of the month,
// month, day of the week), without seconds, or one of @hourly, @daily (also
// @midnight), @weekly, @monthly and @yearly (also @annually). @every has no
// place on a calendar and is refused. Where day of the month and day of the week
// are both restricted, either is enough, as in every cron. Sunday is 0. A date
// that never comes, such as 30 February, is an error.
//
// Times are those of a clock on the wall in an IANA time zone; without one, in
// UTC. Zones are taken from the host, and where it has none from a copy in the
// program. When the clock on the wall is set, the rules are:
//
//   - A time that the clock skips fires at the moment at which it is set forward.
//     Several that it skips fire together, once.
//   - A time that the clock shows twice fires once, the first time.
//
// Both are one rule: what is scheduled for a time fires as soon as the clock
// first shows that time or a later one.
//
// The package is pure: what it returns depends on its arguments and the time
// zones alone. It imports robfig/cron for its parser only, whose way through
// time has other rules.
package schedule
