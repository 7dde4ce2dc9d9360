package host

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"

	"github.com/pakashop/evenkeel/actuators/wire"
)

// command is how a plugin is started: nothing of ours but what the Spec names.
func command(s Spec, i *image, g *cgroup) (*exec.Cmd, error) {
	env, err := environment(s)
	if err != nil {
		return nil, err
	}
	c, err := credential(s.User)
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{Path: i.path, Args: i.argv, Env: env, Dir: "/", SysProcAttr: attributes(g, c)}, nil
}

// environment is the whole of it, but for what go-plugin adds: the cookie, the
// folder of the socket and a certificate.
func environment(s Spec) ([]string, error) {
	env := []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/", "LANG=C.UTF-8"}
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	if config != "" {
		env = append(env, wire.ConfigVariable+"="+config)
	}
	for _, name := range s.Env {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env, nil
}

// credential finds a user. The plugin has that user's first group and no other.
func credential(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("find user %s: %w", name, err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", name, err)
	}
	if int(uid) == os.Geteuid() {
		return nil, nil
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
