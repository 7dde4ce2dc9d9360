// Package crash_test proves on a real systemd what evenkeel promises when the
// process dies, and when the world changes, between any two moments of its
// work. It builds the binary with the tag failpoints, runs it inside a
// disposable host, kills or stops it at each enumerated point, and lets it go
// on. What came of it is read from outside: unit files that write down each
// start and stop, inotify on what evenkeel writes, and a monitor on the message
// bus. Only the record is read with evenkeel's own code.
package crash_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// binary is evenkeel with failpoints, as the host sees it.
const binary = "/lab/evenkeel"

func TestMain(m *testing.M) {
	hosttest.MainWith(m, rehearse.Options{Name: "crash"}, build)
}

func build(share string) error {
	cmd := exec.Command("go", "build", "-tags", "failpoints", "-o", filepath.Join(share, filepath.Base(binary)), "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build evenkeel with failpoints: %w\n%s", err, out)
	}
	return nil
}
