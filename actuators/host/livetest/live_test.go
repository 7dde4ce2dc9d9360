package livetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	switch role, _ := host.Role(os.Args); role {
	case "":
		if !hosttest.Inside() {
			build()
		}
		hosttest.Main(m)
	case "plugin":
		wire.Serve(plugin{})
	case "service":
		if err := service(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// program is the example, built outside, where there is a Go. It lies in the
// folder for caches, which the host sees.
const program = "../../../.cache/livetest/motd"

func build() {
	out, err := filepath.Abs(program)
	if err == nil {
		cmd := exec.Command("go", "build", "-o", out, ".")
		cmd.Dir = "../../../examples/actuator"
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		err = cmd.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build examples/actuator:", err)
		os.Exit(1)
	}
}

// plugin leaves a child behind, in a session of its own.
type plugin struct{}

func (plugin) Info(context.Context) (actuators.Info, error) {
	return actuators.Info{Name: "plugin", Version: "1", Verbs: []actuators.Verb{{Name: "flee", Effect: actuators.Benign, Help: "Leaves a child."}}}, nil
}

func (plugin) Apply(context.Context, actuators.Request) (actuators.Result, error) {
	c := exec.Command("/bin/sleep", "3600")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		return actuators.Result{}, err
	}
	return actuators.Result{Changed: true, Detail: strconv.Itoa(c.Process.Pid)}, nil
}

// service is an evenkeel in a unit with Delegate=yes.
func service() error {
	own := host.OwnCgroup()
	if own == "" {
		return errors.New("systemd delegated a cgroup, and OwnCgroup does not find it")
	}
	h, err := host.New([]host.Spec{{Name: "plugin", Role: "plugin"}}, host.Options{Cgroup: own})
	if err != nil {
		return err
	}
	defer h.Close()
	a, err := h.Actuator("plugin")
	if err != nil {
		return err
	}
	res, err := a.Apply(context.Background(), actuators.Request{Action: actuators.Action{Actuator: "plugin", Verb: "flee"}})
	if err != nil {
		return err
	}
	in, err := os.ReadFile("/proc/" + res.Detail + "/cgroup")
	if err != nil || !strings.Contains(string(in), "/evenkeel-plugin-plugin-") {
		return fmt.Errorf("the plugin's child is in %s, %v", in, err)
	}
	if err := h.Close(); err != nil {
		return err
	}
	if left, _ := filepath.Glob(own + "/*/cgroup.procs"); len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	if stat, err := os.ReadFile("/proc/" + res.Detail + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
		return fmt.Errorf("the child that fled lives on: %s", stat)
	}
	return nil
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// The steps of the guide, on a host with nothing but the strict rules.
func TestInstalledAsTheGuideSays(t *testing.T) {
	const path = "/usr/lib/evenkeel/actuators/motd"
	run(t, "install", "-D", "-o", "root", "-g", "root", "-m", "755", program, path)
	lines := t.TempDir()
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "chmod", "a+x", filepath.Dir(lines))
	run(t, "chown", nobody.Uid, lines)
	spec := actuatortest.Program(t, "motd", path)
	spec.User = "nobody"
	spec.Config = map[string]any{"folder": lines}
	request := actuators.Request{Action: actuators.Action{Actuator: "motd", Verb: "set", Target: "noon", Args: map[string]string{"text": "Back at noon."}}}

	apply := func(t *testing.T) error {
		t.Helper()
		h, err := host.New([]host.Spec{spec}, host.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		a, err := h.Actuator("motd")
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Apply(t.Context(), request)
		return err
	}
	if err := apply(t); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(lines, "noon"))
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := fi.Sys().(*syscall.Stat_t); !ok || fmt.Sprint(st.Uid) != nobody.Uid {
		t.Errorf("the line was not written by nobody but by %v", st.Uid)
	}

	bends := []struct{ name, bend, mend string }{
		{"folder open to the group", "chmod 775 /usr/lib/evenkeel/actuators", "chmod 755 /usr/lib/evenkeel/actuators"},
		{"parent open to all", "chmod 1777 /usr/lib/evenkeel", "chmod 755 /usr/lib/evenkeel"},
		{"folder of another user", "chown nobody /usr/lib/evenkeel", "chown root /usr/lib/evenkeel"},
		{"program of another user", "chown nobody " + path, "chown root " + path},
		{"program changed", "sh -c 'cp " + path + " /root/motd && echo >> " + path + "'", "cp /root/motd " + path},
	}
	for _, b := range bends {
		t.Run(b.name, func(t *testing.T) {
			run(t, "sh", "-c", b.bend)
			if err := apply(t); actuators.KindOf(err) != actuators.Refused {
				t.Errorf("%v", err)
			}
			run(t, "sh", "-c", b.mend)
			if err := apply(t); err != nil {
				t.Errorf("mended: %v", err)
			}
		})
	}
}

// F52: in a delegated cgroup nothing that a plugin started survives it, in
// whatever session it hides.
func TestInADelegatedCgroupNothingFlees(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "systemd-run", "--wait", "--pipe", "--unit=plugin-host", "-p", "Delegate=yes", self, "actuator-role", "service")
}

// A cgroup that belongs to systemd is not touched.
func TestWithoutDelegationThereIsNoCgroup(t *testing.T) {
	if got := host.OwnCgroup(); got != "" {
		t.Errorf("got %q in a cgroup that nobody delegated", got)
	}
}
