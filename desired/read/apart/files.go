package apart

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired/read"
)

// found is what the parent says of a path. The content of a file that read would
// refuse for its size is left out.
type found struct {
	Info    about
	Content []byte
	Inside  []about // of a folder
	Fault   *fault
}

// about is one file or folder.
type about struct {
	Name string
	Size int64
	Mode uint32 // as fs.FileMode
	Time int64  // in nanoseconds since 1970
}

func aboutOf(i fs.FileInfo) about {
	return about{Name: i.Name(), Size: i.Size(), Mode: uint32(i.Mode()), Time: i.ModTime().UnixNano()}
}

// shelf hands out the files of a file system, and only so many bytes of them.
type shelf struct {
	fsys fs.FS
	left int64
}

var errGreedy = errors.New("it asks for more than it may read")

// find answers the child. What it may not have is an error, and ends it; what
// is not there is an answer.
func (s *shelf) find(name string) (found, error) {
	if !fs.ValidPath(name) {
		return found{Fault: faultOf(fs.ErrInvalid)}, nil
	}
	f, err := s.fsys.Open(name)
	if err != nil {
		return found{Fault: faultOf(plain(err))}, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return found{Fault: faultOf(plain(err))}, nil
	}
	is := found{Info: aboutOf(info)}
	switch {
	case info.IsDir():
		is.Inside, err = inside(s.fsys, name)
	case info.Mode().IsRegular() && info.Size() <= read.MaxFile:
		is.Content, err = io.ReadAll(io.LimitReader(f, read.MaxFile+1))
	}
	if err != nil {
		return found{Fault: faultOf(plain(err))}, nil
	}
	if s.left -= int64(len(is.Content)); s.left < 0 {
		return found{}, errGreedy
	}
	return is, nil
}

// plain is an error without the path and the call, which whoever opens it in the
// child says again.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func inside(fsys fs.FS, name string) ([]about, error) {
	entries, err := fs.ReadDir(fsys, name)
	if err != nil {
		return nil, err
	}
	all := make([]about, 0, len(entries))
	for _, e := range entries {
		i, err := e.Info()
		if err != nil {
			return nil, err
		}
		all = append(all, aboutOf(i))
	}
	return all, nil
}

// What is handed over with the question, because asking for it would take longer:
// folders, YAML and other small files, as long as all is little.
const (
	smallFile  = 16 << 10
	enoughSoon = 8 << 20
	mostSoon   = 10_000
)

// soon finds what the child will most likely ask for.
func (s *shelf) soon() map[string]found {
	early := map[string]found{}
	size := 0
	_ = fs.WalkDir(s.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // the child asks, and is told
		case size > enoughSoon || len(early) == mostSoon:
			return fs.SkipAll
		case d.IsDir() && name != "." && d.Name()[0] == '.':
			return fs.SkipDir
		case !d.IsDir() && !worthIt(name, d):
			return nil
		}
		is, err := s.find(name)
		if err == nil && is.Fault == nil {
			early[name] = is
			size += len(name) + len(is.Content) + len(is.Inside)*perEntry
		}
		return nil
	})
	return early
}

func worthIt(name string, d fs.DirEntry) bool {
	i, err := d.Info()
	if err != nil || !i.Mode().IsRegular() {
		return false
	}
	yaml := path.Ext(name) == ".yaml" || path.Ext(name) == ".yml"
	return i.Size() <= smallFile || yaml && i.Size() <= read.MaxFile
}

// files is the child's view of them: what it was not given with the question is
// asked for when it is opened.
type files struct {
	mu    sync.Mutex // one question at a time
	in    io.Reader
	out   io.Writer
	early map[string]found // each is given once, so that it is not kept
}

// Open opens a file or a folder.
func (f *files) Open(name string) (fs.File, error) {
	is, err := f.ask(name)
	if err == nil && is.Fault != nil {
		err = is.Fault.error()
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if fs.FileMode(is.Info.Mode).IsDir() {
		return &folder{is: is.Info, left: is.Inside}, nil
	}
	return &file{is: is.Info, Reader: bytes.NewReader(is.Content)}, nil
}

func (f *files) ask(name string) (is found, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if is, ok := f.early[name]; ok {
		delete(f.early, name)
		return is, nil
	}
	if err := send(f.out, open, []byte(name)); err != nil {
		return is, err
	}
	_, body, err := receive(f.in, map[byte]int{opened: maxAsk})
	if err != nil {
		return is, err
	}
	return is, unpack(body, &is, 2*maxAsk)
}

type file struct {
	is about
	io.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return info{f.is}, nil }
func (f *file) Close() error               { return nil }

type folder struct {
	is   about
	left []about
}

func (d *folder) Stat() (fs.FileInfo, error) { return info{d.is}, nil }
func (d *folder) Close() error               { return nil }

func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.is.Name, Err: fs.ErrInvalid}
}

// ReadDir lists the next n names, all that are left for n of 0 or less.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(d.left) == 0 {
		return nil, io.EOF
	}
	now := d.left
	if n > 0 && n < len(now) {
		now = now[:n]
	}
	d.left = d.left[len(now):]
	entries := make([]fs.DirEntry, len(now))
	for i, one := range now {
		entries[i] = fs.FileInfoToDirEntry(info{one})
	}
	return entries, nil
}

// info is about as an fs.FileInfo.
type info struct{ is about }

func (i info) Name() string       { return path.Base(i.is.Name) }
func (i info) Size() int64        { return i.is.Size }
func (i info) Mode() fs.FileMode  { return fs.FileMode(i.is.Mode) }
func (i info) ModTime() time.Time { return time.Unix(0, i.is.Time) }
func (i info) IsDir() bool        { return i.Mode().IsDir() }
func (i info) Sys() any           { return nil }
