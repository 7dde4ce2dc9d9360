package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// probed declares probes of a service, and that all of them succeed.
func (h *host) probed(name string, kinds ...string) {
	s := h.svc(name)
	for _, kind := range kinds {
		p := desired.Probe{TCPSocket: &desired.TCPSocket{Port: &desired.Port{Number: 80}}, PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3}
		switch kind {
		case desired.StartupProbe:
			s.Spec.StartupProbe = &p
		case desired.LivenessProbe:
			s.Spec.LivenessProbe = &p
		case desired.ReadinessProbe:
			s.Spec.ReadinessProbe = &p
		}
		for _, u := range s.Units {
			s.Probes = append(s.Probes, desired.Probing{Name: desired.ProbeName(kind, u), Kind: kind, Object: s.Object(), Unit: u, Probe: p})
		}
		h.probe(name, kind, state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Minute})
	}
}

// probe is what a probe of a service has come to, about the process that runs.
func (h *host) probe(name, kind string, p state.Probe) {
	if h.have.Probes == nil {
		h.have.Probes = map[string]state.Fact[state.Probe]{}
	}
	u := h.svc(name).Units[0]
	p.Invocation = h.have.Units[u].Value.Invocation
	h.have.Probes[desired.ProbeName(kind, u)] = state.Fact[state.Probe]{At: h.now, Value: p}
}

// fails has a probe fail, since a while ago.
func (h *host) fails(name, kind string, since time.Duration) {
	h.probe(name, kind, state.Probe{Verdict: state.ProbeFailure, Since: h.now.Up - since, Failing: h.now.Up - since, Class: state.ClassRefused, Detail: "connection refused"})
}

// failing is a row of failures below the threshold.
func (h *host) failing(name, kind string, since time.Duration) {
	h.probe(name, kind, state.Probe{Verdict: state.ProbeSuccess, Since: 3 * time.Minute, Failing: h.now.Up - since, Class: state.ClassRefused})
}

func (h *host) blindTo(name, kind string) {
	h.have.Probes[desired.ProbeName(kind, h.svc(name).Units[0])] = state.Fact[state.Probe]{At: h.now, Err: "network is unreachable"}
}

// endpoint declares something outside that a service requires.
func (h *host) endpoint(name string, p state.Probe, by ...string) {
	h.want.Endpoints = append(h.want.Endpoints, desired.NewEndpoint(name, nil, desired.EndpointSpec{}))
	for _, s := range by {
		h.svc(s).Outside = append(h.svc(s).Outside, name)
	}
	if h.have.Probes == nil {
		h.have.Probes = map[string]state.Fact[state.Probe]{}
	}
	h.have.Probes[desired.ProbeName(desired.EndpointProbe, name)] = state.Fact[state.Probe]{At: h.now, Value: p}
}

func dead(u *state.Unit) {
	u.Active, u.Sub, u.Result, u.MainPID, u.Exited, u.Rested, u.Changed = "failed", "failed", "signal", 0, 9*time.Minute, 9*time.Minute, 9*time.Minute
}

