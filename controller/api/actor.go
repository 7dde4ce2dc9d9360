package api

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Actor names the human behind a connection, for the record: by the kernel's
// word who asks, and if that is root, who he was before sudo or at his login,
// and from where he came. What a process says of itself is believed of root
// alone, who could do without asking.
func (p Peer) Actor() string {
	if !p.Known {
		return "somebody unknown"
	}
	name := userName(p.UID)
	env := p.environ()
	if p.UID == 0 {
		switch {
		case env["SUDO_USER"] != "" && env["SUDO_USER"] != "root":
			name = clean(env["SUDO_USER"]) + " (sudo)"
		default:
			if login, ok := p.login(); ok && login != 0 {
				name = userName(login) + " (root)"
			}
		}
	}
	if from := p.origin(env); from != "" {
		name += " from " + clean(from)
	}
	return name
}

// origin is from where the session was opened in which the peer runs: the kernel
// says which session that is, and logind from where it came. Root's own word,
// again, is good enough where they know of none.
func (p Peer) origin(env map[string]string) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", p.PID))
	if err == nil {
		if from := remoteHost(string(b), "/run/systemd/sessions"); from != "" {
			return from
		}
	}
	if p.UID != 0 {
		return ""
	}
	from, _, _ := strings.Cut(env["SSH_CONNECTION"], " ")
	return from
}

// session finds the session of a login in /proc/PID/cgroup. Further down a user
// may name groups as he likes.
var session = regexp.MustCompile(`(?m)^(?:0:|\d+:name=systemd):/user\.slice/user-\d+\.slice/session-(\w+)\.scope(?:/|$)`)

func remoteHost(cgroup, sessions string) string {
	m := session.FindStringSubmatch(cgroup)
	if m == nil {
		return ""
	}
	b, err := os.ReadFile(filepath.Join(sessions, m[1]))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if host, ok := strings.CutPrefix(strings.TrimSpace(line), "REMOTE_HOST="); ok {
			return host
		}
	}
	return ""
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	u, err := user.LookupId(id)
	if err != nil {
		return "uid " + id
	}
	return u.Username
}

// login is the user who logged in, by the kernel's audit of sessions.
func (p Peer) login() (uint32, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/loginuid", p.PID))
	if err != nil {
		return 0, false
	}
	id, err := strconv.ParseUint(string(bytes.TrimSpace(b)), 10, 32)
	return uint32(id), err == nil && id != 1<<32-1 // that is: no login
}

// environ reads the environment of the peer's process; it is empty where the
// process is gone, or its user is not ours to look at.
func (p Peer) environ() map[string]string {
	out := make(map[string]string)
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.PID))
	if err != nil {
		return out
	}
	for v := range strings.SplitSeq(string(b), "\x00") {
		if k, v, ok := strings.Cut(v, "="); ok && (k == "SUDO_USER" || k == "SSH_CONNECTION") {
			out[k] = v
		}
	}
	return out
}

// clean keeps what belongs in a name or an address: the rest is somebody's joke.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > 0x20 && r < 0x7f {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 64)]
}
