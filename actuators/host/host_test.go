package host

import (
	"bytes"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// folder is short: a socket's path has at most 107 bytes.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "host-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func hosting(t *testing.T, o Options, specs ...Spec) *Host {
	t.Helper()
	if o.Folder == "" {
		o.Folder = folder(t)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	o.Scratch = true
	h, err := New(specs, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func good(t *testing.T, o Options) (*Host, *plugin) {
	h := hosting(t, o, Spec{Name: "good", Role: "good"})
	return h, h.plugins["good"]
}

func do(verb string, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: "good", Verb: verb}}
	if len(args) > 0 {
		r.Args = map[string]string{"file": args[0]}
	}
	return r
}

// detail applies a verb that must work and returns what it says.
func detail(t *testing.T, p *plugin, verb string) string {
	t.Helper()
	res, err := p.Apply(t.Context(), do(verb))
	if err != nil {
		t.Fatalf("%s: %v", verb, err)
	}
	return res.Detail
}

// dead waits until a process is gone, or a zombie that nobody buries.
func dead(t *testing.T, pid int) {
	t.Helper()
	for ctx := t.Context(); ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return
		}
		if _, after, _ := bytes.Cut(stat, []byte(") ")); bytes.HasPrefix(after, []byte("Z")) || bytes.HasPrefix(after, []byte("X")) {
			return
		}
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAPluginIsStartedWhenItIsNeededAndStoppedWhenItIsIdle(t *testing.T) {
	h, p := good(t, Options{Idle: 20 * time.Millisecond})
	if s := h.Status()[0]; s.State != "stopped" || s.PID != 0 {
		t.Errorf("before the first call: %+v", s)
	}
	pid := number(t, detail(t, p, "pid"))
	dead(t, pid)
	if again := number(t, detail(t, p, "pid")); again == pid {
		t.Errorf("after it was idle the same process answered")
	}
	if s := h.Status()[0]; s.Crashes != 0 || s.Error != "" {
		t.Errorf("being idle counts as a crash: %+v", s)
	}
}

func TestOneProcessServesManyCalls(t *testing.T) {
	_, p := good(t, Options{})
	var wg sync.WaitGroup
	pids := make([]string, 16)
	for i := range pids {
		wg.Go(func() {
			res, err := p.Apply(t.Context(), do("pid"))
			if err != nil {
				t.Error(err)
			}
			pids[i] = res.Detail
		})
	}
	wg.Wait()
	for _, pid := range pids {
		if pid != pids[0] {
			t.Errorf("%v: more than one process", pids)
			break
		}
	}
}

func TestAPluginGetsItsConfig(t *testing.T) {
	h := hosting(t, Options{}, Spec{Name: "good", Role: "good", Config: map[string]any{"colour": "green"}})
	if got := detail(t, h.plugins["good"], "config"); got != "green" {
		t.Errorf("got %q", got)
	}
}

func TestWhatAPluginNeverPromisedIsRefusedWithoutAskingIt(t *testing.T) {
	_, p := good(t, Options{})
	_, err := p.Apply(t.Context(), do("format-disk"))
	if actuators.KindOf(err) != actuators.Invalid {
		t.Errorf("%v", err)
	}
}

func TestAfterClose(t *testing.T) {
	h, p := good(t, Options{})
	detail(t, p, "pid")
	h.Close()
	if err := h.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := p.Info(t.Context()); actuators.KindOf(err) != actuators.Unavailable {
		t.Errorf("%v", err)
	}
}

func TestCloseDuringAStartDoesNotWaitForIt(t *testing.T) {
	h := hosting(t, Options{StartTimeout: time.Hour, CallTimeout: time.Hour}, Spec{Name: "silent", Role: "silent"})
	done := make(chan error, 1)
	go func() {
		_, err := h.plugins["silent"].Info(t.Context())
		done <- err
	}()
	for h.Status()[0].State != "starting" {
		time.Sleep(time.Millisecond)
	}
	h.Close()
	if err := <-done; actuators.KindOf(err) != actuators.Unavailable {
		t.Errorf("%v: %v", actuators.KindOf(err), err)
	}
}

func TestWrongSpecsAreAllNamed(t *testing.T) {
	sum := strings.Repeat("0", 64)
	_, err := New([]Spec{
		{Name: "Upper", Role: "r"},
		{Name: "nothing"},
		{Name: "both", Path: "/p", SHA256: sum, Role: "r"},
		{Name: "relative", Path: "p", SHA256: sum},
		{Name: "no-sum", Path: "/p"},
		{Name: "config", Role: "r", Config: map[string]any{"x": strings.Repeat("x", maxConfig)}},
		{Name: "twice", Role: "r"},
		{Name: "twice", Role: "r"},
	}, Options{Folder: folder(t)})
	for _, want := range []string{
		`actuator "Upper": the name must be`, "actuator nothing: give a path or a role", "actuator both: give a path or a role",
		`actuator relative: path "p": must be absolute`, `actuator no-sum: sha256 "": must be 64 hexadecimal digits: run sha256sum /p`,
		"actuator config: config of", "actuator twice: declared twice",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := New(nil, Options{Folder: "/" + strings.Repeat("x", 100)}); err == nil || !strings.Contains(err.Error(), "short path") {
		t.Errorf("a long folder: %v", err)
	}
}

func TestActuatorNamesThoseThatThereAre(t *testing.T) {
	h := hosting(t, Options{}, Spec{Name: "a", Role: "good"}, Spec{Name: "b", Role: "good"})
	if _, err := h.Actuator("c"); actuators.KindOf(err) != actuators.NotFound || !strings.Contains(err.Error(), "there are: a, b") {
		t.Errorf("%v", err)
	}
	if _, err := h.Actuator("a"); err != nil {
		t.Error(err)
	}
}
