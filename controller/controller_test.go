package controller_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/state"
)

// bubble runs a test in virtual time. Every goroutine that it leaves behind
// fails it.
func bubble(t *testing.T, yaml string, f func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, yaml)
		r.run()
		defer func() { r.stop() }()
		f(t, r)
	})
}

func TestFromNothingAndHealed(t *testing.T) {
	bubble(t, service("db")+service("web", "dependsOn: [db]"), func(t *testing.T, r *rig) {
		r.want("")
		if r.active("web.service") != "active" || r.active("db.service") != "active" {
			t.Fatalf("not up:\n%s", r.history())
		}
		if n := r.store.did("systemd.daemon-reload"); n != 1 {
			t.Errorf("%d daemon-reloads, want one for all:\n%s", n, r.history())
		}
		if err := r.host.Kill("web.service", "KILL"); err != nil {
			t.Fatal(err)
		}
		r.quiet()
		r.want("")
		steps := r.store.steps()
		if last := steps[len(steps)-1]; last.Verb != "start" || last.Reason != state.Failed || last.Outcome != state.Done {
			t.Errorf("last step: %+v", last)
		}
	})
}

// A pass that changes nothing writes nothing, and acts on nothing.
func TestQuietWhenWell(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		before := len(r.store.entries)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := len(r.store.entries) - before; n != 0 {
			t.Errorf("%d entries in a day in which nothing happened", n)
		}
	})
}

func TestHumanStopIsRespected(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		if err := r.host.Stop("web.service"); err != nil {
			t.Fatal(err)
		}
		r.quiet()
		r.want("Service/web held ManualStop")
		time.Sleep(58 * time.Minute)
		synctest.Wait()
		r.want("Service/web held ManualStop")
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		r.want("")
		if r.active("web.service") != "active" {
			t.Errorf("not started after the hold:\n%s", r.history())
		}
	})
}

func TestMaskStands(t *testing.T) {
	bubble(t, "---\napiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {unit: web.service}\n", func(t *testing.T, r *rig) {
		if err := r.host.WriteAs("/usr/lib/systemd/system/web.service", "[Service]\nExecStart=/bin/web\n", 0o644, "root", "root"); err != nil {
			t.Fatal(err)
		}
		r.host.DaemonReload()
		r.quiet()
		r.want("")
		for _, err := range []error{r.host.Stop("web.service"), r.host.Mask("web.service")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		r.host.DaemonReload()
		before := len(r.store.steps())
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if n := len(r.store.steps()) - before; n != 0 {
			t.Errorf("%d steps on a masked unit:\n%s", n, r.history())
		}
	})
}

// A crash loop is repaired as often as its limits allow, and no more.
func TestCrashLoop(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		before := r.store.did("systemd.start")
		end := time.Now().Add(29 * time.Minute)
		for time.Now().Before(end) {
			_ = r.host.Kill("web.service", "KILL")
			time.Sleep(5 * time.Second)
		}
		synctest.Wait()
		if n := r.store.did("systemd.start") - before; n != 3 {
			t.Errorf("%d repairs within 29 minutes, the limit is 3 in 30:\n%s", n, r.history())
		}
	})
}

func TestRecordThatCannotBeWritten(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		before := len(r.store.steps())
		r.store.breakWith(errDisk)
		_ = r.host.Kill("web.service", "KILL")
		time.Sleep(time.Minute)
		synctest.Wait()
		if r.active("web.service") != "failed" || len(r.store.steps()) != before {
			t.Errorf("something was done without a record:\n%s", r.history())
		}
		r.want("Service/web held StoreUntrusted")
		r.store.breakWith(nil)
		time.Sleep(time.Minute)
		synctest.Wait()
		r.want("")
		if r.active("web.service") != "active" {
			t.Errorf("not healed once the record could be written:\n%s", r.history())
		}
	})
}

func TestKillSwitchStopsAtTheLastMoment(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		r.stopped.Store(true) // set, and not yet seen by the observer
		_ = r.host.Kill("web.service", "KILL")
		r.quiet()
		if r.active("web.service") != "failed" {
			t.Errorf("started in spite of the kill switch:\n%s", r.history())
		}
	})
}

func TestInvalidDesiredState(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		r.source.offer(nil, errors.New("d/all.yaml:3:1: unknown field"))
		r.quiet()
		_ = r.host.Kill("web.service", "KILL")
		r.quiet()
		r.want("") // the last good one is kept in force
		v, err := r.control.View(t.Context())
		if err != nil || v.Invalid == "" {
			t.Errorf("the view does not say that the newest is invalid: %+v, %v", v.Invalid, err)
		}
		r.source.offer(declare(t, service("web")+service("more")), nil)
		r.quiet()
		if r.active("more.service") != "active" {
			t.Errorf("the next good one is not in force:\n%s", r.history())
		}
	})
}

// An actuator's word is no proof: what it says it did and did not is a failure,
// tried again with growing pauses.
func TestActuatorThatLies(t *testing.T) {
	bubble(t, service("web"), func(t *testing.T, r *rig) {
		r.host.FailNext("systemd.enable", sim.Fault{Lie: true})
		_ = r.host.Disable("web.service")
		r.quiet()
		lied := false
		for _, s := range r.store.steps() {
			lied = lied || s.Verb == "enable" && s.Outcome == state.StepFailed
		}
		if !lied {
			t.Errorf("no enable that failed:\n%s", r.history())
		}
		r.want("") // the next try was honest
	})
}

// What was under way when evenkeel died is closed as interrupted when it comes
// back, and what was not done is done.
func TestComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("web"))
		step := state.Step{ID: "left-open", Object: "Service/web", Reason: state.NotRunning, Rests: []state.Ref{{Kind: state.RefUnit, Name: "web.service"}}}
		step.Action.Actuator, step.Action.Verb, step.Action.Target = "systemd", "start", "web.service"
		if _, err := r.store.Append([]state.Entry{{At: r.host.Now(), Intent: &state.Intent{Step: step}}}); err != nil {
			t.Fatal(err)
		}
		r.run()
		defer r.stop()
		r.want("")
		if l := r.store.steps()[0]; l.Outcome != state.Cut {
			t.Errorf("the step that was left open ended %q", l.Outcome)
		}
	})
}

// Desired state that cannot be read at the start is an error, and nothing runs.
func TestNothingToBeginWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("web"))
		r.source.set, r.source.err = nil, errors.New("no such folder")
		c, err := controller.New(controller.Options{
			Source: r.source, Observer: r.host, Store: r.store, Actuators: r.host.Actuators(), Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(context.Background()); err == nil {
			t.Error("it ran")
		}
		if _, err := c.View(t.Context()); !errors.Is(err, controller.ErrEnded) {
			t.Errorf("view: %v", err)
		}
	})
}
