package livetest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/files"
	"github.com/pakashop/evenkeel/state/observe/host"
	"github.com/pakashop/evenkeel/state/observe/journal"
	"github.com/pakashop/evenkeel/state/observe/units"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

// run runs a command that must succeed and returns what it printed.
func run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// observer is an Observer of the whole real host.
func observer(t *testing.T) *observe.Observer {
	t.Helper()
	clock, err := host.NewClock()
	must(t, err)
	conn, err := bus.Dial(t.Context(), bus.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	return observe.New(observe.Options{
		Now: clock.Now, Units: units.New(conn, clock.Now, units.Options{}), Files: files.New(clock.Now, files.Options{}),
		Links: files.NewLinks(""), Host: host.New(host.Options{}), Journal: journal.New(clock.Boot(), journal.Options{}),
	})
}

func unit(name string) state.Ref { return state.Ref{Kind: state.RefUnit, Name: name} }

// look reads one unit.
func look(t *testing.T, o *observe.Observer, name string) state.Unit {
	t.Helper()
	f := o.Observe(t.Context(), []state.Ref{unit(name)}).Units[name]
	if !f.Known() {
		t.Fatalf("%s: %+v", name, f)
	}
	return f.Value
}

// until repeats a look until it shows what is waited for.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: never", what)
}

func TestHostFacts(t *testing.T) {
	o := observer(t)
	ref := []state.Ref{{Kind: state.RefHost}}
	h := o.Observe(t.Context(), ref).Host
	if !h.Known() || h.Value.Name != "test" || h.Value.Systemd < 240 || h.Value.Stopped || h.Value.Packages || h.Value.UnitsLoaded.IsZero() {
		t.Errorf("%+v", h)
	}
	put(t, "/run/evenkeel/stop", "")
	if h := o.Observe(t.Context(), ref).Host; !h.Value.Stopped {
		t.Errorf("kill switch: %+v", h)
	}
	must(t, os.Remove("/run/evenkeel/stop"))
}

// A real dpkg that is at work is seen.
func TestPackageManagerAtWork(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/p/DEBIAN/control", "Package: live-lock\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n")
	put(t, dir+"/p/DEBIAN/preinst", "#!/bin/sh\n: > "+dir+"/began\nwhile [ ! -e "+dir+"/go ]; do sleep 0.05; done\n")
	must(t, os.Chmod(dir+"/p/DEBIAN/preinst", 0o755))
	run(t, "dpkg-deb", "--build", dir+"/p", dir+"/p.deb")
	o := observer(t)
	packages := func() bool { return o.Observe(t.Context(), []state.Ref{{Kind: state.RefHost}}).Host.Value.Packages }
	cmd := exec.Command("dpkg", "-i", dir+"/p.deb")
	must(t, cmd.Start())
	until(t, "preinst", func() bool { _, err := os.Stat(dir + "/began"); return err == nil })
	if !packages() {
		t.Error("dpkg is at work and was not seen")
	}
	put(t, dir+"/go", "")
	must(t, cmd.Wait())
	if packages() {
		t.Error("dpkg has ended and is still seen")
	}
	run(t, "dpkg", "--purge", "live-lock")
}

func TestWatchTheRealHost(t *testing.T) {
	o := observer(t)
	const name, path = "live-watch.service", "/etc/systemd/system/live-watch.service"
	put(t, path, "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target live-new.target\n")
	run(t, "systemctl", "daemon-reload")
	refs := []state.Ref{
		unit(name),
		{Kind: state.RefFile, Name: path},
		{Kind: state.RefDir, Name: path + ".d"},
		{Kind: state.RefFile, Name: "/etc/live/app.env"},
		{Kind: state.RefHost},
	}
	reports := make(chan []state.Ref, 4096)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- o.Watch(ctx, func() []state.Ref { return refs }, func(r []state.Ref) { reports <- r }, nil)
	}()
	<-reports
	o.Observe(ctx, refs)
	// expect does something and looks at what is reported until a fact is as it
	// should be: what is reported must suffice to see it.
	expect := func(what string, do func(), ok func(f state.Facts) bool) {
		t.Helper()
		do()
		timeout := time.After(10 * time.Second)
		for {
			select {
			case got := <-reports:
				if len(got) == 0 {
					got = refs
				}
				if ok(o.Observe(ctx, got)) {
					return
				}
			case <-timeout:
				t.Fatalf("%s was not seen", what)
			}
		}
	}
	expect("an edit of the unit file", func() {
		put(t, path, "[Service]\nExecStart=/bin/sleep 2000\n[Install]\nWantedBy=multi-user.target live-new.target\n")
	},
		func(f state.Facts) bool { return f.Files[path].Value.Kind == state.Regular })
	expect("enable", func() { run(t, "systemctl", "enable", name) },
		func(f state.Facts) bool { return f.Units[name].Value.Boot == "enabled" })
	expect("disable", func() { run(t, "systemctl", "disable", name) },
		func(f state.Facts) bool { return f.Units[name].Value.Boot == "disabled" })
	expect("start", func() { run(t, "systemctl", "start", name) },
		func(f state.Facts) bool { return f.Units[name].Value.Active == "active" })
	expect("stop", func() { run(t, "systemctl", "stop", name) }, func(f state.Facts) bool {
		u := f.Units[name].Value
		return u.Active == "inactive" && u.Stop == state.StopByJob
	})
	expect("a drop-in", func() { put(t, path+".d/10-x.conf", "[Service]\nNice=1\n") },
		func(f state.Facts) bool { return len(f.Dirs[path+".d"].Value.Names) == 1 })
	expect("a file in a new folder", func() { put(t, "/etc/live/app.env", "A=1") },
		func(f state.Facts) bool { return f.Files["/etc/live/app.env"].Value.Kind == state.Regular })
	expect("a mask", func() {
		must(t, os.Remove(path))
		run(t, "systemctl", "mask", name)
	}, func(f state.Facts) bool { return f.Units[name].Value.Boot == "masked" })
	expect("the kill switch", func() { put(t, "/run/evenkeel/stop", "") },
		func(f state.Facts) bool { return f.Host != nil && f.Host.Value.Stopped })
	must(t, os.Remove("/run/evenkeel/stop"))
	cancel()
	must(t, <-ended)
}
