package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// place is a private folder with an empty repository of one remote, and what git
// needs to reach that.
type place struct {
	dir    string
	remote remote
	secret secret
	agent  *agent // of a remote by ssh; nil: none
	token  *os.File
	env    []string
}

// prefix is in the name of every place.
const prefix = "evenkeel-repository-"

// forgotten is how old a place is whose owner was killed. Nobody works that long.
const forgotten = 30 * time.Minute

// sweep removes what others of this user's left behind.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*")) // the pattern is good
	for _, dir := range left {
		fi, err := os.Lstat(dir)
		if err != nil || !fi.IsDir() || time.Since(fi.ModTime()) < forgotten {
			continue
		}
		if st, ok := fi.Sys().(*syscall.Stat_t); ok && int(st.Uid) == os.Geteuid() {
			_ = os.RemoveAll(dir)
		}
	}
}

// newPlace makes a place. Nothing is asked of the remote yet. In a partial one there
// is nothing of what was in the files until it is needed.
func newPlace(w wish, r remote, partial bool, extra string) (p *place, err error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	p = &place{dir: dir, remote: r, secret: secretsOf(w.secrets)}
	defer func() {
		if err != nil {
			p.remove()
		}
	}()
	extensions, filter := "", ""
	if len(w.commit) == 64 {
		extensions = "\tobjectFormat = sha256\n"
	}
	if partial {
		extensions += "\tpartialClone = origin\n"
		filter = "\tpromisor = true\n\tpartialCloneFilter = blob:none\n"
	}
	known := ""
	if w.secrets.KnownHosts != "" {
		known = w.secrets.KnownHosts + "\n"
	}
	for _, sub := range []string{"repository/objects", "repository/refs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{
		"repository/HEAD":   "ref: refs/heads/none\n",
		"repository/config": p.config(extensions, filter) + extra,
		"config":            p.globalConfig(),
		"known_hosts":       known,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return p, p.open(w)
}

// open readies what the remote asks for, and nothing else: git that talks to
// a remote of one kind has nothing of the credentials of another.
func (p *place) open(w wish) (err error) {
	p.env = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + p.dir, "XDG_CONFIG_HOME=" + p.dir, "TMPDIR=" + p.dir, "LC_ALL=C", "TZ=UTC",
		"GIT_DIR=" + filepath.Join(p.dir, "repository"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + filepath.Join(p.dir, "config"),
		"GIT_ATTR_NOSYSTEM=1", "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GIT_ALLOW_PROTOCOL=" + p.remote.scheme, "GIT_PROTOCOL_FROM_USER=0",
	}
	switch {
	case p.remote.scheme == "https" && w.secrets.Token != "":
		p.token, err = tokenFile(w.secrets.Token)
	case p.remote.scheme == "ssh" && w.secrets.SSHKey != "":
		if p.agent, err = newAgent(filepath.Join(p.dir, "agent"), w.secrets.SSHKey); err == nil {
			p.env = append(p.env, "SSH_AUTH_SOCK="+p.agent.path())
		}
	}
	if p.remote.scheme == "ssh" {
		p.env = append(p.env, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+p.ssh(w.secrets.KnownHosts != ""))
	}
	return err
}

// config is all that git is told. Programs that it might start are none but its
// own; what it keeps in memory fits into what it may have; and what is gone when it
// is done need not survive a power cut.
func (p *place) config(extensions, filter string) string {
	helper := ""
	if p.remote.scheme == "https" {
		// The token is read anew, from its beginning, by each who needs it.
		helper = fmt.Sprintf("[credential %s]\n\thelper = \"!f() { test \\\"$1\\\" = get && cat /proc/self/fd/%d; }; f\"\n", quoted(p.remote.site), tokenAt)
	}
	return `[core]
	repositoryformatversion = 1
	bare = true
	hooksPath = /dev/null
	attributesFile = /dev/null
	fsmonitor = false
	fsync = none
	packedGitWindowSize = 16m
	packedGitLimit = 64m
	bigFileThreshold = 16m
[extensions]
` + extensions + `[remote "origin"]
	url = ` + quoted(p.remote.url) + `
	tagOpt = --no-tags
` + filter + `[protocol]
	version = 2
[gc]
	auto = 0
[maintenance]
	auto = false
[fetch]
	unpackLimit = 1
	recurseSubmodules = false
[submodule]
	recurse = false
[push]
	gpgSign = false
	followTags = false
	recurseSubmodules = no
[pack]
	threads = 1
	windowMemory = 64m
[index]
	threads = 1
[transfer]
	credentialsInUrl = die
[http]
	lowSpeedLimit = 1000
	lowSpeedTime = 20
[credential]
	helper =
` + helper
}

// quoted is a value as git's configuration has it.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// globalConfig is what also a server's half of git obeys, which runs here for a
// remote that is a folder: it may belong to another user, who is trusted as the
// server that he is. Its hooks are its own affair.
func (p *place) globalConfig() string {
	if p.remote.folder == "" {
		return ""
	}
	text := "[safe]\n"
	for _, suffix := range []string{"", "/.git", ".git"} { // where git looks
		text += "\tdirectory = " + quoted(p.remote.folder+suffix) + "\n"
	}
	return text
}

// ssh is how git calls it: with no file of anybody's configuration, no question,
// no key but the agent's, and no server that is not known.
func (p *place) ssh(known bool) string {
	options := []string{
		"BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "IdentityFile=none", "PreferredAuthentications=publickey",
		"ClearAllForwardings=yes", "ControlMaster=no", "ControlPath=none", "ConnectTimeout=20", "ServerAliveInterval=10", "ServerAliveCountMax=3",
		"UserKnownHostsFile=" + filepath.Join(p.dir, "known_hosts"),
	}
	if known {
		options = append(options, "GlobalKnownHostsFile=/dev/null")
	}
	if p.agent == nil {
		options = append(options, "IdentityAgent=none")
	}
	return "ssh -F none -o " + strings.Join(options, " -o ")
}

// ref is where a ref of ours points to; empty: it is not there. git has just
// written it, each in a file of its own.
func (p *place) ref(name string) string {
	b, err := os.ReadFile(filepath.Join(p.dir, "repository", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// cut lists the commits whose parents were not fetched, though they have some.
func (p *place) cut() (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, "repository", "shallow"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	ids := map[string]bool{}
	for _, id := range strings.Fields(string(b)) {
		ids[id] = true
	}
	return ids, err
}

func (p *place) remove() {
	if p.agent != nil {
		p.agent.close()
	}
	if p.token != nil {
		p.token.Close()
	}
	_ = os.RemoveAll(p.dir)
}
