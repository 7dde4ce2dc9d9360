package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/pakashop/evenkeel/actuators"
)

// Config is what an operator may write under config of the Actuator object.
type Config struct {
	Folder string `json:"folder"` // where pam_motd looks for its files
}

// Motd is the actuator. A target is a name; its line is in a file of that name.
type Motd struct {
	folder string
}

var (
	_ actuators.Actuator  = (*Motd)(nil)
	_ actuators.Previewer = (*Motd)(nil)
)

// New makes the actuator.
func New(c Config) *Motd { return &Motd{folder: c.Folder} }

var info = actuators.Info{
	Name:    "motd",
	Version: "1.0.0",
	Verbs: []actuators.Verb{
		{Name: "set", Effect: actuators.Benign, Args: []string{"text"}, Help: "Shows a line to everybody who logs in."},
		{Name: "clear", Effect: actuators.Benign, Help: "Takes a line away again."},
	},
}

// Info never changes while the plugin runs.
func (m *Motd) Info(context.Context) (actuators.Info, error) { return info, nil }

// Apply makes the line what it should be.
func (m *Motd) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	todo, res, err := m.decide(ctx, r)
	if err != nil || !res.Changed {
		return res, err
	}
	if err := todo(); err != nil {
		return actuators.Result{}, actuators.Errorf(kind(err), "%s: %w", r.Action, err)
	}
	return res, nil
}

// Preview says what Apply would do: it decides the same, and does nothing.
func (m *Motd) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	_, res, err := m.decide(ctx, r)
	return res, err
}

// decide checks the request and looks at the world. The function it returns
// makes the change, if there is one to make.
func (m *Motd) decide(ctx context.Context, r actuators.Request) (func() error, actuators.Result, error) {
	if err := info.Check(r); err != nil {
		return nil, actuators.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: %w", r.Action, err)
	}
	path, err := m.path(r.Target)
	if err != nil {
		return nil, actuators.Result{}, err
	}
	have, err := os.ReadFile(path)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, actuators.Result{}, actuators.Errorf(kind(err), "%s: %w", r.Action, err)
	}
	if r.Verb == "clear" {
		return func() error { return remove(path) }, actuators.Result{Changed: there, Detail: "clear " + r.Target}, nil
	}
	text := r.Args["text"]
	if text == "" || strings.ContainsFunc(text, unicode.IsControl) {
		return nil, actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: text must be one line", r.Action)
	}
	want := text + "\n"
	return func() error { return write(path, want) }, actuators.Result{Changed: !there || string(have) != want, Detail: "show " + r.Target}, nil
}

var name = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// path keeps a target inside the folder.
func (m *Motd) path(target string) (string, error) {
	if !name.MatchString(target) {
		return "", actuators.Errorf(actuators.Invalid, "target %q: must be lower-case letters, digits and -", target)
	}
	return filepath.Join(m.folder, target), nil
}

// remove is content when somebody else was faster.
func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write replaces the file in one step: who logs in sees the old line or the
// new one, and two writers at once do not mix.
func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".motd-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // in vain once it is renamed
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// kind says what the caller should do about an error of the file system.
func kind(err error) actuators.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return actuators.NotFound
	case errors.Is(err, fs.ErrPermission):
		return actuators.Refused
	default:
		return actuators.Failed
	}
}
