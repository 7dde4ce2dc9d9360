package livetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/state/observe/files"
)

// unitPath lists the folders that the real systemd reads.
func unitPath(t *testing.T) []string {
	return strings.Fields(run(t, "systemd-analyze", "unit-paths"))
}

// installed lists the name of every unit file on the host.
func installed(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, dir := range unitPath(t) {
		entries, err := os.ReadDir(dir)
		if os.IsNotExist(err) {
			continue
		}
		must(t, err)
		for _, e := range entries {
			switch filepath.Ext(e.Name()) {
			case ".service", ".socket", ".timer", ".path", ".target", ".mount", ".automount", ".slice", ".swap", ".scope":
				names = append(names, e.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// isEnabled asks systemd itself, by D-Bus: systemctl would ask the distribution
// about scripts in /etc/init.d instead.
func isEnabled(name string) string {
	out, err := exec.Command("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager", "GetUnitFileState", "s", name).CombinedOutput()
	if err == nil {
		return strings.Trim(strings.TrimPrefix(strings.TrimSpace(string(out)), "s "), `"`)
	}
	if strings.Contains(string(out), "No such file or directory") || strings.Contains(string(out), "does not exist") {
		return "not-found"
	}
	return "bad"
}

func agree(t *testing.T, names []string) {
	t.Helper()
	got, err := files.NewLinks("").Boot(names)
	must(t, err)
	count := make(map[string]int)
	for _, n := range names {
		want := isEnabled(n)
		count[want]++
		if got[n] != want {
			t.Errorf("%s: %q, systemd says %q", n, got[n], want)
		}
	}
	t.Logf("%d names: %v", len(names), count)
}

func TestEnablementOfEveryUnitHere(t *testing.T) { agree(t, installed(t)) }

// The search path is the one that systemd has.
func TestUnitFolders(t *testing.T) {
	var want []string
	for _, d := range unitPath(t) {
		if d != "/usr/lib/systemd/system" || !slices.Contains(want, "/lib/systemd/system") {
			want = append(want, d) // the same folder where /lib is a link
		}
	}
	var got []string
	for _, d := range files.NewLinks("").Folders() {
		if !strings.HasSuffix(d, ".wants") && !strings.HasSuffix(d, ".requires") && !strings.HasSuffix(d, ".upholds") {
			got = append(got, d)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%v\nsystemd has %v", got, want)
	}
}

func TestEnablementOfEverySort(t *testing.T) {
	const (
		etc, runtime, vendor = "/etc/systemd/system/", "/run/systemd/system/", "/usr/lib/systemd/system/"
		service              = "[Service]\nExecStart=/bin/sleep 1000\n"
		wanted               = service + "[Install]\nWantedBy=multi-user.target\n"
	)
	link := func(dest, p string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.Symlink(dest, p))
	}
	put(t, vendor+"lt-enabled.service", wanted)
	put(t, vendor+"lt-runtime.service", wanted)
	put(t, vendor+"lt-disabled.service", wanted)
	put(t, vendor+"lt-static.service", service)
	put(t, vendor+"lt-also.service", service+"[Install]\nAlso=lt-disabled.service\n")
	put(t, vendor+"lt-alias.service", wanted+"Alias=lt-other.service\n")
	put(t, vendor+"lt-onlyalias.service", service+"[Install]\nAlias=lt-only2.service\n")
	put(t, vendor+"lt-masked.service", wanted)
	put(t, vendor+"lt-maskedrt.service", wanted)
	put(t, vendor+"lt-empty.service", wanted)
	put(t, etc+"lt-empty.service", "")
	put(t, vendor+"lt-required.service", service+"[Install]\nRequiredBy=multi-user.target\n")
	put(t, vendor+"lt-tmpl@.service", wanted+"DefaultInstance=one\n")
	put(t, vendor+"lt-plain@.service", wanted)
	put(t, vendor+"lt-dropin.service", service)
	put(t, etc+"lt-dropin.service.d/install.conf", "[Install]\nWantedBy=multi-user.target\n")
	put(t, vendor+"lt-dropmask.service", service)
	put(t, vendor+"lt-dropmask.service.d/install.conf", "[Install]\nWantedBy=multi-user.target\n")
	link("/dev/null", etc+"lt-dropmask.service.d/install.conf")
	put(t, vendor+"lt-vendorwants.service", service)
	link("../lt-vendorwants.service", vendor+"sysinit.target.wants/lt-vendorwants.service")
	put(t, vendor+"lt-vendorinst@.service", service)
	link("../lt-vendorinst@.service", vendor+"sysinit.target.wants/lt-vendorinst@a.service")
	put(t, "/opt/lt/lt-linked.service", wanted)
	put(t, "/opt/lt/lt-linkedrt.service", wanted)
	put(t, "/opt/lt/lt-linkedon.service", wanted)
	put(t, etc+"lt-local.service", wanted)
	put(t, runtime+"lt-inrun.service", wanted)
	put(t, etc+"lt-over.service", service)
	put(t, vendor+"lt-over.service", wanted)
	put(t, vendor+"lt-vmask.service", "")
	put(t, etc+`lt-esc\x2dape@.service`, wanted)
	put(t, etc+"lt-timer.timer", "[Timer]\nOnBootSec=1h\nUnit=lt-static.service\n[Install]\nWantedBy=timers.target\n")
	put(t, etc+"lt-broken.service", "[Service\nExecStart=/bin/true\n")
	link("lt-gone.service", etc+"lt-dangling.service")
	link("/opt/lt/gone.service", etc+"lt-danglinglink.service")
	t.Cleanup(func() { // systemctl refuses to disable anything beside a loop
		must(t, os.Remove(etc+"lt-loop1.service"))
		must(t, os.Remove(etc+"lt-loop2.service"))
	})
	link("lt-loop2.service", etc+"lt-loop1.service")
	link("lt-loop1.service", etc+"lt-loop2.service")
	link(vendor+"lt-static.service", etc+"lt-handalias.service")
	link(vendor+"lt-tmpl@.service", etc+"lt-instlink@x.service")
	run(t, "systemctl", "daemon-reload")
	for _, argv := range [][]string{
		{"enable", "lt-enabled.service", "lt-alias.service", "lt-onlyalias.service", "lt-required.service", "lt-timer.timer"},
		{"enable", "lt-tmpl@.service", "lt-tmpl@two.service", "lt-plain@x.service", `lt-esc\x2dape@1.service`},
		{"enable", "--runtime", "lt-runtime.service", "lt-plain@rt.service"},
		{"mask", "lt-masked.service", "lt-tmpl@masked.service"},
		{"mask", "--runtime", "lt-maskedrt.service"},
		{"link", "/opt/lt/lt-linked.service"},
		{"link", "--runtime", "/opt/lt/lt-linkedrt.service"},
		{"enable", "/opt/lt/lt-linkedon.service"},
	} {
		run(t, append([]string{"systemctl"}, argv...)...)
	}
	run(t, "systemd-run", "--unit=lt-transient", "sleep", "1000")
	put(t, "/etc/init.d/lt-sysv", "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: lt-sysv\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop:\n# Short-Description: x\n### END INIT INFO\nexit 0\n")
	must(t, os.Chmod("/etc/init.d/lt-sysv", 0o755))
	run(t, "systemctl", "daemon-reload")
	names := installed(t)
	for _, n := range []string{
		"lt-tmpl@one.service", "lt-tmpl@two.service", "lt-tmpl@three.service", "lt-tmpl@masked.service", "lt-plain@x.service", "lt-plain@y.service",
		"lt-plain@rt.service", "lt-vendorinst@a.service", "lt-vendorinst@b.service", `lt-esc\x2dape@1.service`, `lt-esc\x2dape@2.service`,
		"lt-none.service", "lt-none@1.service", "lt-sysv.service", "lt-gone.service", "not a unit.service", "lt-static",
	} {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	agree(t, names)
}
