package git

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// Commit is who changed what when, as a commit says it itself.
type Commit struct {
	ID      string    `json:"id"` // in hexadecimal, whole
	Parents []string  `json:"parents,omitempty"`
	Author  string    `json:"author"` // name and mail address
	Time    time.Time `json:"time"`   // of the commit, not of the change
	Subject string    `json:"subject"`
	Signer  string    `json:"signer,omitempty"` // whose good signature it bears; empty: nobody's, or nobody asked
}

// Tree is the files of one commit, or of a folder of it, as they lie in git's
// object store: regular files only. It is an fs.FS, and is never changed once it
// is made.
type Tree struct {
	Commit Commit
	files  map[string][]byte   // by path, as fs.ValidPath has it
	folder map[string][]string // by path: the names in it, sorted
}

// NewTree makes a Tree of files by their paths. Paths must be valid for io/fs,
// and no file may lie where another one has its folder.
func NewTree(c Commit, files map[string][]byte) (*Tree, error) {
	t := &Tree{Commit: c, files: files, folder: map[string][]string{".": nil}}
	for name := range files {
		if !fs.ValidPath(name) || name == "." {
			return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
		}
		for child := name; child != "."; {
			dir := path.Dir(child)
			_, known := t.folder[dir]
			t.folder[dir] = append(t.folder[dir], path.Base(child))
			if known {
				break
			}
			child = dir
		}
	}
	for dir, names := range t.folder {
		if _, both := files[dir]; both {
			return nil, &fs.PathError{Op: "read", Path: dir, Err: fs.ErrExist}
		}
		slices.Sort(names)
		t.folder[dir] = slices.Compact(names)
	}
	return t, nil
}

// Files lists the paths, sorted.
func (t *Tree) Files() []string {
	names := make([]string, 0, len(t.files))
	for name := range t.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open opens a file or a folder.
func (t *Tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if content, ok := t.files[name]; ok {
		return &openFile{info: t.info(name), Reader: bytes.NewReader(content)}, nil
	}
	if names, ok := t.folder[name]; ok {
		return &openFolder{tree: t, name: name, left: names}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (t *Tree) info(name string) fs.FileInfo {
	content, file := t.files[name]
	return info{name: path.Base(name), size: int64(len(content)), folder: !file, time: t.Commit.Time}
}

// info is what is known of a file or a folder.
type info struct {
	name   string
	size   int64
	folder bool
	time   time.Time
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return i.time }
func (i info) IsDir() bool        { return i.folder }
func (i info) Sys() any           { return nil }

func (i info) Mode() fs.FileMode {
	if i.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

type openFile struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openFolder struct {
	tree *Tree
	name string
	left []string
}

func (d *openFolder) Stat() (fs.FileInfo, error) { return d.tree.info(d.name), nil }
func (d *openFolder) Close() error               { return nil }

func (d *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: fs.ErrInvalid}
}

// ReadDir lists the next n names, all that are left for n of 0 or less.
func (d *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.left) == 0 {
		return nil, io.EOF
	}
	names := d.left
	if n > 0 && n < len(names) {
		names = names[:n]
	}
	d.left = d.left[len(names):]
	entries := make([]fs.DirEntry, len(names))
	for i, name := range names {
		entries[i] = fs.FileInfoToDirEntry(d.tree.info(strings.TrimPrefix(d.name+"/"+name, "./")))
	}
	return entries, nil
}
