package changes

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Bounds of what is read of a log, in bytes.
const (
	maxLog  = 256 << 20 // of one file, unpacked
	maxLine = 1 << 20
)

// rotated calls line with each line of a log and of what logrotate made of it
// (.1, .2.gz, …), the oldest first, leaving out what was last written before the window. A log
// that does not exist has no lines.
func rotated(name string, w Window, line func(string)) error {
	files, err := filepath.Glob(name + "*")
	if err != nil {
		return fmt.Errorf("look for %s: %w", name, err)
	}
	slices.SortStableFunc(files, func(a, b string) int { return written(a).Compare(written(b)) })
	var errs []error
	for _, f := range files {
		if rest := strings.TrimPrefix(f, name); rest != "" && rest[0] != '.' && rest[0] != '-' {
			continue // another log whose name begins the same
		}
		if err := oneLog(f, w, line); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("read %s: %w", f, err))
		}
	}
	return errors.Join(errs...)
}

// written is when a file was last written; zero if that cannot be told.
func written(name string) time.Time {
	i, err := os.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return i.ModTime()
}

func oneLog(name string, w Window, line func(string)) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	i, err := f.Stat()
	if err != nil || i.ModTime().Before(w.Since) || !i.Mode().IsRegular() {
		return err
	}
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(io.LimitReader(in, maxLog))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line(lines.Text())
	}
	return lines.Err()
}
