package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// told is a line of PID 1 about a job, so many seconds after the boot.
func told(unit, message, invocation, kind string, job, second int) string {
	return fmt.Sprintf(`{"UNIT":"%s","MESSAGE_ID":"%s","INVOCATION_ID":"%s","JOB_TYPE":"%s","JOB_ID":"%d","__MONOTONIC_TIMESTAMP":"%d000000"}`,
		unit, message, invocation, kind, job, second)
}

// The lines are those that systemd 252 writes, newest first. The numbers of one
// transaction are far apart: what is required gets its own before what conflicts.
func TestStoppedFor(t *testing.T) {
	ran := told("a.service", msgStarted, "i1", "start", 53, 100)
	stopping := told("a.service", msgStopping, "i1", "stop", 115, 900)
	stopped := told("a.service", msgStopped, "i1", "stop", 115, 901)
	for _, c := range []struct {
		name  string
		lines []string
		job   uint32 // that foe.service has queued
		want  string
	}{
		{"the other one was started", []string{told("foe.service", msgStarted, "f1", "start", 84, 901), stopped, stopping, ran}, 0, "foe.service"},
		{"it began, and is not done", []string{stopped, told("foe.service", msgStarting, "f1", "start", 84, 900), stopping, ran}, 0, "foe.service"},
		{"it failed", []string{told("foe.service", msgNotStarted, "f1", "start", 84, 901), stopped, stopping, ran}, 0, "foe.service"},
		{"it waits for the stop", []string{stopping, ran}, 84, "foe.service"},
		{"how it had been started is forgotten", []string{told("foe.service", msgStarted, "f1", "start", 84, 901), stopped}, 0, "foe.service"},
		{"its start was cut off", []string{stopped, told("foe.service", msgStarting, "f1", "start", 84, 900), stopping, told("a.service", msgStarting, "i1", "start", 53, 899)}, 0, "foe.service"},
		{"its start was cut off by hand, the other one ran before it", []string{stopped, stopping, told("a.service", msgStarting, "i1", "start", 90, 899), told("foe.service", msgStarting, "f1", "start", 84, 890)}, 0, ""},
		{"the nearest of two", []string{told("foe.service", msgStarted, "f1", "start", 84, 901), told("war.service", msgStarted, "w1", "start", 60, 901), stopped, ran}, 0, "foe.service"},
		{"by hand, and nothing else", []string{stopped, stopping, ran}, 0, ""},
		{"by hand, then the other one", []string{told("foe.service", msgStarted, "f1", "start", 116, 901), stopped, stopping, ran}, 0, ""},
		{"by hand, and the other one waits", []string{stopping, ran}, 116, ""},
		{"the other one ran before it", []string{stopped, stopping, ran, told("foe.service", msgStarted, "f1", "start", 20, 99)}, 0, ""},
		{"the other one ran beside it, when they were no rivals", []string{stopped, stopping, told("foe.service", msgStarted, "f1", "start", 84, 400), ran}, 0, ""},
		{"the other one was stopped, too", []string{stopped, told("foe.service", msgStopped, "f1", "stop", 114, 901), stopping, ran}, 0, ""},
		{"the stop was of an earlier run", []string{told("a.service", msgStarted, "i2", "start", 120, 950), told("foe.service", msgStarted, "f1", "start", 84, 901), stopped, stopping, ran}, 0, ""},
		{"somebody else's start", []string{told("b.service", msgStarted, "b1", "start", 84, 901), stopped, stopping, ran}, 0, ""},
		{"numbers that are none", []string{`{"UNIT":"foe.service","MESSAGE_ID":"` + msgStarted + `","JOB_ID":"x"}`, stopped, ran}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := New("b", Options{Path: fake(t, say(c.lines...)), Settle: time.Millisecond})
			rivals := map[string]map[string]uint32{"a.service": {"foe.service": c.job, "war.service": 0}}
			got, err := j.StoppedFor(t.Context(), rivals)
			if err != nil || got["a.service"] != c.want {
				t.Errorf("%v, %v, want %q", got, err, c.want)
			}
		})
	}
}

// What was started before a unit was stopped, while it ran: the nearest first.
func TestStartedBefore(t *testing.T) {
	lines := []string{
		told("late.service", msgStarted, "l1", "start", 116, 902),
		told("a.service", msgStopped, "i1", "stop", 115, 901),
		told("near.service", msgStarted, "n1", "start", 114, 901),
		told("near.service", msgStarting, "n1", "start", 114, 900),
		told("a.service", msgStopping, "i1", "stop", 115, 900),
		told("far.service", msgNotStarted, "f1", "start", 84, 899),
		told("old.service", msgStarted, "o1", "start", 70, 300),
		told("a.service", msgStarted, "i1", "start", 53, 100),
		told("earlier.service", msgStarted, "e1", "start", 20, 99),
	}
	j := New("b", Options{Path: fake(t, say(lines...))})
	got, err := j.StartedBefore(t.Context(), []string{"a.service", "runs.service"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string][]string{"a.service": {"near.service", "far.service"}}, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
