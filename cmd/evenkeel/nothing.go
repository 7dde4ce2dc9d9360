package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// errFound ends a walk.
var errFound = errors.New("found")

// declares tells whether a folder holds any YAML. Only one that is there and
// empty does not: what cannot be read is for whoever reads it to complain of.
func declares(dir string) bool {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(p); !d.IsDir() && (ext == ".yaml" || ext == ".yml") {
			return errFound
		}
		return nil
	})
	return err != nil
}

// waitForDesired waits while nothing is declared where desired state lies by
// default, as after install: that is no fault to be restarted for. It returns
// false when ctx ended first.
func waitForDesired(ctx context.Context, log *slog.Logger) bool {
	if declares(defaultDesired) {
		return true
	}
	log.Info("nothing is declared yet; waiting for YAML", "folder", defaultDesired)
	notify("STATUS=waiting: nothing is declared in " + defaultDesired + "\n" + sd.SdNotifyReady)
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for !declares(defaultDesired) {
		notify(sd.SdNotifyWatchdog)
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
