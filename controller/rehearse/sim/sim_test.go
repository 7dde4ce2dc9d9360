package sim

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

const web = "[Service]\nExecStart=/usr/bin/web\nRestart=no\n[Install]\nWantedBy=multi-user.target\n"

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func unitOf(t testing.TB, h *Host, name string) state.Unit {
	t.Helper()
	f := h.Observe(t.Context(), []state.Ref{{Kind: state.RefUnit, Name: name}}).Units[name]
	if !f.Known() {
		t.Fatalf("%s is unknown: %s", name, f.Err)
	}
	return f.Value
}

func apply(h *Host, verb, unit string) error {
	_, err := h.Actuators()["systemd"].Apply(context.Background(), actuators.Request{Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit}})
	return err
}

// enabled is a host with one service that is enabled and runs.
func enabled(t testing.TB, o Options) *Host {
	t.Helper()
	h := New(o)
	must(t, h.Write(etc+"/web.service", web), h.Enable("web.service"), h.Start("web.service"))
	return h
}

func TestOneSeedOneHistory(t *testing.T) {
	life := func(seed uint64) string {
		h := enabled(t, Options{Seed: seed})
		out := ""
		for i := range 5 {
			must(t, h.Kill("web.service", "KILL"), h.Start("web.service"))
			h.Advance(time.Duration(i) * time.Second)
			if i == 3 {
				h.Reboot()
			}
			out += fmt.Sprintf("%+v %+v\n", unitOf(t, h, "web.service"), h.Now())
		}
		return out
	}
	if d := cmp.Diff(life(7), life(7)); d != "" {
		t.Error(d)
	}
	if life(7) == life(8) {
		t.Error("another seed makes no difference")
	}
}

func TestNoTimePassesByItself(t *testing.T) {
	h := enabled(t, Options{})
	must(t, h.Write(etc+"/slow.service", "[Service]\nExecStartPre=/bin/sleep 5\nExecStart=/usr/bin/web\n"), h.Start("slow.service"))
	if u := unitOf(t, h, "slow.service"); u.Sub != "start-pre" || u.Job.Type != "start" {
		t.Errorf("%s, job %v", u.Sub, u.Job)
	}
	before := h.Now()
	h.Advance(5 * time.Second)
	if got := h.Now().Since(before); got != 5*time.Second {
		t.Errorf("%v passed", got)
	}
	if u := unitOf(t, h, "slow.service"); u.Sub != "running" || u.Job.ID != 0 {
		t.Errorf("%s, job %v", u.Sub, u.Job)
	}
}

func TestTimeFollowsTheTimePackage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { h.Run(ctx); close(done) }()
		synctest.Wait()
		must(t, h.Write(etc+"/once.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 3600\n"))
		before := h.Now()
		if err := apply(h, "start", "once.service"); actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("start: %v, want the actuator's own deadline", err)
		}
		if got := h.Now().Since(before); got < 90*time.Second || got > 91*time.Second {
			t.Errorf("%v passed", got)
		}
		if u := unitOf(t, h, "once.service"); u.Job.ID != 0 {
			t.Error("its job is still queued")
		}
		time.Sleep(time.Hour)
		if u := unitOf(t, h, "once.service"); u.Active != "inactive" {
			t.Errorf("it is %s", u.Active)
		}
		cancel()
		<-done
	})
}

func TestTheWallClockIsOnlyForPeople(t *testing.T) {
	h := enabled(t, Options{})
	before := h.Now()
	h.SetWall(before.Wall.AddDate(1, 0, 0))
	h.Advance(time.Minute)
	now := h.Now()
	if got := now.Since(before); got != time.Minute {
		t.Errorf("age %v", got)
	}
	if now.Wall.Year() != 2027 {
		t.Errorf("the wall clock shows %v", now.Wall)
	}
}

func TestReboot(t *testing.T) {
	h := enabled(t, Options{})
	must(t, h.Write("/run/evenkeel/stop", ""), h.Write(etc+"/other.service", web), h.Start("other.service"))
	was, before := unitOf(t, h, "web.service"), h.Now()
	h.Reboot()
	is, now := unitOf(t, h, "web.service"), h.Now()
	if is.Active != "active" || is.Invocation == was.Invocation || is.Boot != "enabled" {
		t.Errorf("what is enabled: %+v", is)
	}
	if u := unitOf(t, h, "other.service"); u.Active != "inactive" || u.Stop != state.StopUnread {
		t.Errorf("what is not enabled: %+v", u)
	}
	if now.Boot == before.Boot || now.Up > time.Minute || now.Wall.Before(before.Wall) {
		t.Errorf("%+v, then %+v", before, now)
	}
	if f := h.Observe(t.Context(), []state.Ref{{Kind: state.RefHost}}).Host; f.Value.Stopped {
		t.Error("/run outlasted the reboot")
	}
}

