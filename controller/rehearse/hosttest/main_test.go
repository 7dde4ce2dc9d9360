package hosttest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestTheTestsRunOnAHostOfTheirOwn(t *testing.T) {
	comm, err := os.ReadFile("/proc/1/comm")
	if err != nil || strings.TrimSpace(string(comm)) != "systemd" {
		t.Fatalf("pid 1 is %q, %v; want systemd", comm, err)
	}
	if name, err := os.Hostname(); err != nil || name != "test" {
		t.Errorf("hostname is %q, %v; want test", name, err)
	}
	out, err := exec.Command("systemctl", "is-system-running").CombinedOutput()
	if err != nil {
		t.Errorf("systemctl is-system-running: %v: %s", err, out)
	}
	if _, err := os.Stat("args.go"); err != nil {
		t.Errorf("the working folder is not the package's own: %v", err)
	}
	if err := os.WriteFile("/lab/hello", nil, 0o644); err != nil {
		t.Errorf("the share cannot be written: %v", err)
	}
}
