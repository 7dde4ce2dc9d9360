package record

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/state"
)

// inMounts runs a test again in a process with mounts of its own. It returns
// the folder to mount on there, and "" in the process that only waits.
func inMounts(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("RECORD_MOUNTS"); dir != "" {
		return dir
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "RECORD_MOUNTS="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return ""
}

func mount(t *testing.T, dir string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, data); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

func TestF07FullDisk(t *testing.T) {
	dir := inMounts(t)
	if dir == "" {
		return
	}
	mount(t, dir, 0, "size=1m")
	s := mustOpen(t, dir)
	var all []state.Entry
	for i := 0; ; i++ {
		out, err := s.Append([]state.Entry{intent(i, fmt.Sprint(i), strings.Repeat("x", 500))})
		if err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			break
		}
		all = append(all, out...)
	}
	if d := s.Distrust(); !strings.Contains(d, "no space left on device") {
		t.Errorf("distrust %q", d)
	}
	if len(history(t, s, Filter{})) != len(all) {
		t.Error("the history is not readable")
	}
	letDie(t, s)

	s = mustOpen(t, dir) // a restart while the disk is full
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want {
		t.Errorf("%d were acknowledged, %d are there", len(all), s.Past().Seq)
	}
	if _, err := s.Append([]state.Entry{intent(1, "a", "x")}); err == nil {
		t.Log("there was room for one that is small")
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=8m"); err != nil { // somebody makes room
		t.Fatal(err)
	}
	if err := s.Heal(); err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	mustAppend(t, s, intent(2, "b", "x"))
	letDie(t, s)
	s = mustOpen(t, dir)
	believed(t, s)
	if _, ok := s.Past().Flight["b"]; !ok || len(s.Past().Flight) < len(all)+1 {
		t.Errorf("%d steps in flight of %d", len(s.Past().Flight), len(all)+1)
	}
}

func TestF07FullDiskFromTheStart(t *testing.T) {
	dir := inMounts(t)
	if dir == "" {
		return
	}
	mount(t, dir, 0, "size=64k")
	if err := os.WriteFile(dir+"/filler", make([]byte, 60<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	if s.Distrust() == "" {
		t.Error("nothing can be recorded, and it does not say so")
	}
	if _, err := s.Append([]state.Entry{intent(1, "a", "x")}); err == nil {
		t.Error("appended")
	}
	if err := os.Remove(dir + "/filler"); err != nil {
		t.Fatal(err)
	}
	if err := s.Heal(); err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	mustAppend(t, s, intent(1, "a", "x"))
}

func TestF09ReadOnlyFromTheStart(t *testing.T) {
	dir := inMounts(t)
	if dir == "" {
		return
	}
	mount(t, dir, 0, "size=8m")
	empty := dir + "/empty"
	s := mustOpen(t, dir+"/state")
	all := mustAppend(t, s, intent(1, "a", "x"))
	mustClose(t, s)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir + "/state", empty} {
		s := mustOpen(t, path)
		if d := s.Past().Distrust; !strings.Contains(d, "read-only file system") {
			t.Errorf("%s: distrust %q", path, d)
		}
		if _, err := s.Append([]state.Entry{intent(2, "b", "x")}); !errors.Is(err, syscall.EROFS) {
			t.Errorf("%s: Append: %v", path, err)
		}
		if err := s.Heal(); err == nil {
			t.Errorf("%s: healed", path)
		}
		mustClose(t, s)
	}
	s = mustOpen(t, dir+"/state")
	if got, want := asJSON(t, s.Past()), foldOf(t, all); got != want || len(history(t, s, Filter{})) != 1 {
		t.Error("what is there cannot be read")
	}
	r, err := OpenReadOnly(dir + "/state")
	if err != nil || r.Distrust() != "" {
		t.Errorf("read only: %v", err)
	}
	mustClose(t, r)
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Heal(); err != nil {
		t.Fatal(err)
	}
	believed(t, s)
	mustAppend(t, s, intent(2, "b", "x"))
}
