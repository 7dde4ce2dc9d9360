package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Remove takes away what a survey found and what is not kept. It goes on after
// a failure, and returns what it removed and all that failed.
func Remove(p Places, traces []Trace) (removed []Trace, err error) {
	var errs []error
	for _, t := range traces {
		if t.Keep != "" {
			continue
		}
		err := remove(filepath.Join(p.Root, t.Path), t.All)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			errs = append(errs, fmt.Errorf("remove %s: %w", t.Path, err))
		default:
			removed = append(removed, t)
		}
		if dir := filepath.Dir(t.Path); isLinkFolder(dir) {
			_ = os.Remove(filepath.Join(p.Root, dir)) // as disable does, where it was the last link
		}
	}
	return removed, errors.Join(errs...)
}

// remove takes a path away; a folder with all in it only where that is said. A link
// is never followed.
func remove(path string, all bool) error {
	i, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if i.IsDir() && all {
		return os.RemoveAll(path)
	}
	return os.Remove(path)
}

// What the file actuator may leave beside a file that it writes when it is cut
// short: its own half-made file, and, under a name that says so, a human's
// version that it could not put back.
const (
	halfMade = ".evenkeel-"
	savedBy  = ".saved-by-evenkeel"
)

// Litter lists what lies beside files that evenkeel wrote and is not one of
// them, by the folders of these.
func Litter(p Places, folders []string) []Trace {
	var all []Trace
	for _, dir := range folders {
		for _, e := range p.entries(dir) {
			path := filepath.Join(dir, e.Name())
			switch {
			case !e.Type().IsRegular():
			case strings.HasPrefix(e.Name(), halfMade):
				all = append(all, Trace{Path: path})
			case strings.Contains(e.Name(), savedBy):
				all = append(all, Trace{Path: path, Keep: "a human's version, saved here when evenkeel was overtaken"})
			}
		}
	}
	return all
}
