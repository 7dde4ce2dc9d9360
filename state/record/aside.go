package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// maxAside is how many damaged files are kept.
const maxAside = 3

// replace sets the database aside and begins a fresh one.
func (s *Store) replace(m mark, why string) error {
	if err := s.closeDB(); err != nil {
		s.o.Log.Warn("the database is not closed", "err", err)
	}
	name, err := s.asideName()
	if err != nil {
		return err
	}
	if err := os.Rename(s.path(), name); err != nil {
		return fmt.Errorf("set the database aside: %w", err)
	}
	s.prune()
	s.o.Log.Error("the database is set aside", "reason", why, "as", name)
	if why != "" {
		why += ", set aside as " + filepath.Base(name)
	}
	return s.begin(m, why)
}

// keepCopy keeps a copy of a database that is doubtful and goes on being used,
// for whoever looks into it.
func (s *Store) keepCopy() {
	name, err := s.asideName()
	if err == nil {
		err = copyFile(name, s.path())
	}
	if err != nil {
		s.o.Log.Warn("no copy of the doubtful database is kept", "err", err)
		_ = os.Remove(name)
		return
	}
	s.prune()
}

// asideName finds a name with the time that is still free.
func (s *Store) asideName() (string, error) {
	base := s.path() + ".damaged-" + s.o.Now().UTC().Format("20060102T150405Z")
	name := base
	for i := 2; i < 100; i++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		name = fmt.Sprintf("%s-%02d", base, i)
	}
	return "", fmt.Errorf("set the database aside: %s and its like exist", base)
}

// prune removes all but the newest of what was set aside.
func (s *Store) prune() {
	old, err := filepath.Glob(s.path() + ".damaged-*")
	if err != nil || len(old) <= maxAside {
		return
	}
	slices.Sort(old)
	for _, name := range old[:len(old)-maxAside] {
		if err := os.Remove(name); err != nil {
			s.o.Log.Warn("an old damaged database is not removed", "err", err)
		}
	}
}

// compact writes the database anew, without what is free in it. Where that
// fails before the new file is in place, the old one goes on being used.
func (s *Store) compact() error {
	err := s.build(func(dst *bolt.DB) error { return bolt.Compact(dst, s.db, 1<<20) })
	if err == nil {
		return nil
	}
	err = fmt.Errorf("compact the database: %w", err)
	if s.db == nil {
		s.trouble = err
	}
	return err
}

func copyFile(to, from string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// syncDir makes renames in a folder last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", dir, err)
	}
	return nil
}
