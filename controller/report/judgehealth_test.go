package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What the plan finds out about health, in the words of the board: OK is well,
// HELD waits for something else, FAIL is ours or given up, WARN is not ready,
// UNKNOWN is not known.
func TestStateOfHealth(t *testing.T) {
	yes, no := "ready", "not ready"
	unknown := "not known"
	for _, c := range []struct {
		name   string
		bend   func(h *host)
		state  State
		reason state.Reason
		detail string // part of it
		ready  string
	}{
		{"all probes succeed", func(*host) {}, OK, "", "", yes},
		{"no readiness probe: ready is active", func(h *host) { h.Want.Services[1].Probes = nil }, OK, "", "", yes},
		{"it fails below its threshold", func(h *host) {
			h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Hour, Failing: uptime - 10*time.Second})
		}, OK, "", "", yes},
		{"not ready", func(h *host) { h.fails("web", readyKind, time.Minute) }, WARN, state.NotReady, "connection refused", no},
		{"not ready yet", func(h *host) { h.probe("web", readyKind, state.Probe{}) }, OK, "", "", no},
		{"the readiness of the process before says nothing", func(h *host) {
			h.change("web.service", func(u *state.Unit) { u.Invocation = "6d2f" })
			h.Past.Started["web.service"] = moment(-time.Minute)
		}, OK, "", "", no},
		{"not started yet", func(h *host) { h.probed("web", startup); h.probe("web", startup, state.Probe{}) }, OK, "", "", no},
		{"startup failed", func(h *host) { h.probed("web", startup); h.fails("web", startup, time.Minute) }, FAIL, state.LivenessFailed, "startup probe", no},
		{"sick, and about to be restarted", func(h *host) { h.fails("web", live, time.Minute) }, FAIL, state.LivenessFailed, "liveness probe: connection refused", yes},
		{"something else answers", func(h *host) {
			h.probe("web", live, state.Probe{Verdict: state.ProbeFailure, Since: uptime - time.Hour, Failing: uptime - time.Hour, Class: state.ClassWrong})
		}, FAIL, state.Escalated, "nothing that evenkeel may do", yes},
		{"sick, and stateful", func(h *host) { h.Want.Services[1].Spec.Stateful = true; h.fails("web", live, time.Minute) }, FAIL, state.Escalated, "nothing that evenkeel may do", yes},
		{"sick, and suspended", func(h *host) { h.fails("web", live, time.Minute); h.suspend("Service/web", "alice looks") }, HELD, state.Suspended, "alice", yes},
		{"sick, and observed only", func(h *host) { h.fails("web", live, time.Minute); h.Want.Policy.Mode = desired.Observe }, HELD, state.ObserveOnly, "", yes},
		{"sick, and its remedy waits for approval", func(h *host) {
			h.fails("web", live, time.Minute)
			h.Want.Policy.Actions = map[string]string{"restart": "approve"}
		}, HELD, state.AwaitingApproval, "approval", yes},
		{"sick, and no window is open: a repair needs none", func(h *host) {
			h.fails("web", live, time.Minute)
			h.Want.Windows = []desired.ChangeWindow{{Name: "nights", Spec: desired.ChangeWindowSpec{Allow: true, Schedule: "0 22 * * *", Duration: desired.Duration(time.Hour)}}}
		}, FAIL, state.LivenessFailed, "", yes},
		{"sick because of what it requires", func(h *host) {
			h.fails("web", live, time.Minute)
			h.probed("db", readyKind)
			h.fails("db", readyKind, 2*time.Minute)
		}, HELD, state.DependencySick, "db is not ready, and comes first", yes},
		{"not ready because of what it requires", func(h *host) {
			h.fails("web", readyKind, time.Minute)
			h.probed("db", readyKind)
			h.fails("db", readyKind, 2*time.Minute)
		}, HELD, state.DependencySick, "db is not ready, and comes first", no},
		{"not ready because of what is outside", func(h *host) {
			h.fails("web", readyKind, time.Minute)
			h.outside("pawapay", down(time.Hour), "web")
		}, HELD, state.DependencySick, "pawapay is down", no},
		{"what it requires is well again just now", func(h *host) {
			h.fails("web", live, time.Minute)
			h.change("db.service", func(u *state.Unit) { u.Entered = uptime - 5*time.Second })
		}, HELD, state.DependencySick, "may recover by itself", yes},
		{"too many are sick", func(h *host) {
			for i := range h.Want.Services {
				h.Want.Services[i].Requires = nil
			}
			for _, n := range []string{"db", "other"} {
				h.probed(n, live)
				h.fails(n, live, time.Minute)
			}
			h.fails("web", live, time.Minute)
		}, FAIL, state.TooManySick, "3 of 3", yes},
		{"a remedy is under way", func(h *host) {
			h.fails("web", live, time.Minute)
			h.settle()
			h.inFlight(h.Plan.Steps[0])
		}, FAIL, state.LivenessFailed, "", yes},
		{"a remedy has ended, and its effect is awaited", func(h *host) {
			h.remedies("web", "fix.it", "restart")
			h.fails("web", live, 2*time.Minute)
			h.tried(30*time.Second, state.Done)
			h.at(0)
		}, FAIL, state.Verifying, "fix.it has ended", yes},
		{"it is restarted, and nobody knows how it is", func(h *host) {
			h.fails("web", live, 2*time.Minute)
			h.tried(5*time.Second, state.Done)
			h.at(0)
		}, FAIL, state.Verifying, "have not decided yet", no},
		{"well again, and watched", func(h *host) {
			h.fails("web", live, 10*time.Minute)
			h.tried(5*time.Minute, state.Done)
			h.probe("web", live, state.Probe{Verdict: state.ProbeSuccess, Since: uptime - 4*time.Minute})
			h.probe("web", readyKind, state.Probe{Verdict: state.ProbeSuccess, Since: uptime - 4*time.Minute})
			h.at(4 * time.Minute)
			h.settle()
			h.at(0)
		}, OK, state.Verifying, "well again", yes},
		{"every remedy was tried", func(h *host) {
			h.fails("web", live, 10*time.Minute)
			h.tried(5*time.Minute, state.Done)
			h.at(0)
			h.fails("web", live, time.Minute)
		}, FAIL, state.Escalated, "every remedy was tried", no},
		{"a remedy made things worse", func(h *host) {
			h.probed("other", live)
			h.fails("web", live, 10*time.Minute)
			h.tried(50*time.Second, state.Done)
			h.at(0)
			h.fails("web", live, 20*time.Second)
			h.fails("other", live, 20*time.Second)
		}, FAIL, state.RemedyWorse, "these fell sick: other", no},
		{"its limits are spent", func(h *host) {
			h.fails("web", live, time.Minute)
			for _, ago := range []time.Duration{25 * time.Minute, 20 * time.Minute, 15 * time.Minute} {
				h.Past.Charges["web.service"] = append(h.Past.Charges["web.service"], moment(-ago))
			}
		}, FAIL, state.BudgetSpent, "3 of 3 repairs", yes},
		{"it goes up and down", func(h *host) {
			h.Past.Flaps["web.service"] = state.Flap{Since: moment(-5 * time.Minute)}
			h.change("web.service", func(u *state.Unit) { u.Restarts, u.Entered = 6, uptime-20*time.Second })
		}, FAIL, state.Escalated, "restarted web.service 6 times", yes},
		{"a rung that cannot be done is no hold of the service", func(h *host) {
			h.remedies("web", "rollback", "restart")
			h.fails("web", live, time.Minute)
		}, FAIL, state.LivenessFailed, "", yes},
		{"a probe that cannot be carried out", func(h *host) { h.blind("web", live) }, UNKNOWN, state.Unobserved, "network is unreachable", yes},
		{"a readiness probe that cannot be carried out", func(h *host) { h.blind("web", readyKind) }, UNKNOWN, state.Unobserved, "network is unreachable", unknown},
		{"down: whether it is ready says nothing", func(h *host) {
			h.falls("web.service", "failed", "failed", "exit-code", state.StopUnread, time.Second)
		}, FAIL, state.Failed, "", unknown},
		{"nobody probes: systemd's word", func(h *host) { h.Have.Probes = nil }, OK, "", "", unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := night(app("db"), app("web", "db"), app("other"))
			h.probed("web", live, readyKind)
			c.bend(h)
			h.settle()
			var got Row
			for _, r := range h.board().Status.Services {
				if r.Name == "web" {
					got = r
				}
			}
			ready := unknown
			if got.Ready != nil {
				ready = map[bool]string{true: yes, false: no}[*got.Ready]
			}
			if got.State != c.state || got.Reason != c.reason || !strings.Contains(got.Detail, c.detail) || ready != c.ready {
				t.Errorf("%s %q %q, %s; want %s %q … %q …, %s\n%s", got.State, got.Reason, got.Detail, ready, c.state, c.reason, c.detail, c.ready, planned(h.Plan))
			}
		})
	}
}

