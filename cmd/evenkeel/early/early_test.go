package early

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
)

func percent() int {
	is := debug.SetGCPercent(usual)
	debug.SetGCPercent(is)
	return is
}

// A start collects little garbage, what follows as much as usual; who said what he
// wants has it.
func TestStart(t *testing.T) {
	if want := os.Getenv("WANT"); want != "" { // in the process that is started below
		before := percent()
		Over()
		if after := percent(); want == "usual" && (before != 4*usual || after != usual) || want == "user" && (before != 70 || after != 70) {
			t.Errorf("at the start %d, then %d", before, after)
		}
		var m runtime.MemStats
		if runtime.ReadMemStats(&m); m.NumGC > 0 {
			t.Errorf("%d collections", m.NumGC)
		}
		return
	}
	for want, gogc := range map[string]string{"usual": "GOGC=", "user": "GOGC=70"} {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestStart$")
		cmd.Env = append(os.Environ(), "WANT="+want, gogc)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", want, err, out)
		}
	}
}
