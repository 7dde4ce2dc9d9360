package changes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// unitFolders are where units and their links come to lie by hand; what
// packages put elsewhere, Dpkg and Rpm know.
var unitFolders = []string{
	"/etc/systemd/system", "/etc/systemd/system.control", "/run/systemd/system", "/run/systemd/system.control", "/usr/local/lib/systemd/system",
}

// maxFiles bounds how many files one reading looks at.
const maxFiles = 20000

// Files knows the unit files, drop-ins, links and masks that changed, and of the
// given paths the files that did. A file tells of its last change alone; of what
// is gone, its folder tells that something is.
func Files(paths []string) Source {
	return Source{"file", func(ctx context.Context, w Window) ([]Change, error) {
		s := scan{w: w, ctx: ctx}
		for _, dir := range unitFolders {
			s.tree(dir)
		}
		for _, p := range paths {
			s.one(p)
		}
		return s.rows, errors.Join(s.errs...)
	}}
}

// scan collects what changed.
type scan struct {
	ctx  context.Context
	w    Window
	seen int
	rows []Change
	errs []error
}

// tree looks at all that lies in a folder. Temporary files of evenkeel's own,
// which begin with a dot, are gone in a moment.
func (s *scan) tree(dir string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			s.errs = append(s.errs, err)
			return nil
		case s.ctx.Err() != nil:
			return s.ctx.Err()
		case s.seen == maxFiles:
			return fmt.Errorf("%s holds more than %d files", dir, maxFiles)
		}
		s.seen++
		if !strings.HasPrefix(d.Name(), ".") {
			s.one(path)
		}
		return nil
	})
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// one looks at one file, link or folder.
func (s *scan) one(path string) {
	i, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		s.errs = append(s.errs, err)
		return
	}
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	changed := time.Unix(st.Ctim.Unix())
	if s.w.has(changed) {
		s.rows = append(s.rows, Change{Time: changed, Object: path, What: whatOf(path, i, changed)})
	}
}

// settle is how long after its content a file's owner and mode may be set by
// the same hand.
const settle = 2 * time.Second

// changedFolder is all that a folder tells.
const changedFolder = "something in it was made, renamed or removed"

// whatOf says what happened to a file, as far as it shows.
func whatOf(path string, i fs.FileInfo, changed time.Time) string {
	switch {
	case i.Mode()&fs.ModeSymlink != 0:
		to, _ := os.Readlink(path)
		if to == "/dev/null" {
			return "masked"
		}
		return "linked to " + shorten(to)
	case i.IsDir():
		return changedFolder
	case changed.Sub(i.ModTime()) > settle:
		return "put there, renamed, or its owner or mode set; written " + i.ModTime().UTC().Format(time.RFC3339)
	}
	return "written"
}