func TestFaults(t *testing.T) {
	h := enabled(t, Options{})
	h.FailNext("systemd.restart web.service", Fault{Kind: actuators.Unavailable}, Fault{Kind: actuators.Unknown, Done: true}, Fault{Lie: true})
	invocation := func() string { return unitOf(t, h, "web.service").Invocation }
	for i, want := range []struct {
		kind   actuators.Kind
		effect bool
		ok     bool
	}{{actuators.Unavailable, false, false}, {actuators.Unknown, true, false}, {0, false, true}, {0, true, true}} {
		was := invocation()
		err := apply(h, "restart", "web.service")
		if (err == nil) != want.ok || err != nil && actuators.KindOf(err) != want.kind {
			t.Errorf("%d: %v", i, err)
		}
		if effect := invocation() != was; effect != want.effect {
			t.Errorf("%d: the effect happened: %v", i, effect)
		}
	}
	r := state.Ref{Kind: state.RefUnit, Name: "web.service"}
	h.Unobservable(r, "bus gone")
	if f := h.Observe(t.Context(), []state.Ref{r}).Units[r.Name]; f.Known() || f.Err != "bus gone" {
		t.Errorf("%+v", f)
	}
	h.Unobservable(r, "")
	unitOf(t, h, r.Name)
}

func TestWatchTellsWhoeverIsInterested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := enabled(t, Options{})
		must(t, h.Link(etc+"/nick.service", "web.service"))
		refs := []state.Ref{
			{Kind: state.RefUnit, Name: "nick.service"},
			{Kind: state.RefUnit, Name: "other.service"},
			{Kind: state.RefFile, Name: "/etc/web.conf"},
			{Kind: state.RefDir, Name: "/etc"},
			{Kind: state.RefHost},
		}
		got := map[state.Ref]bool{} // one change may be told in several parts
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- h.Watch(ctx, func() []state.Ref { return refs }, func(list []state.Ref) {
				for _, r := range list {
					got[r] = true
				}
			}, func(state.Facts) {})
		}()
		tell := func(what string, do func(), want ...state.Ref) {
			t.Helper()
			synctest.Wait()
			clear(got)
			do()
			synctest.Wait()
			told := map[state.Ref]bool{}
			for _, r := range want {
				told[r] = true
			}
			if d := cmp.Diff(told, got); d != "" {
				t.Errorf("%s: -want +got\n%s", what, d)
			}
		}
		tell("a unit by its other name", func() { must(t, h.Restart("web.service")) }, refs[0], refs[4])
		tell("a file and its folder", func() { must(t, h.Write("/etc/web.conf", "x")) }, refs[2], refs[3])
		tell("a file in a folder of units", func() { must(t, h.Write(etc+"/x.service", web)) }, refs[0], refs[1])
		tell("the kill switch", func() { must(t, h.Write(killSwitch, "")) }, refs[4])
		tell("nobody's file", func() { must(t, h.Write("/opt/x", "")) })
		h.Deaf(true)
		tell("lost signals", func() { must(t, h.Kill("web.service", "KILL")) })
		cancel()
		<-done
	})
}

func TestARestartLoopLetsTimePass(t *testing.T) {
	h := New(Options{})
	must(t, h.Write(etc+"/loop.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=0\n"), h.Start("loop.service"))
	h.Advance(time.Second)
	if u := unitOf(t, h, "loop.service"); u.Restarts < 100 || u.Sub != "auto-restart" {
		t.Errorf("%d restarts, %s", u.Restarts, u.Sub)
	}
}

func TestAHumansVersionIsKept(t *testing.T) {
	h := New(Options{})
	must(t, h.Write("/etc/web.conf", "by hand"))
	r := actuators.Request{Content: []byte("declared"), Action: actuators.Action{Actuator: "file", Verb: "write", Target: "/etc/web.conf", Args: map[string]string{
		"digest": state.Digest([]byte("declared")), "was": state.Digest([]byte("by hand")), "keep": "1",
	}}}
	res, err := h.Actuators()["file"].Apply(t.Context(), r)
	must(t, err)
	if got, _ := h.Displaced(res.Displaced); got != "by hand" {
		t.Errorf("kept %q", got)
	}
	if got, _ := h.Read("/etc/web.conf"); got != "declared" {
		t.Errorf("written %q", got)
	}
}

func TestExecutables(t *testing.T) {
	h := New(Options{})
	must(t, h.WriteAs("/usr/bin/web", "v1", 0o755, "root", "root"), h.Write(etc+"/web.service", web), h.Start("web.service"))
	was := unitOf(t, h, "web.service")
	must(t, h.WriteAs("/usr/bin/web", "v2", 0o755, "root", "root"))
	if u := unitOf(t, h, "web.service"); !u.ExeStale || u.Exe != was.Exe {
		t.Errorf("replaced under the process: %+v", u)
	}
	must(t, h.Restart("web.service"))
	if u := unitOf(t, h, "web.service"); u.ExeStale || u.Exe == was.Exe {
		t.Errorf("started anew: %+v", u)
	}
}
