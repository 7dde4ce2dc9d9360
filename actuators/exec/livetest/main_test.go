package livetest

import (
	"encoding/json"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/exec"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	if _, ok := host.Role(os.Args); ok {
		var c struct {
			State string `json:"state"`
		}
		if err := wire.Config(&c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		wire.Serve(exec.New(exec.Options{Version: "1", State: c.State}))
		return
	}
	hosttest.MainWith(m, rehearse.Options{Name: "exec"})
}

// program writes a script of root's that everybody may run.
func program(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join("/usr/local/bin", name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	return path
}

// folder is one that everybody may write in.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "exec-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// run is a request to run a program as a user.
func run(user, program string, args ...string) actuators.Request {
	argv, err := json.Marshal(append([]string{}, args...))
	if err != nil {
		panic(err)
	}
	return actuators.Request{
		Action:  actuators.Action{Actuator: exec.Name, Verb: "run", Target: program, Args: map[string]string{"argv": string(argv)}},
		Content: fmt.Appendf(nil, `{"user":%q}`, user),
	}
}

func within(d string, r actuators.Request) actuators.Request {
	r.Args["timeout"] = d
	return r
}

func newActuator(t testing.TB) *exec.Actuator {
	return exec.New(exec.Options{Version: "1", State: filepath.Join(folder(t), "state")})
}

func text(path string) string {
	b, _ := os.ReadFile(path)
	return string(b)
}

// processes lists those whose command line holds a word.
func processes(t testing.TB, word string) (all []string) {
	t.Helper()
	out, err := osexec.Command("ps", "-eo", "pid=,args=").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, word) {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

// until polls for what must come.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// units lists the services of the actuator that systemd knows.
func units(t testing.TB) string {
	t.Helper()
	out, err := osexec.Command("systemctl", "list-units", "--all", "--plain", "--no-legend", "evenkeel-exec-*").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
