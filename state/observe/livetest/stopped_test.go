package livetest

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
)

// Each way in which a unit can come to be inactive, with systemd remembering it
// (something wants it) and without.
func TestWhyAUnitIsInactive(t *testing.T) {
	const dir = "/etc/systemd/system/"
	put(t, dir+"lt-stay.service", "[Service]\nExecStart=/bin/sleep 1000\n")
	put(t, dir+"lt-wanted.service", "[Service]\nExecStart=/bin/sleep 1000\nRestart=always\n[Install]\nWantedBy=multi-user.target\n")
	put(t, dir+"lt-exit.service", "[Service]\nExecStart=/bin/sleep 0.1\n")
	put(t, dir+"lt-exitwanted.service", "[Service]\nExecStart=/bin/sleep 0.1\n[Install]\nWantedBy=multi-user.target\n")
	put(t, dir+"lt-once.service", "[Service]\nType=oneshot\nExecStart=/bin/true\n")
	put(t, dir+"lt-never.service", "[Service]\nExecStart=/bin/true\n")
	put(t, dir+"lt-base.service", "[Service]\nExecStart=/bin/sleep 1000\n")
	put(t, dir+"lt-needs.service", "[Unit]\nRequires=lt-base.service\nAfter=lt-base.service\n[Service]\nExecStart=/bin/sleep 1000\n")
	put(t, dir+"lt-quiet.service", "[Service]\nExecStart=/bin/sleep 0.1\nLogLevelMax=err\n[Install]\nWantedBy=multi-user.target\n")
	run(t, "systemctl", "daemon-reload")
	run(t, "systemctl", "enable", "lt-wanted", "lt-exitwanted", "lt-quiet")
	o := observer(t)
	inactive := func(name string) func() bool {
		return func() bool { return look(t, o, name).Active == "inactive" }
	}
	check := func(what, name string, want state.StopCause) {
		t.Helper()
		until(t, what+": inactive", inactive(name))
		u := look(t, o, name)
		if u.Stop != want {
			t.Errorf("%s: %s is %q, want %q (%+v)", what, name, u.Stop, want, u)
		}
		t.Logf("%s: %q; systemd remembers it: %v", what, u.Stop, u.Entered > 0)
	}
	systemctl := func(argv ...string) { t.Helper(); run(t, append([]string{"systemctl"}, argv...)...) }

	check("never ran", "lt-never.service", state.StopUnread)
	for range 5 { // right after the stop, while the journal may lag behind
		systemctl("start", "lt-stay")
		systemctl("stop", "lt-stay")
		check("stopped, forgotten", "lt-stay.service", state.StopByJob)
		systemctl("start", "lt-wanted")
		systemctl("stop", "lt-wanted")
		check("stopped, remembered", "lt-wanted.service", state.StopByJob)
	}
	for range 3 {
		systemctl("start", "lt-exit")
		check("ended, forgotten", "lt-exit.service", state.StopByExit)
		systemctl("start", "lt-exitwanted")
		check("ended, remembered", "lt-exitwanted.service", state.StopByExit)
	}
	systemctl("restart", "lt-exit")
	systemctl("restart", "lt-exit")
	check("restarted, then ended", "lt-exit.service", state.StopByExit)
	systemctl("start", "lt-stay")
	systemctl("restart", "lt-stay")
	systemctl("kill", "lt-stay") // SIGTERM by hand is an end of its own
	check("terminated after a restart", "lt-stay.service", state.StopByExit)
	systemctl("start", "lt-once")
	check("oneshot", "lt-once.service", state.StopByExit)
	systemctl("start", "lt-needs")
	systemctl("stop", "lt-base")
	check("stopped with what it needs", "lt-needs.service", state.StopByJob)
	systemctl("start", "lt-quiet")
	check("its journal is silenced", "lt-quiet.service", state.StopNoSign)
}

