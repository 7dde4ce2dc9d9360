package examples

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/desired"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	os.Exit(m.Run())
}

// on runs a shell line on a host.
func on(t *testing.T, h *rehearse.Host, line string) (string, error) {
	t.Helper()
	out, err := h.Command(t.Context(), "/bin/sh", "-c", line).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// install puts on a host what a service declares, without any of evenkeel.
func install(t *testing.T, h *rehearse.Host, set *desired.Set) {
	t.Helper()
	for _, s := range set.Services {
		all := append(append([]desired.Artifact{}, s.DropIns...), s.Files...)
		if s.UnitFile != nil {
			all = append(all, *s.UnitFile)
		}
		for _, a := range all {
			path := filepath.Join(h.Root(), a.Path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, a.Content, os.FileMode(a.Mode)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := on(t, h, "systemctl daemon-reload"); err != nil {
		t.Fatal(err, out)
	}
}

// The unit files, the hardening in them, the program and its checks of real
// dependencies work on a real host, in the order that dependsOn gives.
func TestTheEstateRunsOnARealHost(t *testing.T) {
	layer, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	h := hosttest.Boot(t, rehearse.Options{Name: "estate", Layers: []string{layer}})
	for _, name := range []string{"service", "meilisearch"} {
		program := filepath.Join(h.Root(), "usr/local/lib/pakashop", name)
		build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(t.TempDir(), name), "./pakashop/"+name)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatal(err, string(out))
		}
		b, err := os.ReadFile(build.Args[3])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	set := load(t, "pakashop", "")
	install(t, h, set)
	for _, s := range set.Services {
		if s.Spec.State == desired.Stopped {
			continue
		}
		if out, err := on(t, h, "systemctl start "+s.Units[0]); err != nil {
			why, _ := on(t, h, "journalctl --no-pager -n 20 -u "+s.Units[0])
			t.Errorf("start %s: %v: %s\n%s", s.Name, err, out, why)
		}
	}
	for _, s := range set.Services {
		if s.UnitFile == nil || s.Spec.Ports["http"] == 0 || s.Labels["tier"] == "platform" {
			continue
		}
		ready := get(t, h, s.Spec.Ports["http"], "/health/ready")
		if !strings.Contains(ready, `"status":"ready"`) {
			t.Errorf("%s is not ready: %s", s.Name, ready)
		}
		if health := get(t, h, s.Spec.Ports["http"], "/health"); !strings.Contains(health, `"service":"`+s.Name+`"`) {
			t.Errorf("%s says %s", s.Name, health)
		}
	}
	if out, err := on(t, h, "systemctl stop redis-server"); err != nil {
		t.Fatal(err, out)
	}
	if ready := get(t, h, 3001, "/health/ready"); !strings.Contains(ready, `"redis":"connection refused"`) {
		t.Errorf("Redis is stopped, and the backend says %s", ready)
	}
}

func get(t *testing.T, h *rehearse.Host, port int, path string) string {
	t.Helper()
	line := "exec 3<>/dev/tcp/127.0.0.1/" + itoa(port) + ` && printf 'GET ` + path + ` HTTP/1.0\r\n\r\n' >&3 && cat <&3`
	var out bytes.Buffer
	cmd := h.Command(t.Context(), "bash", "-c", line)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return err.Error() + ": " + out.String()
	}
	return out.String()
}
