package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// A start that systemd passed over because of an unmet condition is tried again
// after ten minutes, or when something has changed that may have met it.
func TestUnmet(t *testing.T) {
	const (
		unit    = "web.service"
		again   = "Service/web systemd.start web.service NotRunning\n"
		current = "/srv/current"
	)
	for name, c := range map[string]struct {
		then func(h *host)
		want string
	}{
		"just now":           {func(h *host) { h.later(time.Second) }, "held Service/web Backoff\n"},
		"for the third time": {func(h *host) { h.passedOver(t); h.passedOver(t); h.later(9 * time.Minute) }, "held Service/web Backoff\n"},
		"ten minutes ago":    {func(h *host) { h.later(10 * time.Minute) }, again},
		"before a file was deployed": {func(h *host) {
			h.later(time.Minute)
			h.lies(current, "v2")
			h.changed(current, h.now.Wall.Add(-time.Second))
		}, again},
		"before the unit was declared anew": {func(h *host) { h.redeclare("web", "unit web v2") }, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n" + "Service/web systemd.start web.service NotRunning after [1 2]\n"},
		"before a file of the future": {func(h *host) {
			h.later(time.Minute)
			h.lies(current, "v2")
			h.changed(current, h.now.Wall.Add(time.Hour))
		}, "held Service/web Backoff\n"},
		"before somebody started it by hand": {func(h *host) {
			h.later(time.Minute)
			h.unit(unit, func(u *state.Unit) { u.Entered = h.now.Up })
			h.later(time.Minute)
		}, again},
		"before the host was booted anew": {func(h *host) { h.now.Boot = "b2"; h.now.Up = time.Minute; h.have.Host.At = h.now }, again},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost("web")
			h.svc("web").Spec.Watch = []string{current}
			h.gone(current)
			h.past.Ran = map[string]state.Ran{}
			h.passedOver(t)
			c.then(h)
			h.see()
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, held := range p.Held {
				if held.Detail != "not met: ConditionHost=b" || held.Until == nil || p.Again == nil || p.Again.Up > held.Until.Up {
					t.Errorf("held: %+v, again at %v", held, p.Again)
				}
			}
		})
	}
}

// passedOver is a start of web.service that a condition kept from coming about.
func (h *host) passedOver(t *testing.T) {
	t.Helper()
	h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.MainPID, u.Condition = "inactive", "dead", 0, false })
	s := state.Step{
		ID: "s" + h.now.Up.String() + t.Name(), Object: "Service/web",
		Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: "web.service"},
	}
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.StepRefused, Kind: state.Unmet, Detail: "not met: ConditionHost=b"}})
}
