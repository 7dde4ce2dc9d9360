package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/desired/read/verify"
	"github.com/pakashop/evenkeel/state"
)

// draft is a folder in the making, beside the one that it will become, so that
// an interrupted import leaves nothing under that name.
type draft struct {
	dir   string // what it will be
	trial string // where it is written
}

func newDraft(dir string) (*draft, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	trial, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".import-")
	if err != nil {
		return nil, err
	}
	return &draft{dir, trial}, nil
}

// mayWrite refuses a folder that holds something, before any work is done. Only
// one that an import has written can be just what this one writes.
func mayWrite(dir string) error {
	if i, err := os.Stat(dir); err == nil && !i.IsDir() {
		return fmt.Errorf("%s is no folder", dir)
	}
	empty, err := emptyFolder(dir)
	if err == nil && !empty && !exists(filepath.Join(dir, adopt.SchemaFile)) {
		err = notEmpty(dir, "what it holds")
	}
	return err
}

func (d *draft) discard() { _ = os.RemoveAll(d.trial) }

// write writes all files anew.
func (d *draft) write(files []adopt.File) error {
	entries, err := os.ReadDir(d.trial)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(d.trial, e.Name())); err != nil {
			return err
		}
	}
	for _, f := range files {
		name := filepath.Join(d.trial, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Content, 0o644); err != nil {
			return err
		}
	}
	return d.readable()
}

// readable gives everything the same modes, whatever the umask.
func (d *draft) readable() error {
	return filepath.WalkDir(d.trial, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return os.Chmod(name, 0o755)
		}
		return os.Chmod(name, 0o644)
	})
}

// inside is the path of a file of the draft, within it.
func (d *draft) inside(name string) string {
	rel, err := filepath.Rel(d.trial, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(rel)
}

// place gives the draft its name. A folder that holds anything else stays as it
// is; one that holds the very same needs nothing.
func (d *draft) place(f adopt.Folder) error {
	empty, err := emptyFolder(d.dir)
	if err != nil {
		return err
	}
	if !empty {
		other, err := differs(d.dir, f.Files)
		if err == nil && other != "" {
			err = notEmpty(d.dir, other)
		}
		return err
	}
	if err := unix.Rename(d.trial, d.dir); err != nil {
		return fmt.Errorf("rename %s to %s: %w", d.trial, d.dir, err)
	}
	return nil
}

func notEmpty(dir, other string) error {
	return fmt.Errorf("%s is not empty, and %s is not what would be written there; nothing is ever overwritten, so name a new folder", dir, other)
}

// emptyFolder tells a folder that holds nothing, or that does not exist.
func emptyFolder(dir string) (bool, error) {
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	_, err = f.Readdirnames(1)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// differs is the path of something that is in a folder and should not be, or is
// not and should be; empty where there is nothing. It reads no more than it must.
func differs(dir string, files []adopt.File) (string, error) {
	missing := make(map[string][]byte, len(files))
	for _, f := range files {
		missing[f.Path] = f.Content
	}
	var other string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		want, ok := missing[filepath.ToSlash(rel)]
		delete(missing, filepath.ToSlash(rel))
		if i, err := e.Info(); err != nil || !ok || !i.Mode().IsRegular() || i.Size() != int64(len(want)) {
			other = rel
			return cmp.Or(err, fs.SkipAll)
		}
		have, err := os.ReadFile(name)
		if err == nil && !bytes.Equal(have, want) {
			other, err = rel, fs.SkipAll
		}
		return err
	})
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		other = cmp.Or(other, name)
	}
	return other, err
}

// checkDraft is validate.
func (a *app) checkDraft(ctx context.Context, d *draft) (*desired.Set, read.Problems, error) {
	set, problems, err := a.load([]string{d.trial}, false)
	if err != nil || set == nil {
		return nil, problems, err
	}
	more, err := verify.Units(ctx, set)
	if err != nil && !errors.Is(err, verify.ErrNoTool) {
		a.say("warning: systemd was not asked about the unit files: %v", err)
	}
	return set, append(problems, more...), nil
}

// differences is diff: what the folder and the host still do not agree on, as
// far as it was not said before.
func differences(ctx context.Context, set *desired.Set, o eyes, said []adopt.Note) []adopt.Note {
	v := survey(ctx, set, state.UnknownPast(), o)
	var out []adopt.Note
	add := func(object string, reason state.Reason, detail string) {
		if reason == state.DaemonReloadNeeded && slices.ContainsFunc(said, func(n adopt.Note) bool { return strings.Contains(n.Text, string(reason)) }) {
			return
		}
		out = append(out, adopt.Note{Unit: object, Text: fmt.Sprintf("diff says %s: %s", reason, detail)})
	}
	for _, s := range v.Plan.Steps {
		if s.Effect != actuators.None {
			add(s.Object, s.Reason, s.Detail)
		}
	}
	for _, h := range v.Plan.Held {
		if !h.Info {
			add(h.Object, h.Reason, h.Detail)
		}
	}
	return out
}
