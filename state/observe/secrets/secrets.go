package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
)

// Folder is where credentials lie where policy names no folder.
const Folder = "/etc/evenkeel/credentials"

// maxValue bounds a value.
const maxValue = 64 << 10

// Reader reads secrets of this host. It is safe for concurrent use.
type Reader struct {
	folders atomic.Pointer[[]string]
	env     func(string) (string, bool)
}

// New returns a Reader that knows Folder, and systemd's $CREDENTIALS_DIRECTORY.
func New() *Reader {
	r := &Reader{env: os.LookupEnv}
	r.Use(nil)
	return r
}

// Use sets the folders of credentials that policy names; none: Folder. The one
// that systemd made for this service is always one of them.
func (r *Reader) Use(folders []string) {
	all := append([]string(nil), folders...)
	if len(all) == 0 {
		all = []string{Folder}
	}
	if own, ok := r.env("CREDENTIALS_DIRECTORY"); ok && filepath.IsAbs(own) {
		all = append(all, filepath.Clean(own))
	}
	r.folders.Store(&all)
}

// Folders are those in which credentials are looked for.
func (r *Reader) Folders() []string { return slices.Clone(*r.folders.Load()) }

// Value reads a value, as it is now, without the line break at its end.
func (r *Reader) Value(_ context.Context, s desired.Secret) (string, error) {
	switch {
	case s.FromCredential != "":
		return r.credential(s.FromCredential)
	case s.FromFile != "":
		return r.file(s.FromFile)
	case s.FromEnv != "":
		v, ok := r.env(s.FromEnv)
		if !ok || v == "" {
			return "", fmt.Errorf("the variable %s is not set for evenkeel; systemctl edit evenkeel can set it", s.FromEnv)
		}
		return v, nil
	}
	return "", errors.New("it is not said where the secret is")
}

func (r *Reader) credential(name string) (string, error) {
	if name != filepath.Base(name) || name == "." || name == ".." {
		return "", fmt.Errorf("%q is not the name of a credential: it names no folder", name)
	}
	folders := *r.folders.Load()
	for _, folder := range folders {
		v, err := read(folder, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return v, err
		}
	}
	return "", absent(fmt.Sprintf("there is no credential %s in %s", name, strings.Join(folders, ", ")))
}

// absent is the error of a credential that is not there, for which some can do
// without it.
type absent string

func (a absent) Error() string { return string(a) }

// Is tells that it is a file that does not exist.
func (a absent) Is(target error) bool { return target == fs.ErrNotExist }

// file reads a file by its path, which must lie below one of the folders.
func (r *Reader) file(path string) (string, error) {
	folders := *r.folders.Load()
	for _, folder := range folders {
		if rel, err := filepath.Rel(folder, filepath.Clean(path)); err == nil && filepath.IsLocal(rel) && rel != "." {
			return read(folder, rel)
		}
	}
	return "", fmt.Errorf("%s does not lie below a folder of credentials: %s", path, strings.Join(folders, ", "))
}

// read reads a file below a folder, and follows no link that leads out of it.
func read(folder, name string) (string, error) {
	path := filepath.Join(folder, name)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe must not make us wait
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", path, err)
	}
	defer f.Close()
	if err := safe(f, path); err != nil {
		return "", err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxValue+1))
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", path, err)
	}
	b = bytes.TrimSuffix(b, []byte("\n"))
	switch {
	case len(b) > maxValue:
		return "", fmt.Errorf("the secret %s is larger than 64 KiB", path)
	case len(b) == 0:
		return "", fmt.Errorf("the secret %s is empty", path)
	}
	return string(b), nil
}

// safe refuses what others may have written or can read.
func safe(f *os.File, path string) error {
	fi, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read the secret %s: %w", path, err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	switch {
	case !fi.Mode().IsRegular():
		return fmt.Errorf("the secret %s is not a regular file", path)
	case !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Errorf("the secret %s does not belong to root: chown root %s", path, path)
	case fi.Mode().Perm()&0o007 != 0:
		return fmt.Errorf("the secret %s is open to everybody: chmod 600 %s", path, path)
	case fi.Mode().Perm()&0o020 != 0:
		return fmt.Errorf("the secret %s can be written by its group: chmod 600 %s", path, path)
	}
	return nil
}
