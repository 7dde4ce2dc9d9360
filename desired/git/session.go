package git

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// searchPath is where git finds what it starts.
const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// setting is one line of git's configuration.
type setting struct{ key, value string }

// session is what one fetch or one look needs: a folder of its own, with a HOME,
// copies of keys and the configuration, that is gone afterwards.
type session struct {
	dir      string
	lock     *os.File
	git      string // the program
	who      *syscall.Credential
	limits   Limits
	env      []string
	remotes  []remote
	signers  signers
	imported bool   // gpg has its keys
	format   string // of the remote's IDs, if it is not git's usual one
}

// openSession makes the folder. It is ours, and so is what git is told in it: who
// else runs as git's user may read that, and not change it.
func (m *Mirror) openSession() (_ *session, err error) {
	o := m.options
	s := &session{limits: o.Limits, remotes: m.remotes}
	if s.git, err = find("git"); err != nil {
		return nil, err
	}
	if s.who, err = userOf(o.User); err != nil {
		return nil, err
	}
	if s.dir, s.lock, err = scratch(o.Scratch, s.who); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close(o.Log)
		}
	}()
	for _, name := range []string{"home", "tmp"} {
		if err := s.folder(name); err != nil {
			return nil, err
		}
	}
	keys, err := s.copyKeys(o.Credentials)
	if err != nil {
		return nil, err
	}
	if s.signers, err = s.copySigners(o.Signers); err != nil {
		return nil, err
	}
	if o.CA != "" {
		ca, err := readPlain(o.CA)
		if err == nil {
			err = s.file("ca.pem", ca)
		}
		if err != nil {
			return nil, fmt.Errorf("copy the certificates of git's remotes: %w", err)
		}
	}
	if err := s.configure(o, keys); err != nil {
		return nil, err
	}
	if s.who != nil {
		if err := os.Chmod(s.dir, 0o711); err != nil {
			return nil, fmt.Errorf("make a folder for git: %w", err)
		}
	}
	return s, nil
}

func (s *session) close(log *slog.Logger) {
	if err := os.RemoveAll(s.dir); err != nil {
		log.Error("cannot clear away what git used", "folder", s.dir, "error", err)
	}
	s.lock.Close()
}

func (s *session) path(name string) string { return filepath.Join(s.dir, name) }

// folder makes a folder that git may write to.
func (s *session) folder(name string) error {
	if err := os.Mkdir(s.path(name), 0o700); err != nil {
		return err
	}
	return give(s.path(name), s.who)
}

// file writes a file that git may read, and nobody but us may write.
func (s *session) file(name string, content []byte) error {
	if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
		return err
	}
	return os.Chmod(s.path(name), 0o644) // whatever the umask
}

// secret writes a file that git's user may read, and nobody else.
func (s *session) secret(name string, content []byte) error {
	if err := os.WriteFile(s.path(name), content, 0o400); err != nil {
		return err
	}
	return give(s.path(name), s.who)
}

// find is where a program lies, by git's search path and not by ours.
func find(name string) (string, error) {
	for dir := range strings.SplitSeq(searchPath, ":") {
		if p, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", name, name)
}

// configure writes down all that git gets of configuration and environment.
func (s *session) configure(o Options, k keys) error {
	base := s.settings(o)
	var global strings.Builder
	for _, c := range base {
		section, name, _ := cutLast(c.key, ".")
		if head, sub, ok := strings.Cut(section, "."); ok {
			section = head + " " + strconv.Quote(sub)
		}
		fmt.Fprintf(&global, "[%s]\n\t%s = %s\n", section, name, strconv.Quote(c.value))
	}
	for _, r := range s.remotes {
		k.settings = append(k.settings, s.helper(r)...)
		if r.path == "" {
			continue
		}
		// git serves a repository on this host only to its owner, or to whom it is told.
		for _, p := range []string{r.path, filepath.Join(r.path, ".git")} {
			fmt.Fprintf(&global, "[safe]\n\tdirectory = %s\n", strconv.Quote(p))
		}
	}
	if err := s.file("gitconfig", []byte(global.String())); err != nil {
		return err
	}
	s.env = append(s.environment(), k.env...)
	// What stands in the environment outdoes what somebody might have written into
	// the mirror; what git starts beside a repository on this host sees the file.
	for i, c := range append(base, k.settings...) {
		s.env = append(s.env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, c.key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, c.value))
	}
	s.env = append(s.env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(base)+len(k.settings)))
	return nil
}

