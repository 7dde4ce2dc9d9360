package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired/schedule"
)

func parse(t testing.TB, expression, zone string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expression, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func instant(t testing.TB, rfc3339 string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Each case lists all fire times between two instants, in UTC.
func TestFireTimes(t *testing.T) {
	cases := []struct {
		name, expression, zone string
		from, to               string
		want                   []string
	}{
		{
			"no zone is UTC", "30 6 * * *", "", "2026-03-01T00:00:00Z", "2026-03-02T23:00:00Z",
			[]string{"2026-03-01T06:30:00Z", "2026-03-02T06:30:00Z"},
		},
		{
			"Lusaka has no summer time", "0 22 * * *", "Africa/Lusaka", "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z",
			[]string{"2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z"},
		},
		{
			"Fridays in Lusaka", "0 6 * * 5", "Africa/Lusaka", "2026-11-01T00:00:00Z", "2026-11-15T00:00:00Z",
			[]string{"2026-11-06T04:00:00Z", "2026-11-13T04:00:00Z"},
		},
		{
			"Berlin skips 2:30: at the jump", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		},
		{
			"Berlin skips six times of an hour: once", "*/10 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z",
			[]string{"2026-03-29T01:00:00Z"},
		},
		{
			"Berlin skips an hour of every hour: none is lost, none doubled", "0 * * * *", "Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:30:00Z",
			[]string{"2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T03:00:00Z"},
		},
		{
			"Berlin shows 2:30 twice: the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z",
			[]string{"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		},
		{
			"Berlin shows an hour twice: every hour by the clock on the wall", "0 * * * *", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T03:30:00Z",
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"},
		},
		{
			"New York skips 2:15", "15 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-10T00:00:00Z",
			[]string{"2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"},
		},
		{
			"New York shows 1:15 twice", "15 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z",
			[]string{"2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"},
		},
		{
			"Lord Howe skips half an hour", "0,15,30,45 2 * * *", "Australia/Lord_Howe", "2026-10-03T15:00:00Z", "2026-10-03T18:00:00Z",
			[]string{"2026-10-03T15:30:00Z", "2026-10-03T15:45:00Z"}, // 2:00 and 2:15 are skipped; 2:30 is the jump
		},
		{
			"Lord Howe shows half an hour twice", "0,15,30,45 1 * * *", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T18:00:00Z",
			[]string{"2026-04-04T14:00:00Z", "2026-04-04T14:15:00Z", "2026-04-04T14:30:00Z", "2026-04-04T14:45:00Z"},
		},
		{
			"Apia skipped a whole day", "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T20:00:00Z",
			[]string{"2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"},
		},
		{
			"the last day of a leap year, far ahead", "0 12 31 12 *", "America/New_York", "2048-12-30T00:00:00Z", "2049-01-02T00:00:00Z",
			[]string{"2048-12-31T17:00:00Z"},
		},
		{
			"29 February", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2033-01-01T00:00:00Z",
			[]string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"},
		},
		{
			"2100 has no 29 February", "0 0 29 2 *", "", "2095-01-01T00:00:00Z", "2105-01-01T00:00:00Z",
			[]string{"2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"},
		},
		{
			"the 31st, where there is one", "0 0 31 * *", "", "2026-01-15T00:00:00Z", "2026-06-01T00:00:00Z",
			[]string{"2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"},
		},
		{
			"a day of the month or of the week", "0 0 13 * FRI", "", "2026-02-10T00:00:00Z", "2026-02-25T00:00:00Z",
			[]string{"2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"},
		},
		{
			"@monthly", "@monthly", "Africa/Lusaka", "2026-02-10T00:00:00Z", "2026-04-01T00:00:00Z",
			[]string{"2026-02-28T22:00:00Z", "2026-03-31T22:00:00Z"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, c.expression, c.zone)
			var got []string
			end := instant(t, c.to)
			for at := s.Next(instant(t, c.from)); !at.After(end); at = s.Next(at) {
				got = append(got, at.UTC().Format(time.RFC3339))
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("forwards %q, want %q", got, c.want)
			}
			got = nil
			begin := instant(t, c.from)
			for at := s.Last(end); at.After(begin); at = s.Last(at.Add(-time.Nanosecond)) {
				got = append([]string{at.UTC().Format(time.RFC3339)}, got...)
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("backwards %q, want %q", got, c.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	at := instant(t, "2026-05-14T10:20:30Z") // a Thursday
	for name, want := range map[string]string{
		"@hourly": "2026-05-14T11:00:00Z", "@daily": "2026-05-15T00:00:00Z", "@midnight": "2026-05-15T00:00:00Z",
		"@weekly": "2026-05-17T00:00:00Z", "@monthly": "2026-06-01T00:00:00Z", "@yearly": "2027-01-01T00:00:00Z", "@annually": "2027-01-01T00:00:00Z",
	} {
		if got := parse(t, name, "").Next(at).Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ expression, zone, want string }{
		"30 February":          {"0 0 30 2 *", "", "never comes"},
		"31 of short months":   {"0 0 31 4,6,9,11 *", "", "never comes"},
		"seconds":              {"0 0 0 * * *", "", "expected exactly 5 fields"},
		"four fields":          {"0 0 * *", "", "expected exactly 5 fields"},
		"nothing":              {"", "", "empty"},
		"@every":               {"@every 1h", "", "no place on a calendar"},
		"another @":            {"@fortnightly", "", "unrecognized"},
		"a zone in it":         {"TZ=UTC 0 0 * * *", "", "timeZone"},
		"a zone and no more":   {"CRON_TZ=UTC", "", "timeZone"},
		"minute 60":            {"60 0 * * *", "", "above maximum"},
		"weekday 7":            {"0 0 * * 7", "", "above maximum"},
		"a range backwards":    {"0 22-6 * * *", "", "beyond end"},
		"a word":               {"0 0 L * *", "", "failed to parse"},
		"a sentence":           {"every day, at six", "", "not a schedule"},
		"a control character":  {"0 0 * * \x1b", "", "not a schedule"},
		"far too long":         {strings.Repeat("0,", 1000) + "0 0 * * *", "", "at most"},
		"a zone of no country": {"0 0 * * *", "Africa/Atlantis", "not known"},
		"the host's own zone":  {"0 0 * * *", "Local", "another on each host"},
		"a path":               {"0 0 * * *", "../../etc/passwd", "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schedule.Parse(c.expression, c.zone)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTheZeroScheduleNeverFires(t *testing.T) {
	var s schedule.Schedule
	at := instant(t, "2026-05-14T10:20:30Z")
	if next, last := s.Next(at), s.Last(at); !next.IsZero() || !last.IsZero() {
		t.Errorf("it does: %s, %s", next, last)
	}
}
