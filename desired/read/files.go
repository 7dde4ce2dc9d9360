package read

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
)

// tree is a folder from which nothing outside of it can be read.
type tree struct {
	shown string // how its paths begin in messages; empty: as they are
	fsys  fs.FS
	root  *os.Root // nil: fsys was given
}

// file is one YAML file.
type file struct {
	tree        *tree
	name        string // within the tree
	shown       string // as the user would write it
	environment string // whose overlay it belongs to; empty: none
	over        bool   // its objects take the place of others: see Options.Over
	content     []byte
}

// openTree opens what a path names: a folder, or the folder of a file, whose
// name is then returned.
func openTree(fsys fs.FS, name string) (*tree, string, error) {
	if fsys != nil {
		return subTree(fsys, path.Clean(name))
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, "", err
	}
	dir, only := name, ""
	if !info.IsDir() {
		dir, only = filepath.Split(filepath.Clean(name))
		if dir == "" {
			dir = "."
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", err
	}
	shown := filepath.Clean(dir)
	if shown == "." {
		shown = ""
	}
	return &tree{shown: shown, fsys: root.FS(), root: root}, only, nil
}

func subTree(fsys fs.FS, name string) (*tree, string, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, "", err
	}
	dir, only := name, ""
	if !info.IsDir() {
		dir, only = path.Dir(name), path.Base(name)
	}
	sub, err := fs.Sub(fsys, dir)
	if dir == "." {
		dir = ""
	}
	return &tree{shown: dir, fsys: sub}, only, err
}

func (t *tree) close() {
	if t.root != nil {
		t.root.Close()
	}
}

func (t *tree) show(name string) string {
	if t.shown == "" {
		return name
	}
	return filepath.Join(t.shown, name)
}

// open never waits: what is not a regular file is refused, a FIFO too.
func (t *tree) open(name string) (fs.File, error) {
	if t.root == nil {
		return t.fsys.Open(name)
	}
	return t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
}

var (
	errTooLarge = fmt.Errorf("is larger than %d MiB", maxFile>>20)
	errTooMuch  = fmt.Errorf("all files together are larger than %d MiB", maxTotal>>20)
	errNoFile   = errors.New("is not a file")
)

// read reads one file within the limits.
func (t *tree) read(name string, total *atomic.Int64) ([]byte, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	case info.Size() > maxFile:
		return nil, errTooLarge
	}
	b := make([]byte, 0, info.Size()+1)
	b, err = appendAll(b, io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxFile:
		return nil, errTooLarge
	case total.Add(int64(len(b))) > maxTotal:
		return nil, errTooMuch
	}
	return b, nil
}

func appendAll(b []byte, r io.Reader) ([]byte, error) {
	for {
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			return b, err
		}
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
	}
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// list finds the YAML files below the tree, in order of name. Names that begin
// with a dot are passed over, and so are links to folders of the same tree:
// what they lead to is found under its own name.
func (t *tree) list() ([]*file, Problems) {
	var all []*file
	var problems Problems
	trouble := func(name string, err error) {
		problems = append(problems, Problem{Pos: desired.Pos{File: t.show(name)}, Message: because(err), Trouble: err})
	}
	err := fs.WalkDir(t.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			trouble(name, err)
			return nil
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			if p, ok := t.link(name); !ok {
				problems = append(problems, p)
				return nil
			}
		}
		if !d.IsDir() && isYAML(name) && !t.isFolder(name, d) {
			all = append(all, t.file(name))
		}
		return nil
	})
	if err != nil {
		trouble(".", err)
	}
	return all, problems
}

// link refuses a symlink that leads out of the tree, or nowhere, where it
// would matter.
func (t *tree) link(name string) (Problem, bool) {
	_, err := fs.Stat(t.fsys, name)
	if err == nil {
		return Problem{}, true
	}
	if !isYAML(name) && errors.Is(err, fs.ErrNotExist) {
		return Problem{}, true
	}
	msg := "is a symlink that leads out of the folder; put the file itself here"
	if errors.Is(err, fs.ErrNotExist) {
		msg = "is a symlink that leads nowhere"
	}
	return Problem{Pos: desired.Pos{File: t.show(name)}, Message: msg}, false
}

func (t *tree) isFolder(name string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return false
	}
	info, err := fs.Stat(t.fsys, name)
	return err == nil && info.IsDir()
}

func (t *tree) file(name string) *file {
	f := &file{tree: t, name: name, shown: t.show(name)}
	if rest, ok := strings.CutPrefix(name, "environments/"); ok {
		if env, _, deeper := strings.Cut(rest, "/"); deeper {
			f.environment = env
		}
	}
	return f
}
