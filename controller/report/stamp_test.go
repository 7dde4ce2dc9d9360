package report

import (
	"encoding/json"
	"testing"
	"time"
)

func TestStampIsUTCToTheMillisecondOrNull(t *testing.T) {
	lusaka := time.FixedZone("CAT", 2*3600)
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "null"},
		{noon, `"2026-11-23T12:00:00Z"`},
		{noon.In(lusaka), `"2026-11-23T12:00:00Z"`},
		{noon.Add(1234567 * time.Nanosecond), `"2026-11-23T12:00:00.001Z"`},
	} {
		b, err := json.Marshal(At(c.at))
		if err != nil || string(b) != c.want {
			t.Errorf("At(%v) is %s, %v, want %s", c.at, b, err, c.want)
		}
		var back Stamp
		if err := json.Unmarshal(b, &back); err != nil || back != At(c.at) {
			t.Errorf("%s is read as %v, %v", b, back, err)
		}
	}
	var s Stamp
	if json.Unmarshal([]byte(`"yesterday"`), &s) == nil {
		t.Error("yesterday was read as a time")
	}
}

func TestSpan(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": -time.Second, "59s": 59 * time.Second, "1m": time.Minute, "1m1s": 61 * time.Second, "2h": 2 * time.Hour,
		"3h12m": 3*time.Hour + 12*time.Minute + 5*time.Second, "1d": 24 * time.Hour, "9d1h": 9*24*time.Hour + time.Hour,
	} {
		if got := span(d); got != want {
			t.Errorf("span(%s) = %s, want %s", d, got, want)
		}
	}
}

func TestTimesForPeople(t *testing.T) {
	for _, c := range []struct {
		name, got, want string
	}{
		{"later today", At(noon.Add(time.Hour)).until(noon), "until 13:00:00 UTC (1h)"},
		{"another day", At(noon.Add(36 * time.Hour)).until(noon), "until 2026-11-25 00:00:00 UTC (1d12h)"},
		{"over already", At(noon.Add(-time.Hour)).until(noon), "until 11:00:00 UTC"},
		{"without a now", At(noon).until(time.Time{}), "until 2026-11-23 12:00:00 UTC"},
		{"for how long", At(noon.Add(-90 * time.Second)).ago(noon), "1m30s"},
		{"since when", At(noon).ago(time.Time{}), "2026-11-23T12:00:00Z"},
		{"never", Stamp{}.ago(noon), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
