package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// drifter is the limit of row B: a program that hears of a written file, puts
// the declared one in its place and has systemd read its units again.
func drifter([]string) error {
	s, err := connect()
	if err != nil {
		return err
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	if _, err := unix.InotifyAddWatch(fd, unitFolder, unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO|unix.IN_DELETE); err != nil {
		return err
	}
	buf := make([]byte, 1<<16)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return err
		}
		mended := false
		for _, name := range changedNames(buf[:n]) {
			yes, err := mend(name)
			if err != nil {
				return err
			}
			mended = mended || yes
		}
		if !mended {
			continue
		}
		if err := s.reload(); err != nil {
			return err
		}
	}
}

// changedNames takes the names out of inotify's events.
func changedNames(events []byte) (names []string) {
	for len(events) >= unix.SizeofInotifyEvent {
		size := int(binary.NativeEndian.Uint32(events[12:]))
		events = events[unix.SizeofInotifyEvent:]
		names = append(names, strings.TrimRight(string(events[:size]), "\x00"))
		events = events[size:]
	}
	return names
}

func mend(name string) (bool, error) {
	want, err := os.ReadFile(filepath.Join(declared, name))
	if err != nil {
		return false, nil // none of ours
	}
	have, err := os.ReadFile(unitFolder + name)
	if err == nil && bytes.Equal(have, want) {
		return false, nil
	}
	return true, replace(unitFolder+name, want)
}