// A unit that systemd stopped because another one was started is told from one
// that somebody stopped, whether systemd reads it for the first time or not.
func TestAUnitIsStoppedForAnother(t *testing.T) {
	const dir, name = "/etc/systemd/system/", "lt-peer.service"
	put(t, dir+name, "[Unit]\nConflicts=lt-named.service\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 1000\nExecStop=/bin/sleep 0.2\n[Install]\nWantedBy=multi-user.target\n")
	for rival, text := range map[string]string{
		"lt-named":  "[Service]\nExecStart=/bin/sleep 1000\n",
		"lt-beside": "[Unit]\nConflicts=" + name + "\n[Service]\nExecStart=/bin/sleep 1000\n",
		"lt-after":  "[Unit]\nConflicts=" + name + "\nAfter=" + name + "\n[Service]\nExecStart=/bin/sleep 1000\n",
		"lt-broken": "[Unit]\nConflicts=" + name + "\n[Service]\nType=oneshot\nExecStart=/bin/false\n",
		"lt-unmet":  "[Unit]\nConflicts=" + name + "\nConditionPathExists=/none\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
		"lt-brief":  "[Unit]\nConflicts=" + name + "\nAfter=" + name + "\n[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"lt-chain":  "[Unit]\nRequires=lt-link.service\n[Service]\nExecStart=/bin/sleep 1000\n",
		"lt-other":  "[Unit]\nConflicts=lt-quite-another.service\n[Service]\nType=oneshot\nExecStart=/bin/true\n",
		"lt-link":   "[Unit]\nRequires=lt-after.service\n[Service]\nExecStart=/bin/sleep 1000\n",
	} {
		put(t, dir+rival+".service", text)
	}
	run(t, "systemctl", "daemon-reload")
	run(t, "systemctl", "enable", "lt-peer", "lt-unmet")
	for _, c := range []struct {
		name string
		do   []string // systemctl's arguments
		want string   // the unit that it was stopped for; empty: a human stopped it
	}{
		{"it names the other", []string{"start", "lt-named"}, "lt-named.service"},
		{"the other names it", []string{"start", "lt-beside"}, "lt-beside.service"},
		{"the other waits for its end", []string{"start", "lt-after"}, "lt-after.service"},
		{"the other fails", []string{"start", "lt-broken"}, "lt-broken.service"},
		{"the other has an unmet condition", []string{"start", "lt-unmet"}, "lt-unmet.service"},
		{"the other ends at once, and systemd forgets it", []string{"start", "lt-brief"}, "lt-brief.service"},
		{"the other is required by what is started", []string{"start", "lt-chain"}, "lt-after.service"},
		{"a human stops it", []string{"stop", "lt-peer"}, ""},
		{"a human stops it, then starts what ends at once", []string{"stop", "lt-peer", ";", "start", "lt-brief"}, ""},
		{"a human starts what ends at once, of another, then stops it", []string{"start", "lt-other", ";", "stop", "lt-peer"}, ""},
		{"a human stops it, then starts the other", []string{"stop", "lt-peer", ";", "start", "lt-beside"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			run(t, "systemctl", "start", "lt-peer") // which stops all others
			seen := observer(t)
			seen.Observe(t.Context(), []state.Ref{unit(name)})
			script := "systemctl --no-block " + strings.ReplaceAll(strings.Join(c.do, " "), "; ", "; systemctl ")
			run(t, "sh", "-c", script)
			until(t, "inactive", func() bool { return look(t, seen, name).Active == "inactive" })
			want := state.StopByConflict
			if c.want == "" {
				want = state.StopByJob
			}
			for who, o := range map[string]*observe.Observer{"who saw it": seen, "who comes later": observer(t)} {
				if u := look(t, o, name); u.Stop != want || u.StoppedFor != c.want {
					t.Errorf("%s: %q for %q, want %q for %q", who, u.Stop, u.StoppedFor, want, c.want)
				}
			}
		})
	}
}
