package wall

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// terminals lists the terminals of those who are logged in, each once, by both
// books that there are: newer systems keep no utmp, and older or smaller ones
// have no logind.
func terminals(utmp, sessions string) []string {
	var out []string
	for _, name := range append(fromUtmp(utmp), fromSessions(sessions)...) {
		if ttyName.MatchString(name) {
			out = append(out, "/dev/"+name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ttyName keeps a line of these books from naming anything but a terminal.
var ttyName = regexp.MustCompile(`^(pts/\d+|tty\w+|hvc\d+|console)$`)

// The beginning of glibc's struct utmp is the same everywhere; its length is not.
const (
	userProcess = 7 // ut_type of a login
	linePlace   = 8 // of ut_line
	lineLength  = 32
)

func utmpLength() int {
	switch runtime.GOARCH {
	case "arm64", "riscv64", "loong64":
		return 400
	}
	return 384
}

func fromUtmp(path string) []string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var out []string
	for record := range slices.Chunk(b, utmpLength()) {
		if len(record) < utmpLength() || binary.NativeEndian.Uint16(record) != userProcess {
			continue
		}
		line, _, _ := bytes.Cut(record[linePlace:linePlace+lineLength], []byte{0})
		out = append(out, string(line))
	}
	return out
}

// fromSessions reads what sd_session_get_tty(3) reads.
func fromSessions(dir string) []string {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, f := range files {
		if !f.Type().IsRegular() {
			continue // a pipe of logind's, which would be waited for
		}
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(b)) {
			if tty, ok := strings.CutPrefix(strings.TrimSpace(line), "TTY="); ok {
				out = append(out, tty)
			}
		}
	}
	return out
}

// errUnwanted says that a user wants no messages.
var errUnwanted = errors.New("it accepts no messages (mesg n)")

// write shows a message on a terminal that accepts one, as much of it as the
// terminal takes at once.
func write(tty string, message []byte) error {
	fd, err := unix.Open(tty, unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat: %w", err)
	}
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return errors.New("it is no terminal")
	}
	if st.Mode&unix.S_IWGRP == 0 {
		return errUnwanted
	}
	if _, err := unix.Write(fd, message); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
