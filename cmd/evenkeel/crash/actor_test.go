package crash_test

import (
	"context"
	"log/slog"
	"os"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	evbus "github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/host"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// eyes read units of this host, as evenkeel does.
type eyes struct {
	units *units.Observer
	now   func() state.Time
}

func (e eyes) Now() state.Time { return e.now() }
func (e eyes) Observe(ctx context.Context, refs []state.Ref) state.Facts {
	var names []string
	for _, r := range refs {
		names = append(names, r.Name)
	}
	return state.Facts{Units: e.units.Observe(ctx, names)}
}

// liar is an actuator that claims to have done what it was asked for.
type liar struct{ actuators.Actuator }

func (liar) Apply(context.Context, actuators.Request) (actuators.Result, error) {
	return actuators.Result{Changed: true, Detail: "all done"}, nil
}

func look(t *testing.T) (*evbus.Conn, eyes) {
	t.Helper()
	conn, err := evbus.Dial(t.Context(), evbus.Options{Subscribe: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	clock, err := host.NewClock()
	if err != nil {
		t.Fatal(err)
	}
	return conn, eyes{units.New(conn, clock.Now, units.Options{}), clock.Now}
}

func startOf(unit string) state.Step {
	return state.Step{
		ID: "id", Object: "Service/crash-x", Effect: actuators.Benign, Rests: []state.Ref{{Kind: state.RefUnit, Name: unit}},
		Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: unit},
	}
}

// An actuator's word is no proof: what counts is what is seen afterwards.
func TestAnActuatorsWordIsNotBelieved(t *testing.T) {
	b := newBox(t)
	b.put(unitDir+"/crash-x.service", b.unit("crash-x", "", ""))
	b.systemctl("daemon-reload")
	conn, see := look(t)
	honest := systemd.New(conn, systemd.Options{})
	for _, c := range []struct {
		name string
		by   actuators.Actuator
		want state.Status
	}{{"a liar", liar{honest}, state.StepFailed}, {"an honest one", honest, state.Done}} {
		actor := act.New(act.Options{Actuators: map[string]actuators.Actuator{"systemd": c.by}, Eyes: see, Log: slog.New(slog.DiscardHandler)})
		step := startOf("crash-x.service")
		r := actor.Do(t.Context(), act.Order{Step: step, Before: see.Observe(t.Context(), step.Rests), Policy: desired.BuiltInPolicy()})
		if r.Outcome.Status != c.want {
			t.Errorf("%s: the outcome is %s (%s), want %s", c.name, r.Outcome.Status, r.Outcome.Detail, c.want)
		}
	}
}

// Whatever was planned, an act that policy does not allow is refused.
func TestAnActChecksPolicyForItself(t *testing.T) {
	b := newBox(t)
	b.put(unitDir+"/crash-x.service", b.unit("crash-x", "", ""))
	b.ok(os.Symlink("crash-x.service", unitDir+"/crash-alias.service"))
	t.Cleanup(func() { _ = os.Remove(unitDir + "/crash-alias.service") })
	b.systemctl("daemon-reload")
	conn, see := look(t)
	actor := act.New(act.Options{
		Actuators: map[string]actuators.Actuator{"systemd": systemd.New(conn, systemd.Options{})}, Eyes: see, Log: slog.New(slog.DiscardHandler),
	})
	observing, foreign, protecting, aliases := desired.BuiltInPolicy(), desired.BuiltInPolicy(), desired.BuiltInPolicy(), desired.BuiltInPolicy()
	observing.Mode = desired.Observe
	foreign.Units = []string{"pakashop-*"}
	protecting.Protect = []string{"crash-x.service"}
	aliases.Units = []string{"crash-alias.service"}
	for _, c := range []struct {
		name, unit string
		p          desired.Policy
	}{
		{"mode observe", "crash-x.service", observing},
		{"another's unit", "crash-x.service", foreign},
		{"the protected set", "crash-x.service", protecting},
		{"an alias of the protected set", "crash-alias.service", protecting},
		{"an alias of another's unit", "crash-alias.service", aliases},
	} {
		step := startOf(c.unit)
		r := actor.Do(t.Context(), act.Order{Step: step, Before: see.Observe(t.Context(), step.Rests), Policy: c.p})
		if r.Outcome.Status != state.StepRefused {
			t.Errorf("%s: the outcome is %s (%s), want refused", c.name, r.Outcome.Status, r.Outcome.Detail)
		}
	}
	if b.seen("crash-x", "start") != 0 {
		t.Error("it was started")
	}
}
