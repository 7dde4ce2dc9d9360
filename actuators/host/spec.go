package host

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"time"
)

// Spec is one plugin: a stranger's program (Path and SHA256) or a role of this
// program (Role).
type Spec struct {
	Name   string         // how actions name it; its Info must say the same
	Path   string         // absolute, without symbolic links
	SHA256 string         // of the program, 64 hexadecimal digits; required with Path
	Role   string         // what Role returns in the new process
	Config map[string]any // handed to the plugin, which reads it with wire.Config; at most 32 KiB as JSON
	User   string         // whom it runs as; empty means whom this process runs as
	Env    []string       // names of variables of this process that it gets; none by default
}

// Options of a Host. The zero value is what the controller uses.
type Options struct {
	Folder       string        // of the sockets; default /run/evenkeel/plugins
	StartTimeout time.Duration // from launch to the first answer; default 10 s
	StopTimeout  time.Duration // from a polite stop to SIGKILL; default 3 s
	CallTimeout  time.Duration // of a call whose context has no deadline; default 5 min
	Idle         time.Duration // without a call, after which a plugin is stopped; default 2 min
	Backoff      time.Duration // before a start after a crash, doubled up to a minute; default 1 s
	Crashes      int           // in a row that quarantine a plugin; default 5
	Quarantine   time.Duration // until it is tried again, once; default 1 h
	Cgroup       string        // a cgroup v2 folder for a child per plugin, that is killed whole; empty: process groups only
	Logger       *slog.Logger  // default: none
	// Scratch accepts a program below /tmp and of this user, for tests of
	// plugins. The folders of a real host must be root's.
	Scratch bool
}

func (o Options) withDefaults() Options {
	if o.Folder == "" {
		o.Folder = "/run/evenkeel/plugins"
	}
	for _, d := range []struct {
		at *time.Duration
		is time.Duration
	}{
		{&o.StartTimeout, 10 * time.Second},
		{&o.StopTimeout, 3 * time.Second},
		{&o.CallTimeout, 5 * time.Minute},
		{&o.Idle, 2 * time.Minute},
		{&o.Backoff, time.Second},
		{&o.Quarantine, time.Hour},
	} {
		if *d.at <= 0 {
			*d.at = d.is
		}
	}
	if o.Crashes <= 0 {
		o.Crashes = 5
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// maxConfig bounds the config of a plugin, in bytes of JSON.
const maxConfig = 32 << 10

var goodName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// check says what is wrong with a Spec, and how to mend it.
func (s Spec) check() error {
	if !goodName.MatchString(s.Name) {
		return fmt.Errorf("actuator %q: the name must be lower-case letters, digits and -, at most 32", s.Name)
	}
	if (s.Path == "") == (s.Role == "") {
		return fmt.Errorf("actuator %s: give a path or a role", s.Name)
	}
	if s.Path != "" {
		if !filepath.IsAbs(s.Path) || filepath.Clean(s.Path) != s.Path {
			return fmt.Errorf("actuator %s: path %q: must be absolute and clean", s.Name, s.Path)
		}
		if sum, err := hex.DecodeString(s.SHA256); err != nil || len(sum) != 32 {
			return fmt.Errorf("actuator %s: sha256 %q: must be 64 hexadecimal digits: run sha256sum %s", s.Name, s.SHA256, s.Path)
		}
	}
	if _, err := s.config(); err != nil {
		return fmt.Errorf("actuator %s: %w", s.Name, err)
	}
	return nil
}

// config is the JSON that the plugin gets, empty for none.
func (s Spec) config() (string, error) {
	if len(s.Config) == 0 {
		return "", nil
	}
	text, err := json.Marshal(s.Config)
	if err != nil {
		return "", fmt.Errorf("encode config: %w", err)
	}
	if len(text) > maxConfig {
		return "", fmt.Errorf("config of %d bytes: at most %d", len(text), maxConfig)
	}
	return string(text), nil
}

// program is what the operator would recognise it by.
func (s Spec) program() string {
	if s.Role != "" {
		return "role " + s.Role
	}
	return s.Path
}
