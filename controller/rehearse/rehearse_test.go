package rehearse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestAHostIsARealSystemdThatIsNotThisMachine(t *testing.T) {
	h := hosttest.Boot(t, rehearse.Options{Name: "alpha"})
	for line, want := range map[string]string{
		"cat /proc/1/comm":                 "systemd",
		"hostname":                         "alpha",
		"systemctl is-system-running":      "running",
		"systemctl list-units --failed -q": "",
		"cat /proc/self/cgroup | grep ^0:": "0::/outside.scope",
		"cd /sys && touch x 2>/dev/null; ls -d /sys/x 2>/dev/null || echo none":       "none",
		"echo 1 2>/dev/null >/proc/sys/kernel/threads-max || echo refused":            "refused",
		"systemctl is-active postgresql nginx redis-server | sort -u":                 "inactive",
		"findmnt -n -o FSTYPE / && stat -c %a /tmp && test -c /dev/null && echo fine": "overlay\n1777\nfine",
	} {
		if got, _ := inside(t, h, line); got != want {
			t.Errorf("%s\n got %q\nwant %q", line, got, want)
		}
	}
	outside, _ := os.ReadFile("/etc/machine-id")
	if id := mustInside(t, h, "cat /etc/machine-id"); len(id) != 32 || id == strings.TrimSpace(string(outside)) {
		t.Errorf("machine-id is %q, want a fresh one", id)
	}
}

func TestWhatIsWrittenInsideStaysInside(t *testing.T) {
	h := hosttest.Boot(t, rehearse.Options{})
	mustInside(t, h, "echo x > /etc/rehearse-wrote-this && rm /etc/debian_version && echo shared > /lab/note")
	if _, err := os.Stat("/etc/rehearse-wrote-this"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that was written inside is outside: %v", err)
	}
	if _, err := os.Stat("/etc/debian_version"); err != nil {
		t.Errorf("a file that was removed inside is gone outside: %v", err)
	}
	if b, err := os.ReadFile(filepath.Join(h.Share(), "note")); err != nil || string(b) != "shared\n" {
		t.Errorf("the share has %q, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(h.Root(), "etc/rehearse-wrote-this")); err != nil {
		t.Errorf("Root does not show the host's own files: %v", err)
	}
}

func TestACommandIsLikeOneRunHere(t *testing.T) {
	h := hosttest.Boot(t, rehearse.Options{})
	run := func(argv ...string) (string, int) {
		cmd := h.Command(t.Context(), argv...)
		cmd.Dir = "/usr/lib"
		cmd.Stdin = strings.NewReader("in")
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Errorf("%v: %v", argv, err)
		}
		return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
	}
	for _, c := range []struct {
		argv []string
		out  string
		code int
	}{
		{[]string{"pwd"}, "/usr/lib", 0},
		{[]string{"cat"}, "in", 0},
		{[]string{"sh", "-c", "exit 7"}, "", 7},
		{[]string{"sh", "-c", "kill -9 $$"}, "", 137},
		{[]string{"sh", "-c", "kill -9 0"}, "", 137}, // and not the test itself
		{[]string{"no-such-program"}, "", 127},
	} {
		if out, code := run(c.argv...); out != c.out || code != c.code {
			t.Errorf("%v: %q, exit %d; want %q, exit %d", c.argv, out, code, c.out, c.code)
		}
	}
	if err := h.Command(t.Context()).Run(); err == nil {
		t.Error("a command of nothing was run")
	}
}

func TestAContextEndsTheCommandInside(t *testing.T) {
	h := hosttest.Boot(t, rehearse.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := h.Command(ctx, "sleep", "86399")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running := func() bool { _, err := inside(t, h, "pgrep -fx 'sleep 86399'"); return err == nil }
	eventually(t, "the command runs", running)
	cancel()
	if err := cmd.Wait(); err == nil {
		t.Error("Wait does not say that the command was cut short")
	}
	if running() {
		t.Error("the command outlived its context")
	}
}

func TestHostsOnOneNetworkReachEachOther(t *testing.T) {
	const port = ":7077"
	var hosts []*rehearse.Host
	for i := range 3 {
		o := rehearse.Options{Name: fmt.Sprintf("peer%d", i), Address: fmt.Sprintf("10.77.0.%d/24", i+2)}
		hosts = append(hosts, hosttest.Boot(t, o))
	}
	for _, h := range hosts {
		copyFile(t, "/proc/self/exe", filepath.Join(h.Share(), "test"))
		serveOn(t, h, port)
	}
	for _, from := range hosts {
		for i, to := range hosts {
			got := mustInside(t, from, fmt.Sprintf("exec bash -c 'cat < /dev/tcp/10.77.0.%d/7077'", i+2))
			if got != to.Name {
				t.Errorf("%s asked 10.77.0.%d and %q answered, want %s", from.Name, i+2, got, to.Name)
			}
		}
	}
	if c, err := net.DialTimeout("tcp", "10.77.0.2"+port, 200*time.Millisecond); err == nil {
		_ = c.SetDeadline(time.Now().Add(time.Second))
		answer, _ := io.ReadAll(c) // some networks have a proxy that answers for every address
		c.Close()
		if string(answer) == hosts[0].Name {
			t.Error("the machine outside reaches the hosts' network")
		}
	}
}

func serveOn(t *testing.T, h *rehearse.Host, address string) {
	t.Helper()
	cmd := h.Command(t.Context(), rehearse.ShareInside+"/test")
	cmd.Env = append(cmd.Env, roleVar+"=serve "+address)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the server on %s does not start: %v", h.Name, err)
	}
}

