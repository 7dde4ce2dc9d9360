package host

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire"
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

// freeze stops a process, and waits until each of its threads is stopped.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for running := true; running; {
		running = false
		stats, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
		for _, stat := range stats {
			text, _ := os.ReadFile(stat)
			_, after, _ := bytes.Cut(text, []byte(") "))
			running = running || !bytes.HasPrefix(after, []byte("T"))
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

func TestAPluginSeesNothingOfOurEnvironmentButWhatIsNamed(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("TZ", "Africa/Lusaka")
	h := hosting(t, Options{}, Spec{Name: "good", Role: "good", Env: []string{"TZ"}})
	res, err := h.plugins["good"].Apply(t.Context(), do("environment"))
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{"PATH": true, "HOME": true, "LANG": true, "TZ": true, "EVENKEEL_ACTUATOR": true}
	for name := range res.Data {
		if !allowed[name] && !strings.HasPrefix(name, "PLUGIN_") {
			t.Errorf("it sees %s", name)
		}
	}
	if res.Data["TZ"] != "Africa/Lusaka" {
		t.Errorf("it does not see TZ, which is named: %q", res.Data["TZ"])
	}
}

func TestAPluginGetsItsConfig(t *testing.T) {
	h := hosting(t, Options{}, Spec{Name: "good", Role: "good", Config: map[string]any{"colour": "green"}})
	if got := detail(t, h.plugins["good"], "config"); got != "green" {
		t.Errorf("got %q", got)
	}
}

func TestAPluginRunsAsItsUser(t *testing.T) {
	h := hosting(t, Options{}, Spec{Name: "good", Role: "good", User: "nobody"}, Spec{Name: "lost", Role: "good", User: "no-such-user"})
	res, err := h.plugins["good"].Apply(t.Context(), do("user"))
	switch euid := os.Geteuid(); {
	case euid == 0 && (err != nil || res.Detail != "65534 65534 65534 []"):
		t.Errorf("got %q, %v, want nobody and no groups", res.Detail, err)
	case euid != 0 && euid != 65534 && actuators.KindOf(err) != actuators.Unavailable:
		t.Errorf("not root, and another user: %v", err)
	}
	if _, err := h.plugins["lost"].Info(t.Context()); err == nil || !strings.Contains(err.Error(), "no-such-user") {
		t.Errorf("an unknown user: %v", err)
	}
}

// F51: whether the effect happened is unknown, so nothing is tried again
// here; and the next call gets a new process, once the backoff is over.
func TestAPluginThatCrashesInTheMiddle(t *testing.T) {
	why := map[string]string{"crash": "exit status 7", "panic": `exit status 2, it said "panic: no such disk"`}
	for _, verb := range []string{"crash", "panic"} {
		t.Run(verb, func(t *testing.T) {
			h, p := good(t, Options{Backoff: time.Millisecond})
			effects := filepath.Join(folder(t), "effects")
			pid := detail(t, p, "pid")
			_, err := p.Apply(t.Context(), do(verb, effects))
			if actuators.KindOf(err) != actuators.Unknown {
				t.Errorf("kind %v: %v, want unknown", actuators.KindOf(err), err)
			}
			if text, err := os.ReadFile(effects); verb == "crash" && string(text) != "once\n" {
				t.Errorf("its effect happened %q %v, want once", text, err)
			}
			dead(t, number(t, pid))
			var again actuators.Result
			for again, err = p.Apply(t.Context(), do("pid")); actuators.KindOf(err) == actuators.Unavailable && err != nil; again, err = p.Apply(t.Context(), do("pid")) {
				time.Sleep(time.Millisecond)
			}
			if err != nil || again.Detail == pid {
				t.Errorf("after the crash: %+v %v", again, err)
			}
			if s := h.Status()[0]; s.Crashes != 1 || s.State != "running" || s.Error != why[verb] {
				t.Errorf("status %+v", s)
			}
		})
	}
}

func TestAPluginThatKeepsCrashingIsQuarantinedAndOthersWork(t *testing.T) {
	h := hosting(t, Options{Backoff: time.Microsecond, Crashes: 3}, Spec{Name: "dies", Role: "dies"}, Spec{Name: "good", Role: "good"})
	var err error
	for range 3 {
		_, err = h.plugins["dies"].Info(t.Context())
		if actuators.KindOf(err) != actuators.Unavailable {
			t.Fatalf("kind %v: %v", actuators.KindOf(err), err)
		}
		time.Sleep(time.Millisecond)
	}
	_, err = h.plugins["dies"].Info(t.Context())
	if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), "is quarantined after 3 crashes") {
		t.Errorf("%v: %v", actuators.KindOf(err), err)
	}
	s := h.Status()[0]
	if s.State != "quarantined" || s.Crashes != 3 || time.Until(s.Until) < 50*time.Minute {
		t.Errorf("status %+v", s)
	}
	detail(t, h.plugins["good"], "pid")
}

