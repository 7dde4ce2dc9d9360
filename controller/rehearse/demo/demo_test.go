package demo

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	os.Exit(m.Run())
}

// built is the binary that the demo shows.
func built(t *testing.T) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "evenkeel")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", to, "../../../cmd/evenkeel")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build evenkeel: %v: %s", err, out)
	}
	return to
}

// `make demo` shows that all heals. This shows that the demo would tell if
// something did not: a reason that no step gives is waited for in vain.
func TestWhatDoesNotHealFailsTheDemo(t *testing.T) {
	all := breakages()
	wrong := all[0]
	wrong.reasons = []string{"NoSuchReason"}
	var out bytes.Buffer
	err := Run(t.Context(), Options{
		Out: &out, Evenkeel: built(t), Examples: "../../../examples", Patience: 20 * time.Second,
		breaks: []breakage{all[1], wrong},
	})
	if err == nil || !strings.Contains(err.Error(), "a service is killed: healed within 20s: history has no step with reason NoSuchReason") {
		t.Errorf("the demo says %v", err)
	}
	for _, want := range []string{
		"26 services, from nothing to healthy in",
		"file write  UnitFileDrift  done",
		"FAILED: a service is killed",
		"# journalctl --no-pager -n 30 -u evenkeel",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestWithoutTheExamplesTheDemoSaysSo(t *testing.T) {
	err := Run(t.Context(), Options{Examples: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "it takes a clone's examples folder") {
		t.Errorf("the demo says %v", err)
	}
}
