package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// program writes a file that is an ELF program as far as anybody looks.
func program(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	text := []byte("\x7fELF and the rest of the program")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return sum(text)
}

func TestProgramsThatAreNotTrusted(t *testing.T) {
	tests := map[string]struct {
		bend func(t *testing.T, dir, path string) (at string)
		want string
	}{
		"another checksum": {func(t *testing.T, _, path string) string {
			program(t, path, 0o755)
			if err := os.WriteFile(path, []byte("\x7fELF evil"), 0); err != nil {
				t.Fatal(err)
			}
			return path
		}, "has the checksum " + sum([]byte("\x7fELF evil")) + ", declared is"},
		"missing":    {func(_ *testing.T, dir, _ string) string { return dir + "/nothing" }, "no such file"},
		"a folder":   {func(_ *testing.T, dir, _ string) string { return dir }, "is no regular file"},
		"a link":     {func(t *testing.T, dir, path string) string { return link(t, path, dir+"/link") }, "is reached through a symbolic link: give "},
		"via a link": {func(t *testing.T, dir, path string) string { return link(t, dir, dir+"/way") + "/program" }, "is reached through a symbolic link: give "},
		"a script": {func(t *testing.T, _, path string) string {
			if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0); err != nil {
				t.Fatal(err)
			}
			return path
		}, "is no ELF program"},
		"not executable":             {func(t *testing.T, _, path string) string { program(t, path, 0o644); return path }, "is not executable: chmod +x"},
		"writable for others":        {func(t *testing.T, _, path string) string { program(t, path, 0o757); return path }, "can be written by others (-rwxr-xrwx): chmod go-w"},
		"writable for the group":     {func(t *testing.T, _, path string) string { program(t, path, 0o775); return path }, "can be written by others (-rwxrwxr-x): chmod go-w"},
		"a folder open to others":    {func(t *testing.T, dir, path string) string { chmod(t, dir, 0o757); return path }, "can be written by others (-rwxr-xrwx): chmod go-w"},
		"a folder open to the group": {func(t *testing.T, dir, path string) string { chmod(t, dir, 0o775); return path }, "can be written by others (-rwxrwxr-x): chmod go-w"},
		"a fifo":                     {func(t *testing.T, dir, _ string) string { return fifo(t, dir+"/fifo") }, "is no regular file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			path := dir + "/program"
			want := program(t, path, 0o755)
			at := tt.bend(t, dir, path)
			f, err := verified(at, want, true)
			if err == nil {
				f.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want that it %s", err, tt.want)
			}
		})
	}
}

func link(t *testing.T, old, at string) string {
	t.Helper()
	if err := os.Symlink(old, at); err != nil {
		t.Fatal(err)
	}
	return at
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func fifo(t *testing.T, path string) string {
	t.Helper()
	if out, err := exec.Command("mkfifo", "-m", "755", path).CombinedOutput(); err != nil {
		t.Fatalf("mkfifo: %v %s", err, out)
	}
	return path
}

func TestOnARealHostAllFoldersAreRoots(t *testing.T) {
	system, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	if system, err = filepath.EvalSymlinks(system); err != nil {
		t.Fatal(err)
	}
	if err := trusted(system, false); err != nil {
		t.Errorf("a program of the system: %v", err)
	}
	mine := folder(t) + "/program"
	program(t, mine, 0o755)
	if err := trusted(mine, false); err == nil {
		t.Errorf("%s is good for a real host", mine)
	}
	if err := trusted(mine, true); err != nil {
		t.Errorf("%s is not good for a test: %v", mine, err)
	}
}

// SEC-10: the file is replaced and rewritten all the time, and what would be
// executed is never anything but what was declared.
func TestAProgramThatIsSwappedWhileItIsVerified(t *testing.T) {
	dir := folder(t)
	path := dir + "/program"
	good := append([]byte("\x7fELF"), bytes.Repeat([]byte("good"), 4<<10)...)
	evil := append([]byte("\x7fELF"), bytes.Repeat([]byte("evil"), 4<<10)...)
	put := func(to string, text []byte) {
		if err := os.WriteFile(to, text, 0o755); err != nil {
			t.Error(err)
		}
	}
	put(path, good)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			text := [][]byte{good, evil}[n%2]
			if n%3 == 0 {
				put(path, text) // the same file, rewritten in place
				continue
			}
			put(dir+"/new", text)
			if err := os.Rename(dir+"/new", path); err != nil {
				t.Error(err)
			}
		}
	})
	ran, refused := 0, 0
	for range 10_000 {
		f, err := verified(path, sum(good), true)
		if err != nil {
			refused++
			continue
		}
		ran++
		text, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
		if err != nil || !bytes.Equal(text, good) {
			t.Fatalf("what would be executed is not what was declared: %v", err)
		}
		if _, err := f.WriteAt([]byte("evil"), 4); err == nil {
			t.Fatal("what would be executed can still be changed")
		}
		f.Close()
	}
	close(stop)
	wg.Wait()
	if ran == 0 || refused == 0 {
		t.Errorf("ran %d, refused %d: nothing was swapped", ran, refused)
	}
}

func TestWhatIsRefusedIsNoCrash(t *testing.T) {
	path := folder(t) + "/program"
	program(t, path, 0o755)
	h := hosting(t, Options{}, Spec{Name: "stranger", Path: path, SHA256: strings.Repeat("0", 64)})
	for range 10 {
		_, err := h.plugins["stranger"].Info(t.Context())
		if actuators.KindOf(err) != actuators.Refused {
			t.Fatalf("kind %v: %v", actuators.KindOf(err), err)
		}
	}
	if s := h.Status()[0]; s.State != "stopped" || s.Crashes != 0 || s.Error == "" {
		t.Errorf("status %+v", s)
	}
}

func TestAProgramThatTheKernelDoesNotRun(t *testing.T) {
	dir := folder(t)
	path := folder(t) + "/program"
	h := hosting(t, Options{Folder: dir}, Spec{Name: "broken", Path: path, SHA256: program(t, path, 0o755)})
	_, err := h.plugins["broken"].Info(t.Context())
	if actuators.KindOf(err) != actuators.Unavailable || !strings.Contains(err.Error(), "exec format error") {
		t.Errorf("kind %v: %v", actuators.KindOf(err), err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