// A probe of one replica says nothing of the others.
func TestHealthOfReplicas(t *testing.T) {
	s := app("worker")
	s.Template, s.Units = "worker@.service", []string{"worker@1.service", "worker@2.service", "worker@3.service"}
	h := night(s)
	for _, dir := range []string{"/etc/systemd/system/worker@.service.d", "/run/systemd/system/worker@.service.d"} {
		h.Have.Dirs[dir] = state.Fact[state.Dir]{At: moment(0)}
	}
	h.probed("worker", live)
	h.Have.Probes[desired.ProbeName(live, "worker@2.service")] = state.Fact[state.Probe]{At: h.Now, Err: "no route to host"}
	h.Have.Probes[desired.ProbeName(live, "worker@3.service")] = state.Fact[state.Probe]{At: h.Now, Value: state.Probe{
		Verdict: state.ProbeFailure, Since: uptime - time.Minute, Failing: uptime - time.Minute, Invocation: "5c1e",
	}}
	h.settle()
	want := map[string]State{"worker@1": OK, "worker@2": UNKNOWN, "worker@3": FAIL}
	for _, r := range h.board().Status.Services {
		if r.State != want[r.Name] {
			t.Errorf("%s is %s (%s: %s), want %s", r.Name, r.State, r.Reason, r.Detail, want[r.Name])
		}
	}
}

