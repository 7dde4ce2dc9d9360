// Package live_test drives the real binary on real disposable hosts, from
// outside, as an operator would: it writes YAML, breaks things by hand, and
// reads what the command line says. It imports nothing of evenkeel but the
// hosts, so that it can only rely on what is a contract, and the judge of the
// records that are left (judge_test.go).
package live_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// binary is the program under test, built once a run.
var binary string

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	os.Exit(runWith(m))
}

func runWith(m *testing.M) int {
	dir, err := os.MkdirTemp("", "evenkeel-live-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "evenkeel")
	build := exec.Command("go", "build", "-o", binary, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build evenkeel: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
