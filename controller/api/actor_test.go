package api

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// process starts one that waits, with an environment of its own choice.
func process(t *testing.T, env ...string) int32 {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "1000")
	cmd.Env = append([]string{"PATH=/bin"}, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for { // it is there before its environment is
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", cmd.Process.Pid)); err != nil {
			t.Fatal(err)
		} else if len(b) > 0 {
			return int32(cmd.Process.Pid)
		}
	}
}

// Who asks is the kernel's word. What a process says of itself counts only where
// it is root's, and never brings more into the record than a name.
func TestActor(t *testing.T) {
	const nobody, nameless = 65534, 4200000000
	sudo, ssh := "SUDO_USER=anna", "SSH_CONNECTION=203.0.113.7 50000 10.0.0.1 22"
	cases := []struct {
		name string
		uid  uint32
		env  []string
		want string
	}{
		{"sudo", 0, []string{sudo}, "anna (sudo)"},
		{"sudo, from afar", 0, []string{sudo, ssh}, "anna (sudo) from 203.0.113.7"},
		{"sudo of root says nothing", 0, []string{"SUDO_USER=root", ssh}, "root from 203.0.113.7"},
		{"a user", nobody, nil, "nobody"},
		{"a user who pretends to have come by sudo", nobody, []string{sudo}, "nobody"},
		{"a user who pretends to come from elsewhere", nobody, []string{ssh}, "nobody"},
		{"a user without a name", nameless, nil, "uid 4200000000"},
		{"a name that is none", 0, []string{"SUDO_USER=an\tna\x1b[31m \nroot asked"}, "anna[31mrootasked (sudo)"},
		{"a name without end", 0, []string{"SUDO_USER=" + strings.Repeat("a", 9999)}, strings.Repeat("a", 64) + " (sudo)"},
		{"an address that is none", 0, []string{sudo, "SSH_CONNECTION=\x07\x1b]0;x"}, "anna (sudo) from ]0;x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Peer{Known: true, UID: c.uid, PID: process(t, c.env...)}
			got := p.Actor()
			if login, ok := p.login(); c.uid == 0 && ok && login != 0 && !strings.Contains(c.want, "sudo") {
				c.want = strings.Replace(c.want, "root", userName(login)+" (root)", 1) // who runs the test has logged in
			}
			if got != c.want {
				t.Errorf("the actor is %q, want %q", got, c.want)
			}
		})
	}
	t.Run("a process that has ended", func(t *testing.T) {
		if got := (Peer{Known: true, UID: nobody, PID: 1 << 30}).Actor(); got != "nobody" {
			t.Errorf("the actor is %q", got)
		}
	})
	t.Run("nobody knows", func(t *testing.T) {
		if got := (Peer{PID: process(t, sudo)}).Actor(); got != "somebody unknown" {
			t.Errorf("the actor is %q", got)
		}
	})
}

// From where somebody came is what logind knows of his session, which the kernel
// names; a group that he named himself is no session.
func TestRemoteHost(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"7": "# private\nUID=1000\nREMOTE=1\nREMOTE_HOST=203.0.113.7\nTTY=pts/0\n", "8": "UID=1000\nREMOTE=0\n", "c1": "REMOTE_HOST=198.51.100.1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for cgroup, want := range map[string]string{
		"0::/user.slice/user-1000.slice/session-7.scope\n":                                         "203.0.113.7",
		"0::/user.slice/user-1000.slice/session-c1.scope/sub\n":                                    "198.51.100.1",
		"4:memory:/x\n1:name=systemd:/user.slice/user-1000.slice/session-7.scope\n":                "203.0.113.7",
		"0::/user.slice/user-1000.slice/session-8.scope\n":                                         "",
		"0::/user.slice/user-1000.slice/session-9.scope\n":                                         "",
		"0::/user.slice/user-1000.slice/user@1000.service/session-7.scope\n":                       "",
		"0::/user.slice/user-1000.slice/user@1000.service/user.slice/user-1.slice/session-7.scope": "",
		"0::/system.slice/evenkeel.service\n":                                                      "",
		"0::/user.slice/user-1000.slice/session-../7.scope\n":                                      "",
	} {
		if got := remoteHost(cgroup, dir); got != want {
			t.Errorf("%q: from %q, want %q", cgroup, got, want)
		}
	}
}