func TestStateOfAnEndpoint(t *testing.T) {
	for _, c := range []struct {
		name   string
		bend   func(h *host)
		state  State
		reason state.Reason
		detail string
		ready  string
		since  string
	}{
		{"it answers", func(h *host) {
			h.outside("pawapay", state.Probe{Verdict: state.ProbeSuccess, Since: uptime - time.Hour})
		}, OK, "", "", "yes", "11:00:00"},
		{"it does not", func(h *host) { h.outside("pawapay", down(time.Hour)) }, FAIL, state.EndpointDown, "does not answer as declared: no answer within 2s", "no", "11:00:00"},
		{"it has not answered yet", func(h *host) { h.outside("pawapay", state.Probe{}) }, UNKNOWN, state.Unobserved, "not answered yet", "?", "00:00:00"},
		{"the network is not there", func(h *host) {
			h.outside("pawapay", state.Probe{})
			h.Have.Probes["endpoint/pawapay"] = state.Fact[state.Probe]{At: h.Now, Err: "network is unreachable"}
		}, UNKNOWN, state.Unobserved, "network is unreachable", "?", "00:00:00"},
		{"nobody probes", func(h *host) { h.outside("pawapay", down(time.Hour)); h.Have.Probes = nil }, UNKNOWN, state.Unobserved, "no", "?", "00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := night(app("web"))
			c.bend(h)
			h.settle()
			b := h.board()
			r := b.Status.Services[len(b.Status.Services)-1]
			if r.Name != "pawapay" || r.Object != "Endpoint/pawapay" || r.Unit != "" {
				t.Fatalf("the last line is %+v", r)
			}
			if r.State != c.state || r.Reason != c.reason || !strings.Contains(r.Detail, c.detail) || r.readiness() != c.ready || r.Since.Format(time.TimeOnly) != c.since {
				t.Errorf("%+v, want %+v", r, c)
			}
			if want := c.state != FAIL; b.Status.Healthy != want {
				t.Errorf("healthy is %t", b.Status.Healthy)
			}
			if got := b.Status.Totals(); !strings.HasPrefix(got, "1 service, 1 endpoint: ") {
				t.Errorf("totals: %s", got)
			}
		})
	}
}