// F52, in three forms: it does not heed its deadline; it is frozen and cannot
// answer; it is frozen and is to be stopped.
func TestAPluginThatHangs(t *testing.T) {
	t.Parallel()
	t.Run("it returns at the end of the caller's patience", func(t *testing.T) {
		t.Parallel()
		_, p := good(t, Options{})
		pid := detail(t, p, "pid")
		began := filepath.Join(folder(t), "began")
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for _, err := os.Stat(began); err != nil; _, err = os.Stat(began) {
				time.Sleep(time.Millisecond)
			}
			cancel()
		}()
		_, err := p.Apply(ctx, do("hang", began))
		if actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("kind %v: %v", actuators.KindOf(err), err)
		}
		if again := detail(t, p, "pid"); again != pid {
			t.Errorf("it still answered others, and was ended at once")
		}
		dead(t, number(t, pid)) // the wire ends it when the hung call outlives its deadline for long
	})
	t.Run("one that is frozen is killed", func(t *testing.T) {
		t.Parallel()
		h, p := good(t, Options{StopTimeout: 50 * time.Millisecond})
		pid := number(t, detail(t, p, "pid"))
		freeze(t, pid)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := p.Apply(ctx, do("pid")); actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("kind %v: %v", actuators.KindOf(err), err)
		}
		dead(t, pid)
		for h.Status()[0].Crashes == 0 {
			time.Sleep(time.Millisecond)
		}
	})
	t.Run("closing does not wait for one that is frozen", func(t *testing.T) {
		t.Parallel()
		h, p := good(t, Options{StopTimeout: 50 * time.Millisecond})
		pid := number(t, detail(t, p, "pid"))
		freeze(t, pid)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		dead(t, pid)
	})
}

func TestTheChildrenOfAPluginDieWithIt(t *testing.T) {
	t.Run("those in its group", func(t *testing.T) {
		h, p := good(t, Options{})
		child := number(t, detail(t, p, "child"))
		h.Close()
		dead(t, child)
	})
	t.Run("closing does not wait for those that fled", func(t *testing.T) {
		dir := folder(t)
		h, p := good(t, Options{Folder: dir})
		child := number(t, detail(t, p, "escaped-child"))
		h.Close()
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("Close gave up, and left %v", left)
		}
		syscall.Kill(child, syscall.SIGKILL)
	})
	t.Run("those that fled, in a cgroup", func(t *testing.T) {
		parent := cgroupV2(t)
		h, p := good(t, Options{Cgroup: parent})
		if parent == "" {
			t.Log("no cgroup v2 that this user may write to: nothing more to prove")
			return
		}
		child := number(t, detail(t, p, "escaped-child"))
		h.Close()
		dead(t, child)
		if left, _ := filepath.Glob(filepath.Join(parent, "*good*")); left != nil {
			t.Errorf("left behind: %v", left)
		}
	})
}

// cgroupV2 makes a cgroup for the test, empty where it cannot.
func cgroupV2(t *testing.T) string {
	for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil {
			continue
		}
		if dir, err := os.MkdirTemp(root, "evenkeel-test-"); err == nil {
			t.Cleanup(func() { os.Remove(dir) })
			return dir
		}
	}
	return ""
}