func TestFoldersAndFilesFromOutsideCanBeBound(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := hosttest.Boot(t, rehearse.Options{Binds: []rehearse.Bind{
		{Source: dir, Target: "/run/bound/dir"}, {Source: file, Target: "/run/bound/file", ReadOnly: true},
	}})
	if got := mustInside(t, h, "cat /run/bound/dir/file /run/bound/file; touch /run/bound/dir/new"); got != "outsideoutside" {
		t.Errorf("inside they are %q", got)
	}
	if _, err := inside(t, h, "echo >/run/bound/file"); err == nil {
		t.Error("what is bound read-only was written")
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err != nil {
		t.Errorf("what is written inside is not outside: %v", err)
	}
}

func TestACachedLayerIsLaidOverTheRoot(t *testing.T) {
	layer := t.TempDir()
	for name, text := range map[string]string{"etc/from-layer": "one", "etc/debian_version": "replaced"} {
		if err := os.MkdirAll(filepath.Join(layer, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(layer, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	h := hosttest.Boot(t, rehearse.Options{Layers: []string{layer}})
	if got := mustInside(t, h, "cat /etc/from-layer /etc/debian_version; echo >/etc/from-layer"); got != "onereplaced" {
		t.Errorf("the layer is not seen: %q", got)
	}
	if b, err := os.ReadFile(filepath.Join(layer, "etc/from-layer")); err != nil || string(b) != "one" {
		t.Errorf("the layer was written to: %q, %v", b, err)
	}
}

func TestLimitsBoundTheHost(t *testing.T) {
	h := hosttest.Boot(t, rehearse.Options{Memory: 256 << 20, Tasks: 200})
	for _, missing := range h.Limits.Missing {
		t.Log("not to be had on this machine:", missing)
	}
	if h.Limits.Memory > 0 {
		if out, err := inside(t, h, "head -c 600M /dev/zero | tail | wc -c"); err == nil && out == "629145600" {
			t.Error("600 MB were held in memory on a host of 256 MB")
		}
	}
	if h.Limits.Tasks > 0 {
		out, err := inside(t, h, "i=0; while [ $i -lt 400 ]; do sleep 100 & i=$((i+1)); done")
		if err == nil {
			t.Errorf("400 processes were started on a host of 200: %s", out)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	h, err := rehearse.Boot(t.Context(), rehearse.Options{Address: "10.77.1.2/24", Memory: 1 << 30, Tasks: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ports := links(t)
	if len(ports) == 0 {
		t.Error("the host's network is not there while it is")
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error("a second Close:", err)
	}
	for _, path := range []string{h.Cgroup(), h.Share(), h.Root()} {
		if !gone(path)() {
			t.Errorf("%s is left", path)
		}
	}
	for _, l := range ports {
		if !gone(filepath.Join("/sys/class/net", l))() {
			t.Errorf("link %s is left", l)
		}
	}
	if err := h.Command(t.Context(), "true").Run(); err == nil {
		t.Error("a command ran on a closed host")
	}
}

// links are this package's links on the machine that belong to this process's hosts.
func links(t *testing.T) (names []string) {
	t.Helper()
	found, err := filepath.Glob("/sys/class/net/ev[bk]-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		names = append(names, filepath.Base(f))
	}
	return names
}

func TestAKilledOwnerTakesItsHostWithIt(t *testing.T) {
	cmd := playing("own")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	var cgroup, share string
	if _, err := fmt.Fscan(out, &pid, &cgroup, &share); err != nil {
		rest, _ := io.ReadAll(out)
		t.Fatalf("the owner boots no host: %v %s", err, rest)
	}
	if err := rehearse.Sweep(); err != nil {
		t.Fatal(err)
	}
	if gone(share)() {
		t.Fatal("a host was swept away while its owner lives")
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the host's systemd has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	if err := rehearse.Sweep(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{cgroup, share, filepath.Dir(share)} {
		if !gone(path)() {
			t.Errorf("%s is left", path)
		}
	}
}

func TestAPoweroffOrRebootInsideEndsTheHost(t *testing.T) {
	for _, verb := range []string{"poweroff", "reboot"} {
		h := hosttest.Boot(t, rehearse.Options{Name: verb})
		_, _ = inside(t, h, "systemctl "+verb)
		select {
		case <-h.Done():
		case <-time.After(20 * time.Second):
			t.Errorf("systemctl %s: the host is still there", verb)
		}
	}
}

func TestWithoutRootItSaysSo(t *testing.T) {
	cmd := playing("try")
	cmd.SysProcAttr = asNobody()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "true no disposable host can be had here: it takes root; run it with sudo\n"
	if string(out) != want {
		t.Errorf("got  %swant %s", out, want)
	}
}

func TestBadOptionsAreOneClearError(t *testing.T) {
	for _, c := range []struct {
		o    rehearse.Options
		want string
	}{
		{rehearse.Options{Name: "a/b"}, `name "a/b" must be`},
		{rehearse.Options{Address: "10.0.0.1"}, `address "10.0.0.1" must be like`},
		{rehearse.Options{Binds: []rehearse.Bind{{Source: "x"}}}, `bind "x" must be absolute`},
		{rehearse.Options{Binds: []rehearse.Bind{{Source: "/no/such"}}}, `bind "/no/such": no such`},
		{rehearse.Options{Layers: []string{"/no/such"}}, `layer "/no/such" must be`},
	} {
		h, err := rehearse.Boot(t.Context(), c.o)
		if err == nil {
			t.Error("a host was booted of", c.o, h.Close())
		} else if !strings.Contains(err.Error(), c.want) || errors.Is(err, rehearse.ErrUnavailable) {
			t.Errorf("error %q does not say %q", err, c.want)
		}
	}
}
