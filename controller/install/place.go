package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Where evenkeel's own things lie on a host.
const (
	Folder     = "/etc/evenkeel"
	PolicyPath = Folder + "/policy.yaml"
	DesiredDir = Folder + "/desired"
	ListPath   = Folder + "/installed.json" // what install wrote: see List
	UnitDir    = "/etc/systemd/system"
	UnitPath   = UnitDir + "/" + UnitName
)

// File is one that is to be put on a host.
type File struct {
	Path    string // absolute, on the host
	Content []byte
}

// What Place did with a file or folder.
const (
	Wrote  = "wrote"
	Made   = "made"
	Same   = "unchanged" // it lies there already, byte for byte
	Exists = "exists"    // something else lies there, and stays
)

// Placed is one file or folder and what was done with it.
type Placed struct {
	Path string
	Did  string
}

// Place puts files, mode 0644, and the folder of desired state below root, and
// writes down what it wrote. A file that exists stays as it is; with beside the
// new one is then written next to it, as NAME.new.
func Place(root string, files []File, beside bool) ([]Placed, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", root, err)
	}
	defer r.Close()
	list, err := readList(r)
	if err != nil {
		return nil, err
	}
	if err := r.MkdirAll(inside(UnitDir), 0o755); err != nil { // systemd's: not noted
		return nil, fmt.Errorf("make %s: %w", UnitDir, err)
	}
	var all []Placed
	for _, dir := range []string{Folder, DesiredDir} {
		made, err := list.folder(r, dir)
		if err != nil {
			return all, err
		}
		if made {
			all = append(all, Placed{dir, Made})
		}
	}
	for _, f := range files {
		some, err := list.file(r, f, beside)
		all = append(all, some...)
		if err != nil {
			return all, errors.Join(err, list.write(r))
		}
	}
	return all, list.write(r)
}

// folder makes a folder that is missing, and notes it.
func (l *List) folder(r *os.Root, dir string) (made bool, err error) {
	if i, err := r.Stat(inside(dir)); err == nil {
		if !i.IsDir() {
			return false, fmt.Errorf("make %s: a file lies there; move it away", dir)
		}
		return false, nil
	}
	if err := r.MkdirAll(inside(dir), 0o755); err != nil {
		return false, fmt.Errorf("make %s: %w", dir, err)
	}
	l.Folders = append(l.Folders, dir)
	return true, nil
}

// file writes one file, or the one beside it.
func (l *List) file(r *os.Root, f File, beside bool) ([]Placed, error) {
	had, err := contentOf(r, f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(r, f); err != nil {
			return nil, err
		}
		l.Files[f.Path] = digest(f.Content)
		return []Placed{{f.Path, Wrote}}, nil
	case err != nil:
		return nil, err
	case bytes.Equal(had, f.Content):
		return []Placed{{f.Path, Same}}, nil
	}
	placed := []Placed{{f.Path, Exists}}
	if !beside {
		return placed, nil
	}
	next := File{f.Path + ".new", f.Content}
	old, err := contentOf(r, next.Path)
	if err == nil && !bytes.Equal(old, next.Content) && l.Files[next.Path] == digest(old) { // install's own of another day
		if err := r.Remove(inside(next.Path)); err != nil {
			return placed, fmt.Errorf("replace %s: %w", next.Path, err)
		}
	}
	more, err := l.file(r, next, false)
	return append(placed, more...), err
}

// create writes a file that is not there. It is whole once it has its name.
func create(r *os.Root, f File) error {
	temp := path.Join(path.Dir(f.Path), ".evenkeel-install")
	_ = r.Remove(inside(temp))
	h, err := r.OpenFile(inside(temp), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	_, err = h.Write(f.Content)
	err = errors.Join(err, h.Chmod(0o644), h.Sync(), h.Close())
	if err == nil {
		err = r.Link(inside(temp), inside(f.Path)) // fails where a file has come meanwhile
	}
	if err = errors.Join(err, r.Remove(inside(temp))); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return nil
}

// biggest bounds what is read of a file that should be one of ours.
const biggest = 1 << 20

// contentOf reads a file. Something that is no regular file has no content, and
// is not the file that it should be.
func contentOf(r *os.Root, name string) ([]byte, error) {
	i, err := r.Lstat(inside(name))
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", name, err)
	}
	if !i.Mode().IsRegular() {
		return nil, nil
	}
	f, err := r.Open(inside(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, biggest))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// inside is a path as os.Root takes it.
func inside(p string) string {
	if p = strings.TrimPrefix(path.Clean(p), "/"); p == "" {
		return "."
	}
	return p
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
