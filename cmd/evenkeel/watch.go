package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// quiet is how long a tree must lie still before it is read: an editor, a
// checkout and a copy write many times.
const quiet = 150 * time.Millisecond

// watchTrees calls changed when files in the trees have changed and lie still
// again. Folders are watched, never files, because a file that is replaced
// takes its watch with it.
func watchTrees(ctx context.Context, paths []string, changed func()) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch the desired state: %w", err)
	}
	defer w.Close()
	for _, p := range paths {
		watchTree(w, p)
	}
	still := time.NewTimer(time.Hour)
	still.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Events:
			if !ok {
				return errors.New("the watch was closed")
			}
			if e.Has(fsnotify.Create) {
				watchTree(w, e.Name)
			}
			still.Reset(quiet)
		case err := <-w.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watch the desired state: %w", err)
			}
			still.Reset(quiet)
		case <-still.C:
			changed()
		}
	}
}

// watchTree watches all folders below a path; of a file, its folder.
func watchTree(w *fsnotify.Watcher, path string) {
	if i, err := os.Stat(path); err != nil || !i.IsDir() {
		_ = w.Add(filepath.Dir(path))
		return
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = w.Add(p)
		}
		return nil
	})
}
