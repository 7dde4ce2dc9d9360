package host

import (
	"testing"
	"time"
)

func TestCrashesAreBackedOffAndThenQuarantined(t *testing.T) {
	o := Options{Crashes: 4}.withDefaults()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var got tally
	steps := []struct {
		uptime      time.Duration
		wait        time.Duration
		quarantined bool
	}{
		{0, time.Second, false},
		{time.Minute, 2 * time.Second, false},
		{calm, time.Second, false}, // it ran well for a while: a clean slate
		{0, 2 * time.Second, false},
		{0, 4 * time.Second, false},
		{0, time.Hour, true},
		{0, time.Hour, true}, // tried once after the hour, and it crashed again
		{calm, time.Second, false},
	}
	for i, s := range steps {
		got.crash(now, s.uptime, o)
		if got.wait(now) != s.wait || got.quarantined != s.quarantined {
			t.Errorf("crash %d: wait %v quarantined %v, want %v %v", i+1, got.wait(now), got.quarantined, s.wait, s.quarantined)
		}
		now = got.until
		if got.wait(now) > 0 {
			t.Errorf("crash %d: not allowed at %v", i+1, now)
		}
	}
}

func TestTheBackoffHasAnEnd(t *testing.T) {
	o := Options{Crashes: 1000}.withDefaults()
	now := time.Unix(0, 0)
	var got tally
	for range 100 {
		got.crash(now, 0, o)
	}
	if got.wait(now) != maxBackoff {
		t.Errorf("after 100 crashes: %v, want %v", got.wait(now), maxBackoff)
	}
}
