package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// fake is a journalctl that is a shell script.
func fake(t *testing.T, script string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "journalctl")
	if err := os.WriteFile(p, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func say(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("echo '" + l + "'\n")
	}
	return b.String()
}

func entry(unit, id, invocation, job string) string {
	s := `{"UNIT":"` + unit + `","MESSAGE_ID":"` + id + `","INVOCATION_ID":"` + invocation + `","_PID":"1"`
	if job != "" {
		s += `,"JOB_TYPE":"` + job + `"`
	}
	return s + "}"
}

// The lines are those that systemd 252 writes, newest first.
func TestStopCauses(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  map[string]state.StopCause
	}{
		{"systemctl stop", []string{
			entry("a.service", msgStopped, "i1", "stop"), entry("a.service", msgEnded, "i1", ""),
			entry("a.service", msgStopping, "i1", "stop"), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByJob}},
		{"it ended by itself", []string{
			entry("a.service", msgEnded, "i1", ""), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
		{"it failed and was forgotten", []string{
			entry("a.service", msgFailed, "i1", ""), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
		{"a oneshot, whose start is done when it has ended", []string{
			entry("a.service", msgStarted, "i1", "start"), entry("a.service", msgEnded, "i1", ""),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
		{"a stop of an earlier run does not count", []string{
			entry("a.service", msgEnded, "i2", ""), entry("a.service", msgStarted, "i2", "start"),
			entry("a.service", msgStopped, "i1", "stop"), entry("a.service", msgEnded, "i1", ""),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
		{"a restart whose second half never came", []string{
			entry("a.service", msgStopped, "i1", "restart"), entry("a.service", msgEnded, "i1", ""),
			entry("a.service", msgStopping, "i1", "stop"), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
		{"a stop that was begun and never told done", []string{
			entry("a.service", msgEnded, "i1", ""), entry("a.service", msgStopping, "i1", "stop"), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByJob}},
		{"started, and not a word of its end", []string{
			entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopNoSign}},
		{"never ran", nil, map[string]state.StopCause{}},
		{"two at once", []string{
			entry("b.service", msgStopped, "i9", "stop"), entry("a.service", msgEnded, "i1", ""),
			entry("b.service", msgEnded, "i9", ""), entry("a.service", msgStarted, "i1", "start"),
		}, map[string]state.StopCause{"a.service": state.StopByExit, "b.service": state.StopByJob}},
		{"a field that is no text", []string{
			`{"UNIT":["a.service","b.service"],"MESSAGE_ID":"` + msgStopped + `","JOB_TYPE":"stop"}`,
			entry("a.service", msgEnded, "i1", ""),
		}, map[string]state.StopCause{"a.service": state.StopByExit}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := New("c5655696-1112-493c-b818-080937df584f", Options{Path: fake(t, say(c.lines...)), Settle: time.Millisecond})
			got, err := j.StopCauses(t.Context(), []string{"a.service", "b.service"})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWaitsForALineThatMustCome(t *testing.T) {
	seen := filepath.Join(t.TempDir(), "seen")
	script := `if [ -e ` + seen + ` ]; then
echo '` + entry("a.service", msgStopped, "i1", "stop") + `'
fi
echo '` + entry("a.service", msgStarted, "i1", "start") + `'
: > ` + seen + "\n"
	got, err := New("b", Options{Path: fake(t, script)}).StopCauses(t.Context(), []string{"a.service"})
	if err != nil || got["a.service"] != state.StopByJob {
		t.Errorf("%v, %v", got, err)
	}
}

func TestHowItIsCalled(t *testing.T) {
	args := filepath.Join(t.TempDir(), "args")
	j := New("c5655696-1112-493c-b818-080937df584f", Options{Path: fake(t, `printf '%s\n' "$@" > `+args)})
	if _, err := j.StopCauses(t.Context(), []string{"a.service", `b@x\x2dy.service`}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(args)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"_BOOT_ID=c56556961112493cb818080937df584f", "_PID=1", "UNIT=a.service", `UNIT=b@x\x2dy.service`, "--lines=32", "--reverse"} {
		if !strings.Contains(string(b), want+"\n") {
			t.Errorf("%s is missing in\n%s", want, b)
		}
	}
}

// One unit that is started and stopped all the time must not hide another.
func TestCrowdedOut(t *testing.T) {
	script := `case "$*" in *UNIT=a.service*) for i in 1 2 3 4; do ` +
		`echo '` + entry("a.service", msgEnded, "i1", "") + `'; done;; *) echo '` + entry("b.service", msgEnded, "i2", "") + `';; esac`
	got, err := New("b", Options{Path: fake(t, script), Lines: 2}).StopCauses(t.Context(), []string{"a.service", "b.service"})
	want := map[string]state.StopCause{"a.service": state.StopByExit, "b.service": state.StopByExit}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, script, message string }{
		{"it fails", "echo 'no journal files' >&2; exit 1", "no journal files"},
		{"it hangs", "exec sleep 10", "deadline"},
		{"it is no JSON", "echo hello", "unexpected output"},
		{"a line without an end", "exec head -c 1000000 /dev/zero", "unexpected output"},
		{"no end of lines", `while :; do echo '{"UNIT":"a.service"}'; done`, "unexpected output"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{Path: fake(t, c.script), Timeout: 30 * time.Second}
			if c.name == "it hangs" {
				o.Timeout = 50 * time.Millisecond
			}
			_, err := New("b", o).StopCauses(t.Context(), []string{"a.service"})
			if err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("error %v, want one with %q", err, c.message)
			}
		})
	}
	_, err := New("b", Options{Path: "/nonexistent/journalctl"}).StopCauses(t.Context(), []string{"a.service"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no journalctl: %v", err)
	}
}
