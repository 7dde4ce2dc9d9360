package report

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

const postgres = "postgresql@15-main.service"

// shop is a service with probes, and what it rests on.
func shop() *host {
	h := night(vendor("postgresql", postgres), app("pakashop-backend", "postgresql"))
	return h.probed("postgresql", readyKind).probed("pakashop-backend", live, readyKind)
}

// sickNights are the situations in which something runs and is not well.
var sickNights = map[string]func() *host{
	"liveness-failed": func() *host {
		h := shop()
		h.fails("pakashop-backend", live, 40*time.Second)
		return h
	},
	"dependency-not-ready": func() *host {
		h := night(vendor("postgresql", postgres), app("pakashop-backend", "postgresql"), app("pakashop-gateway", "pakashop-backend"))
		h.probed("postgresql", readyKind).probed("pakashop-backend", live, readyKind).probed("pakashop-gateway", live)
		h.fails("postgresql", readyKind, 5*time.Minute)
		h.fails("pakashop-backend", live, 4*time.Minute)
		h.probe("pakashop-backend", readyKind, state.Probe{
			Verdict: state.ProbeFailure, Since: uptime - 4*time.Minute, Failing: uptime - 4*time.Minute, Class: state.ClassStatus,
			Detail: "503 Service Unavailable", Says: map[string]string{"postgresql": "down", "disk": "ok"},
		})
		h.fails("pakashop-gateway", live, 3*time.Minute)
		return h
	},
	"recovering": func() *host {
		h := shop()
		h.fails("pakashop-backend", live, 2*time.Minute)
		h.probe("postgresql", readyKind, state.Probe{Verdict: state.ProbeSuccess, Since: uptime - 10*time.Second})
		return h
	},
	"too-many-sick": func() *host {
		h := night(app("pakashop-a"), app("pakashop-b"), app("pakashop-c"), app("pakashop-d"), app("pakashop-backend"))
		for i, n := range []string{"pakashop-a", "pakashop-b", "pakashop-c", "pakashop-d", "pakashop-backend"} {
			h.probed(n, live)
			if i > 1 {
				h.fails(n, live, time.Minute+time.Duration(i)*time.Second)
			}
		}
		return h
	},
	"escalated": func() *host {
		h := shop()
		h.remedies("pakashop-backend", "restart", "app.warmup", "escalate")
		h.fails("pakashop-backend", live, 20*time.Minute)
		h.tried(15*time.Minute, state.Done)
		h.at(10 * time.Minute)
		h.fails("pakashop-backend", live, 11*time.Minute)
		h.fails("pakashop-backend", readyKind, 11*time.Minute)
		h.tried(10*time.Minute, state.StepFailed)
		h.at(5 * time.Minute)
		h.settle()
		h.at(0)
		return h
	},
	"remedy-worse": func() *host {
		h := night(app("pakashop-other"), vendor("postgresql", postgres), app("pakashop-backend", "postgresql"))
		h.probed("postgresql", readyKind).probed("pakashop-backend", live).probed("pakashop-other", live)
		h.fails("pakashop-backend", live, 10*time.Minute)
		h.tried(50*time.Second, state.Done)
		h.at(0)
		h.fails("pakashop-backend", live, 20*time.Second)
		h.fails("pakashop-other", live, 25*time.Second)
		return h
	},
	"blamed-on-a-remedy": func() *host {
		h := night(app("pakashop-other"), app("pakashop-mail"), app("pakashop-backend"))
		h.probed("pakashop-other", live).probed("pakashop-mail", live).probed("pakashop-backend", live)
		h.fails("pakashop-other", live, 10*time.Minute)
		h.tried(50*time.Second, state.Done)
		h.at(0)
		h.fails("pakashop-mail", live, 30*time.Second)
		h.fails("pakashop-backend", live, 20*time.Second)
		return h
	},
	"verifying": func() *host {
		h := shop()
		h.remedies("pakashop-backend", "app.warmup", "restart")
		h.fails("pakashop-backend", live, 10*time.Minute)
		h.tried(30*time.Second, state.Done)
		h.at(0)
		return h
	},
	"restarted-just-now": func() *host {
		h := shop()
		h.fails("pakashop-backend", live, 10*time.Minute)
		h.tried(5*time.Second, state.Done)
		h.at(0)
		h.probe("pakashop-backend", live, state.Probe{})
		h.probe("pakashop-backend", readyKind, state.Probe{})
		return h
	},
	"well-again": func() *host {
		h := shop()
		h.fails("pakashop-backend", live, 10*time.Minute)
		h.tried(5*time.Minute, state.Done)
		h.at(4 * time.Minute)
		for _, kind := range []string{live, readyKind} {
			h.probe("pakashop-backend", kind, state.Probe{Verdict: state.ProbeSuccess, Since: uptime - 4*time.Minute})
		}
		h.settle()
		h.at(0)
		return h
	},
	"not-ready": func() *host {
		h := shop()
		h.probe("pakashop-backend", readyKind, state.Probe{
			Verdict: state.ProbeFailure, Since: uptime - time.Minute, Failing: uptime - 90*time.Second, Class: state.ClassStatus,
			Detail: "503 Service Unavailable", Says: map[string]string{"meilisearch": "down", "postgresql": "ok"},
		})
		return h
	},
	"not-ready-for-another": func() *host {
		h := shop()
		h.fails("pakashop-backend", readyKind, time.Minute)
		h.outside("pawapay", down(time.Hour), "pakashop-backend")
		return h
	},
	"wrong-service": func() *host {
		h := shop()
		h.probe("pakashop-backend", live, state.Probe{
			Verdict: state.ProbeFailure, Since: uptime - time.Minute, Failing: uptime - time.Minute, Class: state.ClassWrong,
			Detail: `service is "pakashop-mail", declared "pakashop-backend"`,
		})
		return h
	},
	"flapping": func() *host {
		h := shop()
		h.Past.Flaps[backend] = state.Flap{Since: moment(-5 * time.Minute), Restarts: 1, Seen: 1}
		h.change(backend, func(u *state.Unit) {
			u.Restarts, u.Entered, u.Changed, u.ChangedAt = 7, uptime-20*time.Second, uptime-20*time.Second, noon.Add(-20*time.Second)
		})
		return h
	},
	"blind-probe": func() *host {
		h := shop()
		h.blind("pakashop-backend", live)
		return h
	},
	"blind-eyes": func() *host {
		h := night(app("pakashop-a"), app("pakashop-b"), app("pakashop-backend"))
		for _, n := range []string{"pakashop-a", "pakashop-b", "pakashop-backend"} {
			h.probed(n, live)
			h.blind(n, live)
		}
		return h
	},
	"remedy-awaits-approval": func() *host {
		h := shop()
		h.remedies("pakashop-backend", "cache.flush")
		s, _ := h.Want.Service("pakashop-backend")
		s.Spec.Remedies[0].With = map[string]any{"cache": "pages"}
		h.Want.Caches = []desired.Cache{{Name: "pages", Digest: "d1"}}
		h.Want.Policy.Actions = nil
		h.fails("pakashop-backend", live, time.Minute)
		return h
	},
	"remedy-passed-over": func() *host {
		h := shop()
		h.remedies("pakashop-backend", "rollback", "restart")
		h.fails("pakashop-backend", live, time.Minute)
		return h
	},
	"failing-below-its-threshold": func() *host {
		h := shop()
		h.probe("pakashop-backend", live, state.Probe{
			Verdict: state.ProbeSuccess, Since: uptime - 3*time.Hour, Failing: uptime - 12*time.Second, Class: state.ClassTimeout, Detail: "no answer within 1s",
		})
		return h
	},
	"not-probed": func() *host {
		h := shop()
		h.Have.Probes = nil
		return h
	},
}

func TestWhyOfAnEndpoint(t *testing.T) {
	for name, p := range map[string]state.Probe{
		"endpoint-down": down(time.Hour), "endpoint-up": {Verdict: state.ProbeSuccess, Since: uptime - time.Hour}, "endpoint-new": {},
	} {
		t.Run(name, func(t *testing.T) {
			h := shop()
			h.outside("pawapay", p, "pakashop-backend")
			h.fails("pakashop-backend", readyKind, 30*time.Minute)
			h.settle()
			w, ok := h.Why("pawapay", nil)
			if !ok {
				t.Fatal("no such endpoint")
			}
			tellsWhy(t, name, w)
		})
	}
}