func cutLast(text, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

func (s *session) environment() []string {
	return []string{
		"PATH=" + searchPath, "LC_ALL=C", "HOME=" + s.path("home"), "TMPDIR=" + s.path("tmp"), "GNUPGHOME=" + s.path("gnupg"),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + s.path("gitconfig"), "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=never",
		"GIT_CEILING_DIRECTORIES=" + filepath.Dir(s.dir), "GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_LFS_SKIP_SMUDGE=1",
		"GIT_PROTOCOL_FROM_USER=0",
	}
}

func (s *session) settings(o Options) []setting {
	slow := max(1, int(s.limits.Time.Seconds()/4))
	list := []setting{
		{"protocol.allow", "never"},
		{"protocol.version", "2"},
		{"core.hooksPath", "/dev/null"},
		{"core.fsmonitor", "false"},
		{"core.askPass", "/bin/false"},
		{"core.attributesFile", "/dev/null"},
		{"core.fsync", "none"}, // a mirror that a crash damages is made anew
		{"core.useReplaceRefs", "false"},
		{"core.commitGraph", "false"},
		{"core.bigFileThreshold", "1m"}, // what is larger is not held in memory
		{"core.packedGitWindowSize", "16m"},
		{"core.packedGitLimit", "128m"},
		{"core.deltaBaseCacheLimit", "32m"},
		{"pack.threads", "1"},
		{"pack.windowMemory", "32m"},
		{"pack.deltaCacheSize", "16m"},
		{"transfer.fsckObjects", "true"},
		{"fetch.fsckObjects", "true"},
		{"fetch.unpackLimit", "1"}, // everything stays in its pack
		{"fetch.recurseSubmodules", "false"},
		{"fetch.writeCommitGraph", "false"},
		{"fetch.showForcedUpdates", "false"},
		{"submodule.recurse", "false"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"http.sslVerify", "true"},
		{"http.lowSpeedLimit", "256"},
		{"http.lowSpeedTime", strconv.Itoa(slow)},
		{"http.saveCookies", "false"},
		{"credential.helper", ""},
		{"log.showSignature", "false"},
		{"log.mailmap", "false"},
		{"gpg.x509.program", "/bin/false"},
		{"gpg.ssh.defaultKeyCommand", "/bin/false"},
	}
	for _, scheme := range []string{"https", "http", "ssh", "file"} {
		if slices.ContainsFunc(s.remotes, func(r remote) bool { return r.scheme == scheme }) {
			list = append(list, setting{"protocol." + scheme + ".allow", "always"})
		}
	}
	if o.CA != "" {
		list = append(list, setting{"http.sslCAInfo", s.path("ca.pem")})
	}
	return append(list, s.signers.settings(s)...)
}

// command is a call of git in the session: with a repository, or without one.
func (s *session) command(repository string, args ...string) command {
	argv := []string{s.git}
	if repository != "" {
		argv = append(argv, "--git-dir="+repository)
	}
	return s.program(append(argv, args...))
}

// program is a call of git, or of what git calls.
func (s *session) program(argv []string) command {
	b := bounds{memory: s.limits.Memory, file: s.limits.Pack, cpu: int64(s.limits.Time.Seconds()) + 1, tasks: int64(s.limits.Tasks)}
	return command{argv: argv, env: s.env, dir: s.dir, who: s.who, limits: b}
}