// What is sick by the word of its probes, and what is done about it.
func TestHealth(t *testing.T) {
	const live, readyKind = desired.LivenessProbe, desired.ReadinessProbe
	cases := []struct {
		name string
		make func(h *host)
		want string
	}{
		{"all well: nothing", func(*host) {}, ""},
		{
			"liveness failed: restarted", func(h *host) { h.fails("web", live, time.Minute) },
			"Service/web systemd.restart web.service LivenessFailed charged\nheld Service/web LivenessFailed\n",
		},
		{"liveness fails below its threshold: left alone", func(h *host) { h.failing("web", live, 10*time.Second) }, ""},
		{"startup failed: restarted", func(h *host) {
			h.probed("web", desired.StartupProbe)
			h.fails("web", desired.StartupProbe, time.Minute)
		}, "Service/web systemd.restart web.service LivenessFailed charged\nheld Service/web LivenessFailed\n"},
		{"not started yet: its liveness does not count", func(h *host) {
			h.probed("web", desired.StartupProbe)
			h.probe("web", desired.StartupProbe, state.Probe{})
			h.fails("web", live, time.Minute)
		}, ""},
		{
			"readiness failed: told, not restarted", func(h *host) { h.fails("web", readyKind, time.Minute) },
			"held Service/web NotReady\n",
		},
		{"a failure of the process before this one: nothing is known of this one", func(h *host) {
			h.fails("web", live, time.Minute)
			h.unit("web.service", func(u *state.Unit) { u.Invocation = "i2" })
			h.settle()
		}, ""},
		{
			"a probe that cannot be carried out: a gap, and nothing is done", func(h *host) { h.blindTo("web", live) },
			"gap Service/web probe:liveness/web.service\n",
		},
		{
			"stateful: a human is needed", func(h *host) { h.svc("web").Spec.Stateful = true; h.fails("web", live, time.Minute) },
			"held Service/web Escalated\nheld Service/web LivenessFailed\n",
		},
		{
			"not our unit file: a human is needed", func(h *host) {
				h.svc("web").UnitFile = nil
				delete(h.past.Ran, "web.service")
				h.settle()
				h.fails("web", live, time.Minute)
			},
			"held Service/web Escalated\nheld Service/web LivenessFailed\n",
		},
		{"something else answers: never a restart", func(h *host) {
			h.probe("web", live, state.Probe{Verdict: state.ProbeFailure, Since: 9 * time.Minute, Failing: 9 * time.Minute, Class: state.ClassWrong})
		}, "held Service/web Escalated\nheld Service/web WrongService\n"},
		{"suspended: held", func(h *host) {
			h.fails("web", live, time.Minute)
			hold := state.Hold{Reason: state.Suspended, Object: "Service/web", Since: h.now, For: time.Hour}
			h.past.Holds[hold.Key()] = hold
		}, "held Service/web Suspended\nheld Service/web LivenessFailed\n"},

		// root cause
		{"what it requires is down: that is started, and it waits", func(h *host) {
			h.unit("db.service", dead)
			h.fails("web", live, 30*time.Second)
		}, "Service/db systemd.start db.service NotRunning->Failed\n"},
		{"what it requires is not ready: it waits", func(h *host) {
			h.probed("db", readyKind)
			h.fails("db", readyKind, time.Minute)
			h.fails("web", live, time.Minute)
		}, "held Service/db NotReady\nheld Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"what it requires became well just now: it may recover by itself", func(h *host) {
			h.unit("db.service", func(u *state.Unit) { u.Entered, u.Invocation = 9*time.Minute+55*time.Second, "i2" })
			h.past.Started["db.service"] = h.now
			h.settle()
			h.fails("web", live, time.Minute)
		}, "held Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"its liveness succeeds again only just now: what requires it may recover by itself", func(h *host) {
			h.probed("db", live)
			h.probe("db", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up - 20*time.Second})
			h.fails("web", live, time.Minute)
		}, "held Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"it fell sick after what it requires was well, which is only just now: it may recover by itself", func(h *host) {
			h.probed("db", live)
			h.probe("db", live, state.Probe{Verdict: state.ProbeSuccess, Since: h.now.Up - 25*time.Second})
			h.fails("web", live, 20*time.Second)
		}, "held Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"what it requires has begun to fail: whether that is the cause shows first", func(h *host) {
			h.probed("db", live)
			h.failing("db", live, 5*time.Second)
			h.fails("web", live, time.Minute)
		}, "held Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"it is stuck in its start, and what it requires is sick: it waits", func(h *host) {
			h.svc("db").Spec.Stateful = true
			h.probed("db", live)
			h.fails("db", live, time.Minute)
			h.unit("web.service", stuckStarting)
		}, "held Service/db Escalated\nheld Service/db LivenessFailed\nheld Service/web DependencySick\n"},
		{"it is stuck in its start, and a human asks for it: his step alone", func(h *host) {
			h.unit("web.service", stuckStarting)
			h.past.Fold(state.Entry{At: h.now, Note: &state.Note{Kind: state.NoteAsked, Object: "Service/web", Ask: &state.Ask{
				ID: "a1", Object: "Service/web", Verb: "start", Units: []string{"web.service"}, At: h.now,
			}}})
		}, "Service/web systemd.start web.service ByHand\n"},
		{"what it requires has been well for long: it is restarted", func(h *host) {
			h.unit("db.service", func(u *state.Unit) { u.Entered, u.Invocation = 9*time.Minute, "i2" })
			h.past.Started["db.service"] = h.now
			h.settle()
			h.fails("web", live, 2*time.Minute)
		}, "Service/web systemd.restart web.service LivenessFailed charged\nheld Service/web LivenessFailed\n"},
		{"it says itself what it misses: that is looked at", func(h *host) {
			h.add("redis")
			h.probed("redis", live)
			h.svc("redis").Spec.Stateful = true
			h.fails("redis", live, time.Minute)
			h.probe("web", readyKind, state.Probe{Verdict: state.ProbeFailure, Since: 9 * time.Minute, Says: map[string]string{"redis": "down", "db": "ok"}})
			h.fails("web", live, time.Minute)
		}, "held Service/redis Escalated\nheld Service/redis LivenessFailed\nheld Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"what it requires is the cause of all that it requires: that alone is named", func(h *host) {
			h.add("api")
			h.svc("api").Requires, h.svc("web").Requires = []string{"db"}, []string{"db", "api"}
			h.probed("db", readyKind)
			h.probed("api", readyKind)
			h.fails("db", readyKind, time.Minute)
			h.fails("api", readyKind, time.Minute)
			h.fails("web", live, time.Minute)
			for _, held := range h.make().Held {
				if held.Reason == state.DependencySick && held.Detail != "db is not ready, and comes first" {
					t.Errorf("%s: %s", held.Object, held.Detail)
				}
			}
		}, "held Service/api DependencySick\nheld Service/api NotReady\nheld Service/db NotReady\nheld Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"an endpoint is down: what requires it is not restarted", func(h *host) {
			h.endpoint("pawapay", state.Probe{Verdict: state.ProbeFailure, Since: 8 * time.Minute}, "web")
			h.fails("web", live, time.Minute)
		}, "held Endpoint/pawapay EndpointDown\nheld Service/web DependencySick\nheld Service/web LivenessFailed\n"},
		{"a start waits until what it requires is ready", func(h *host) {
			h.probed("db", readyKind)
			h.probe("db", readyKind, state.Probe{})
			h.unit("web.service", dead)
		}, "held Service/web DependencySick\n"},

		// breaker
		{"many fall sick at once: nothing is disturbed", func(h *host) {
			h.manySick(5, 3, time.Minute)
		}, "held Host/app-1"},
		{"many have begun to fail, one is over its threshold: nothing is disturbed", func(h *host) {
			h.manySick(5, 0, 0)
			h.fails("s1", live, 40*time.Second)
			h.failing("s2", live, 35*time.Second)
			h.failing("s3", live, 30*time.Second)
		}, "held Service/s1 TooManySick\nheld Service/s1 LivenessFailed\n"},
		{"many fall sick with what they require, and one alone: that one is restarted", func(h *host) {
			h.manySick(5, 5, time.Minute)
			for _, name := range []string{"s2", "s3", "s4", "s5"} {
				h.svc(name).Requires = []string{"db"}
			}
			h.probed("db", readyKind)
			h.fails("db", readyKind, time.Minute)
		}, "only s1"},
		{"a verdict from before our own last step on it: looked at again, and nothing is done", func(h *host) {
			h.fails("web", live, time.Minute)
			h.past.Ended["probe:liveness/web.service"] = h.now.Add(time.Second)
		}, "gap Service/web probe:liveness/web.service\n"},
		{"one has begun to fail, and the others cannot be seen: nothing is disturbed", func(h *host) {
			h.manySick(5, 1, time.Minute)
			h.blindTo("s2", live)
			h.blindTo("s3", live)
		}, "held Service/s1 TooManySick\nheld Service/s1 LivenessFailed\ngap Service/s2 probe:liveness/s2.service\ngap Service/s3 probe:liveness/s3.service\n"},
		{
			"one of many is sick: it is restarted", func(h *host) { h.manySick(5, 1, time.Minute) },
			"Service/s1 systemd.restart s1.service LivenessFailed charged\nheld Service/s1 LivenessFailed\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("db", "web")
			h.svc("web").Requires = []string{"db"}
			h.probed("web", live, readyKind)
			c.make(h)
			p := h.make()
			h.fold(p)
			got := tell(h.make())
			if again := tell(p); again != got {
				t.Errorf("not a fixpoint; first:\n%s\nthen:\n%s", again, got)
			}
			switch {
			case strings.HasPrefix(c.want, "Service/db systemd.start"):
				if !strings.Contains(got, "Service/db systemd.start db.service") || strings.Contains(got, "web.service") || !strings.Contains(got, "held Service/web DependencySick") {
					t.Errorf("got:\n%s", got)
				}
			case c.want == "only s1":
				if !strings.Contains(got, "systemd.restart s1.service") || strings.Contains(got, "TooManySick") || strings.Count(got, "DependencySick") != 4 {
					t.Errorf("got:\n%s", got)
				}
			case c.want == "held Host/app-1":
				if strings.Contains(got, "systemd.restart") || strings.Count(got, "TooManySick") != 3 {
					t.Errorf("got:\n%s", got)
				}
			case got != c.want:
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func stuckStarting(u *state.Unit) {
	u.Active, u.Sub, u.MainPID, u.Changed = "activating", "start", 100, 2*time.Minute
}

// manySick adds n services with a liveness probe each, of which some are sick.
func (h *host) manySick(n, sick int, since time.Duration) {
	for i := 1; i <= n; i++ {
		name := fmt.Sprintf("s%d", i)
		h.add(name)
		h.probed(name, desired.LivenessProbe)
		if i <= sick {
			h.fails(name, desired.LivenessProbe, since)
		}
	}
}
