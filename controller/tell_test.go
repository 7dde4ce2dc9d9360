package controller_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
)

// announced is what was told, each with the time since the test began.
func (r *rig) announced() string {
	r.told.Lock()
	defer r.told.Unlock()
	return strings.Join(r.told.lines, "\n")
}

// from begins to write down what is told.
func (r *rig) from(t *testing.T) (told func(want ...string)) {
	r.told.Lock()
	defer r.told.Unlock()
	r.told.began, r.told.lines = time.Now(), nil
	return func(want ...string) {
		t.Helper()
		synctest.Wait()
		if got := r.announced(); got != strings.Join(want, "\n") {
			t.Errorf("told:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
		}
	}
}

// A stop by hand is announced when it is seen, and ten minutes before its hold
// ends, with the command that puts that off: once each, also if evenkeel is
// started anew in between.
func TestAStopByHandIsAnnounced(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		told := r.from(t)
		if err := r.host.Stop("web.service"); err != nil {
			t.Fatal(err)
		}
		r.quiet()
		seen := "0s web.service was stopped by hand; it is started again after 1h, or at once by: systemctl start web.service"
		told(seen)
		r.stop()
		r.run()
		time.Sleep(45 * time.Minute)
		told(seen)
		time.Sleep(6 * time.Minute)
		soon := "50m0s web.service was stopped, and is started again in 10m, at " + r.clock(9*time.Minute) + "; to put that off: evenkeel suspend web --for 1h"
		told(seen, soon)
		r.stop()
		r.run()
		time.Sleep(20 * time.Minute)
		told(seen, soon)
		if r.active("web.service") != "active" {
			t.Errorf("not started after the hold:\n%s", r.history())
		}
	})
}

// clock is what a clock on the wall shows a while from now.
func (r *rig) clock(in time.Duration) string {
	return r.host.Now().Wall.Add(in).UTC().Format("15:04 UTC")
}

// What the announcement says to do puts it off, and is announced to end in turn.
func TestAnEndThatWasPutOffIsAnnouncedAgain(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		if err := r.host.Stop("web.service"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(52 * time.Minute)
		told := r.from(t)
		r.asks(hand.Request{Verb: hand.Suspend, Objects: []string{"Service/web"}, For: time.Hour, Actor: "anna"})
		time.Sleep(49 * time.Minute)
		told()
		time.Sleep(2 * time.Minute)
		told("50m0s the suspension of web by anna ends in 10m, at " + r.clock(9*time.Minute) + "; to put that off: evenkeel suspend web --for 1h")
		if r.active("web.service") == "active" {
			t.Errorf("started although suspended:\n%s", r.history())
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if r.active("web.service") != "active" {
			t.Errorf("not started after the suspension:\n%s", r.history())
		}
	})
}

func (r *rig) asks(q hand.Request) {
	r.t.Helper()
	if _, err := r.control.Hand(context.Background(), q); err != nil {
		r.t.Fatal(err)
	}
}

