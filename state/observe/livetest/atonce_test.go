package livetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
)

// watching runs an Observer's Watch until the test ends.
func watching(t *testing.T, o *observe.Observer, refs ...state.Ref) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	began, ended := make(chan bool, 1), make(chan error)
	go func() {
		ended <- o.Watch(ctx, func() []state.Ref { return refs }, func([]state.Ref) {
			select {
			case began <- true:
			default:
			}
		}, nil)
	}()
	<-began
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
}

// While folders are watched they are not looked at, and still whoever asks right
// after a change hears of it.
func TestEnablementIsNewAtOnce(t *testing.T) {
	const (
		name             = "live-once.service"
		file             = "/usr/lib/systemd/system/" + name
		etc, runtime     = "/etc/systemd/system/", "/run/systemd/system/"
		wants, newTarget = etc + "multi-user.target.wants/", etc + "live-once.target.wants/"
	)
	put(t, file, "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target live-once.target\n")
	run(t, "systemctl", "daemon-reload")
	o := observer(t)
	watching(t, o, unit(name))
	mount := func(on string) error { return unix.Mount("tmpfs", on, "tmpfs", 0, "") }
	unmount := func(from string) error { return unix.Unmount(from, unix.MNT_DETACH) }
	must(t, os.MkdirAll(wants, 0o755))
	for _, c := range []struct {
		what string
		do   func() error
		want string
	}{
		{"enable", func() error { return os.Symlink(file, wants+name) }, "enabled"},
		{"a mount over the links", func() error { return mount(wants) }, "disabled"},
		{"no mount", func() error { return unmount(wants) }, "enabled"},
		{"a mount over all", func() error { return mount("/etc/systemd") }, "disabled"},
		{"again no mount", func() error { return unmount("/etc/systemd") }, "enabled"},
		{"mask", func() error { return os.Symlink("/dev/null", runtime+name) }, "masked-runtime"},
		{"a folder of units moved away", func() error { return os.Rename(filepath.Clean(runtime), "/run/live-away") }, "enabled"},
		{"and back", func() error { return os.Rename("/run/live-away", filepath.Clean(runtime)) }, "masked-runtime"},
		{"unmask", func() error { return os.Remove(runtime + name) }, "enabled"},
		{"disable", func() error { return os.Remove(wants + name) }, "disabled"},
		{"a new folder of links", func() error { return os.Mkdir(newTarget, 0o755) }, "disabled"},
		{"a link in it", func() error { return os.Symlink(file, newTarget+name) }, "enabled"},
		{"the folder moved away", func() error { return os.Rename(filepath.Clean(newTarget), etc+"live-away") }, "disabled"},
		{"and back", func() error { return os.Rename(etc+"live-away", filepath.Clean(newTarget)) }, "enabled"},
		{"no folder", func() error { return os.RemoveAll(newTarget) }, "disabled"},
	} {
		must(t, c.do())
		for range 3 { // read, remembered, and still true
			if got := look(t, o, name).Boot; got != c.want {
				t.Errorf("%s: %q, want %q", c.what, got, c.want)
			}
		}
	}
	for i := range 200 {
		must(t, os.Symlink(file, wants+name))
		if got := look(t, o, name).Boot; got != "enabled" {
			t.Fatalf("enabled %d times: %q", i+1, got)
		}
		must(t, os.Remove(wants+name))
		if got := look(t, o, name).Boot; got != "disabled" {
			t.Fatalf("disabled %d times: %q", i+1, got)
		}
	}
}
