package host

import (
	"bufio"
	"crypto/tls"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/wire"
)

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
