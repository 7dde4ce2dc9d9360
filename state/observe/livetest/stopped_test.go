package livetest

import (
	"testing"

	"github.com/pakashop/evenkeel/state"
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