// What is announced of holds of every kind, and of which nothing is: those that
// are short, that do not end, that end without any act of evenkeel's.
func TestWhatIsAnnouncedOfHolds(t *testing.T) {
	const seen = "web.service was stopped by hand; it is started again after 1h, or at once by: systemctl start web.service"
	stop := func(r *rig) { _ = r.host.Stop("web.service") }
	suspend := func(object string, d time.Duration) func(r *rig) {
		return func(r *rig) { r.asks(hand.Request{Verb: hand.Suspend, Objects: []string{object}, For: d}) }
	}
	for _, c := range []struct {
		name string
		yaml string
		do   []func(r *rig)
		want []string // of each announcement, how it begins
	}{
		{"a service is suspended", service("web"), []func(*rig){suspend("Service/web", time.Hour)}, []string{"50m0s the suspension of web ends"}},
		{"the host is suspended", service("web"), []func(*rig){suspend("host", time.Hour)}, []string{"50m0s the suspension of host ends in 10m"}},
		{"for a short while", service("web"), []func(*rig){suspend("Service/web", 10*time.Minute)}, nil},
		{"a stop that is respected for a short while", service("web", "manualStop: {hold: 5m}"), []func(*rig){stop}, []string{"0s web.service was stopped by hand; it is started again after 5m"}},
		{"a stop that stands until somebody says so", service("web", "manualStop: {then: escalate}"), []func(*rig){stop}, []string{"0s web.service was stopped by hand; it stays so until: systemctl start web.service"}},
		{"a stop, within a longer suspension", service("web"), []func(*rig){suspend("Service/web", 24*time.Hour), stop}, []string{"0s " + seen}},
		{"a stop, while the host is suspended for longer", service("web"), []func(*rig){suspend("host", 24*time.Hour), stop}, []string{"0s " + seen}},
		{"a stop that a human takes back", service("web"), []func(*rig){stop, func(r *rig) { r.quiet(); _ = r.host.Start("web.service") }}, []string{"0s " + seen}},
		{"a stop of what is masked then", service("web"), []func(*rig){stop, func(r *rig) {
			r.quiet()
			_ = r.host.Remove("/etc/systemd/system/web.service")
			_ = r.host.Mask("web.service")
		}}, []string{"0s " + seen}},
		{"a suspension that is lifted", service("web"), []func(*rig){suspend("Service/web", time.Hour), func(r *rig) { r.asks(hand.Request{Verb: hand.Resume, Objects: []string{"Service/web"}}) }}, nil},
		{"a stop of what is only observed", service("web", "management: observe"), []func(*rig){stop}, nil},
		{"a stop of what was released", service("web"), []func(*rig){func(r *rig) { r.asks(hand.Request{Verb: hand.Release, Objects: []string{"Service/web"}}) }, stop}, nil},
		{"a stop through evenkeel", service("web"), []func(*rig){func(r *rig) {
			r.asks(hand.Request{Verb: hand.Stop, Objects: []string{"Service/web"}, Actor: "anna"})
		}}, []string{"50m0s the suspension of web by anna ends in 10m"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, c.yaml, func(t *testing.T, r *rig) {
				told := r.from(t)
				for _, do := range c.do {
					do(r)
				}
				time.Sleep(3 * time.Hour)
				synctest.Wait()
				got := strings.Split(r.announced(), "\n")
				if len(c.want) == 0 {
					told()
					return
				}
				if len(got) != len(c.want) {
					t.Fatalf("told:\n%s\nwant %d", r.announced(), len(c.want))
				}
				for i, w := range c.want {
					if !strings.HasPrefix(got[i], w) {
						t.Errorf("told %q, want %q", got[i], w)
					}
				}
			})
		})
	}
}

// Whoever stops a lot at once is told so at once.
func TestAnAnnouncementIsBounded(t *testing.T) {
	var yaml strings.Builder
	for i := range 9 {
		yaml.WriteString(service(fmt.Sprint("s", i)))
	}
	bubble(t, yaml.String(), func(t *testing.T, r *rig) {
		r.from(t)
		r.host.Deaf(true)
		for i := range 9 {
			_ = r.host.Stop(fmt.Sprintf("s%d.service", i))
		}
		r.host.Deaf(false)
		r.control.Reconcile()
		r.quiet()
		if lines := strings.Split(r.announced(), "\n"); len(lines) != 6 || lines[5] != "and 4 more: evenkeel status" {
			t.Errorf("told:\n%s", r.announced())
		}
	})
}

// A sickness that no remedy helps against is announced once, and so is the end of
// it, because by then somebody may be on the way.
func TestACaseThatNeedsAHumanIsAnnouncedAndItsEnd(t *testing.T) {
	bubble(t, service("web", "limits: {restarts: 2, per: 30m, backoff: [1s]}"), func(t *testing.T, r *rig) {
		r.host.Behave("/bin/web", sim.Program{Exits: true, After: 3 * time.Second, Code: 1})
		told := r.from(t)
		if err := r.host.Kill("web.service", "KILL"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		spent := "6s web.service: web.service failed (exit-code); it was started as often as its limits allow, and does not stay up (BudgetSpent)"
		told(spent)
		r.host.Behave("/bin/web", sim.Program{})
		time.Sleep(40 * time.Minute)
		told(spent, "40m0s web.service needs nobody any more: it has been well for 10m")
	})
}
