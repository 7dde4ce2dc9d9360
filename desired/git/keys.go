package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxKey bounds a file that the operator gives, in bytes.
const maxKey = 1 << 20

// The credentials that git may need, by the names of their files in the operator's
// folders of credentials. None of them must be there.
const (
	SSHKey     = "git-ssh-key"
	KnownHosts = "git-known-hosts"
	Token      = "git-token"
)

// keys is how git proves who we are: never by an argument, a URL or a variable
// that holds a secret.
type keys struct {
	env      []string
	settings []setting
}

// credential is a file of one of the operator's folders, nil if none has it.
func credential(folders []string, name string) ([]byte, error) {
	for _, dir := range folders {
		content, err := readPlain(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the credential %s: %w", name, err)
		}
		return content, nil
	}
	return nil, nil
}

// readPlain reads a regular file that is no larger than such a file should be.
func readPlain(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxKey+1))
	if err == nil && len(content) > maxKey {
		err = fmt.Errorf("%s has more than %d bytes", name, maxKey)
	}
	return content, err
}

// copyKeys makes copies that git's user can read, of what the remotes want.
func (s *session) copyKeys(folders []string) (keys, error) {
	var k keys
	ssh, err := s.ssh(folders)
	if err != nil {
		return k, err
	}
	k.env = append(k.env, "GIT_SSH_COMMAND="+ssh, "GIT_SSH_VARIANT=ssh")
	token, err := credential(folders, Token)
	if err != nil || token == nil {
		return k, err
	}
	name, secret, ok := strings.Cut(strings.TrimSpace(string(token)), ":")
	if !ok {
		name, secret = "x-access-token", name
	}
	if secret == "" || strings.ContainsAny(name+secret, "\n\r\x00") {
		return k, errors.New("the credential git-token must be one line, TOKEN or USER:TOKEN")
	}
	if err := s.secret("token", []byte("username="+name+"\npassword="+secret+"\n")); err != nil {
		return k, fmt.Errorf("copy the credential git-token: %w", err)
	}
	k.env = append(k.env, "EVENKEEL_GIT_TOKEN="+s.path("token"))
	return k, nil
}

// helper is the setting by which git finds the token for one remote, and for no
// other place that this one might send it to.
func (s *session) helper(r remote) []setting {
	if _, err := os.Lstat(s.path("token")); err != nil || r.host == "" {
		return nil
	}
	return []setting{{"credential." + r.host + ".helper", `!f() { test "$1" = get && cat "$EVENKEEL_GIT_TOKEN"; }; f`}}
}

// ssh is how git calls ssh. Nobody's configuration but this has a say.
func (s *session) ssh(folders []string) (string, error) {
	argv := []string{"ssh", "-F", "none", "-T"}
	options := []string{
		"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "IdentitiesOnly=yes", "IdentityAgent=none",
		"PreferredAuthentications=publickey", "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "ControlMaster=no",
		"ControlPath=none", "PermitLocalCommand=no", "ProxyCommand=none", "ConnectTimeout=15", "ServerAliveInterval=10", "ServerAliveCountMax=2",
	}
	hosts, err := credential(folders, KnownHosts)
	if err != nil {
		return "", err
	}
	if hosts != nil {
		if err := s.file("known_hosts", hosts); err != nil {
			return "", fmt.Errorf("copy the credential git-known-hosts: %w", err)
		}
		options = append(options, "UserKnownHostsFile="+s.path("known_hosts"), "GlobalKnownHostsFile=/dev/null")
	} else {
		options = append(options, "UserKnownHostsFile=/dev/null")
	}
	key, err := credential(folders, SSHKey)
	if err != nil {
		return "", err
	}
	if key != nil {
		// ssh takes a key without the last line's end for a broken one.
		if err := s.secret("key", append(bytes.TrimRight(key, "\r\n"), '\n')); err != nil {
			return "", fmt.Errorf("copy the credential git-ssh-key: %w", err)
		}
		argv = append(argv, "-i", s.path("key"))
	} else {
		options = append(options, "IdentityFile=none")
	}
	for _, o := range options {
		argv = append(argv, "-o", o)
	}
	for i, a := range argv {
		argv[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(argv, " "), nil
}
