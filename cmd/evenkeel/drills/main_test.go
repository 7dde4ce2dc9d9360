package drills_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the program under test, built once a run.
var binary string

func TestMain(m *testing.M) { os.Exit(runWith(m)) }

func runWith(m *testing.M) int {
	dir, err := os.MkdirTemp("", "evenkeel-drills-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "evenkeel")
	if err := build(binary, "..", "."); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// build builds packages of the module in a folder.
func build(to, in string, packages ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-o", to}, packages...)...)
	cmd.Dir, cmd.Env = in, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %q: %w\n%s", packages, err, out)
	}
	return nil
}
