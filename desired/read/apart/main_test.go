package apart

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired/powerless"
)

// exe is what children run: this test binary, without the race detector,
// which would not bear the bounds.
var exe = "/proc/self/exe"

func TestMain(m *testing.M) {
	if Child() || misbehave() {
		return
	}
	os.Exit(runWith(m))
}

func runWith(m *testing.M) int {
	if !powerless.Raced {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "evenkeel-apart-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	exe = filepath.Join(dir, "apart.test")
	build := exec.Command("go", "test", "-c", "-o", exe, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the child: %v\n%s", err, out)
		return 1
	}
	if err := os.Chmod(dir, 0o755); err != nil { // whoever reads must reach it
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// children are started of it, and may take long where the machine has much to do.
func children() reader {
	return reader{path: exe, args: []string{"evenkeel", role}, patience: time.Minute}
}
