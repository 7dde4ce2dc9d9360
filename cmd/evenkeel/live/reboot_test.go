package live_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// slow is a unit that takes its time on the way up and on the way down, and ends
// there as a crash would look like.
const slow = `[Unit]
Description=a test's own

[Service]
ExecStartPre=/bin/sleep 1
ExecStart=/bin/sh -c 'trap "sleep 1; exit 7" TERM; while :; do sleep 0.1; done'

[Install]
WantedBy=multi-user.target
`

// last is evenkeel as the first service up and the last one down.
const last = `[Unit]
DefaultDependencies=no
After=dbus.service dbus.socket

[Service]
Type=notify
ExecStart=/usr/local/bin/evenkeel run -f ` + desiredDir + ` --state-dir /lab/state
ExecStop=/bin/sleep 3
`

// installed lays what evenkeel keeps, and evenkeel itself, into a folder that is
// laid over a host's root: it is there when the host boots.
func installed(t *testing.T, units ...string) (layer string) {
	t.Helper()
	layer = t.TempDir()
	put := func(path, content string) {
		if err := os.MkdirAll(filepath.Dir(layer+path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(layer+path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(unit string) {
		wants := layer + "/usr/lib/systemd/system/multi-user.target.wants" // what /etc enables, a disposable host does not start
		if err := os.MkdirAll(wants, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(unitDir+"/"+unit, wants+"/"+unit); err != nil {
			t.Fatal(err)
		}
	}
	put(unitDir+"/evenkeel.service", last)
	want("evenkeel.service")
	for _, u := range units {
		put(unitDir+"/"+u+".service", slow)
		want(u + ".service")
		put(desiredDir+"/"+u+".yaml", service(u, slow, "boot: ignored"))
	}
	return layer
}

// The host goes down and comes up again under evenkeel, which is there all the
// time: it does nothing, neither to what stops nor to what starts, and takes
// neither for a human's doing.
func TestARebootIsLeftToSystemd(t *testing.T) {
	t.Parallel()
	units := []string{"d1", "d2", "d3", "d4", "d5", "d6"}
	o := rehearse.Options{
		Name: "reboot", Layers: []string{installed(t, units...)}, Share: t.TempDir(),
		Binds: []rehearse.Bind{{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}},
	}
	b := box{T: t, host: hosttest.Boot(t, o)}
	b.sh("systemctl is-active -q evenkeel")
	b.well(units...)
	if up := b.history(""); len(up) > 0 {
		t.Errorf("on the way up: %v", up)
	}
	_ = b.try("systemctl reboot") // it may be cut off
	select {
	case <-b.host.Done():
	case <-time.After(patience):
		t.Fatal("the host does not go down")
	}
	out, err := exec.Command(binary, "history", "--state-dir", o.Share+"/state", "--socket", o.Share+"/none", "-o", "json").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("on the way down: %v\n%s", err, out)
	}

	record, err := os.ReadFile(o.Share + "/state/evenkeel.db")
	if err != nil || strings.Contains(string(record), "ManualStop") {
		t.Errorf("the record takes what went down for stopped by a human (%v)", err)
	}
	b.host = hosttest.Boot(t, o) // the same folders: the same host, again
	b.sh("systemctl is-active -q evenkeel")
	b.well(units...)
	if up := b.history(""); len(up) > 0 {
		t.Errorf("on the way up again: %v", up)
	}
}