// F53: each is told apart in one clear line, and leaves nothing behind.
func TestPluginsThatDoNotComeUp(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"dies":             "it ended before it said where to call it: exit status 1",
		"dies-talking":     `exit status 1, it said "panic: no such disk"`,
		"silent":           "no answer within",
		"garbage":          `its first line is no handshake: \x1b[31mHello, I am a plugin`,
		"endless":          "its first line is no handshake: xxxx",
		"netrpc":           `unsupported plugin protocol "netrpc"`,
		"another-version":  "Plugin version: 99",
		"elsewhere":        `it wants to be called at tcp "127.0.0.1:22"`,
		"somebodys-socket": `it wants to be called at unix "/run/dbus/system_bus_socket"`,
		"without-tls":      "",
		"deaf":             "",
		"liar":             `it calls itself "somebody-else"`,
	}
	for role, want := range tests {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			h := hosting(t, Options{Folder: dir, StartTimeout: 3 * time.Second}, Spec{Name: role, Role: role})
			_, err := h.plugins[role].Info(t.Context())
			if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n\x1b\x07") || len(err.Error()) > 500 {
				t.Errorf("kind %v: %q, want it to say %q", actuators.KindOf(err), err, want)
			}
			h.Close()
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAGigabyteWithoutEndOfLineIsNotKept(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, p := good(t, Options{})
	if _, err := p.Apply(t.Context(), do("print")); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
		t.Errorf("%d bytes were allocated for it", n)
	}
}

func TestPluginsDoNotOutliveAHostThatIsKilled(t *testing.T) {
	dir := folder(t)
	cmd := exec.Command("/proc/self/exe", roleArgument, "a-host")
	cmd.Env = []string{"FOLDER=" + dir}
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	dead(t, number(t, line))
	if left, _ := filepath.Glob(dir + "/plugin-dir*"); len(left) != 1 {
		t.Fatalf("the killed host left %v: nothing to clean", left)
	}
	hosting(t, Options{Folder: dir})
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("the next one did not remove %v", left)
	}
}

func TestASecondHostLeavesTheSocketsOfTheFirstAlone(t *testing.T) {
	dir := folder(t)
	_, p := func() (*Host, *plugin) { return good(t, Options{Folder: dir}) }()
	detail(t, p, "pid")
	hosting(t, Options{Folder: dir}).Close()
	if left, _ := filepath.Glob(dir + "/plugin-dir*"); len(left) != 1 {
		t.Errorf("left are %v, want the one that is in use", left)
	}
}

// SEC-11: another user does not reach the socket, and who reaches it cannot
// speak without the key that was made for this launch.
func TestNobodyElseCanCallAPlugin(t *testing.T) {
	dir := folder(t)
	_, p := good(t, Options{Folder: dir})
	detail(t, p, "pid")
	own, _ := filepath.Glob(dir + "/plugin-dir*")
	if len(own) != 1 {
		t.Fatalf("folders: %v", own)
	}
	if fi, err := os.Stat(own[0]); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
	sockets, _ := filepath.Glob(own[0] + "/*")
	if len(sockets) != 1 {
		t.Fatalf("sockets: %v", sockets)
	}
	for how, c := range map[string]credentials.TransportCredentials{
		"in plain text":   insecure.NewCredentials(),
		"without the key": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
	} {
		conn, err := grpc.NewClient("unix://"+sockets[0], grpc.WithTransportCredentials(c))
		if err != nil {
			t.Fatal(err)
		}
		if info, err := wire.NewClient(conn).Info(t.Context()); actuators.KindOf(err) != actuators.Unavailable {
			t.Errorf("%s: %v %v", how, info.Name, err)
		}
		conn.Close()
	}
	if os.Geteuid() != 0 {
		return // it takes root to be somebody else
	}
	knock := exec.Command("/proc/self/exe", roleArgument, "knock")
	knock.Env = []string{"SOCKET=" + sockets[0]}
	knock.Dir = "/"
	knock.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := knock.CombinedOutput(); err != nil || !strings.Contains(string(out), "permission denied") {
		t.Errorf("nobody: %q %v", out, err)
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
