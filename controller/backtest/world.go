package backtest

import (
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// host is a host as declared, in the light of what was seen.
type host struct {
	want *desired.Set
	made review.Host              // as declared, when the episode began
	sick map[string]time.Duration // by what Seen names: since when it is sick in a row
	last map[string]string        // how
	asks map[string]string        // by ExprID: every expression of the Runbooks
}

func newHost(want *desired.Set, past *state.Past, at state.Time) *host {
	h := &host{want: want, sick: make(map[string]time.Duration), last: make(map[string]string), asks: make(map[string]string)}
	h.made = review.AsDeclaredAt(plan.Turned(want, past), at)
	for _, b := range want.Runbooks {
		for _, do := range b.Spec.Steps {
			if do.When != "" {
				h.asks[state.ExprID(do.When)] = do.When
			}
			if do.Verify != nil {
				h.asks[state.ExprID(do.Verify.Expr)] = do.Verify.Expr
			}
		}
	}
	return h
}

// at is the World at a moment: all of it was read just now. then is what the record
// says until then.
func (h *host) at(now state.Time, then, past *state.Past, of state.Case) *state.World {
	made := h.made.Have
	if len(past.Scales) > 0 {
		made = review.AsDeclaredAt(plan.Turned(h.want, past), h.made.Now).Have
	}
	w := &state.World{
		Host: made.Host, Units: fresh(made.Units, now), Files: fresh(made.Files, now), Dirs: fresh(made.Dirs, now), Probes: fresh(made.Probes, now),
		Alerts: map[string]state.Fact[state.Alerts]{of.Alert: {At: now}}, Queries: make(map[string]state.Fact[state.QueryResult]),
	}
	w.Host.At = now
	h.holds(w, then.Seeing.Host)
	h.ails(w, then.Seeing.Sick, now)
	h.fires(w, then, now)
	h.says(w, then.Cases[of.Key()].Seen, now)
	return w
}

func fresh[T any](in map[string]state.Fact[T], now state.Time) map[string]state.Fact[T] {
	out := make(map[string]state.Fact[T], len(in))
	for k, f := range in {
		f.At = now
		out[k] = f
	}
	return out
}

// holds has the host be in the state that held everything.
func (h *host) holds(w *state.World, r state.Reason) {
	switch r {
	case "":
	case state.KillSwitch:
		w.Host.Value.Stopped = true
	case state.HostStopping:
		w.Host.Value.System = "stopping"
	case state.HostStarting:
		w.Host.Value.System, w.Host.Value.Jobs = "starting", 1
	case state.PackageManager:
		w.Host.Value.Packages = true
	default:
		w.Host.Err = "it could not be observed then"
	}
}

// ails has what was not well be so.
func (h *host) ails(w *state.World, sick map[string]string, now state.Time) {
	for name := range h.sick {
		if sick[name] != h.last[name] {
			delete(h.sick, name)
		}
	}
	h.last = sick
	for name, how := range sick {
		since, known := h.sick[name]
		if !known {
			since = now.Up
			h.sick[name] = since
		}
		if u, is := w.Units[name]; is && slices.Contains([]string{state.SeenDown, state.SeenFailed, state.SeenActing}, how) {
			u.Value = ceased(u.Value, how, since)
			w.Units[name] = u
			continue
		}
		for _, probe := range probesOf(name, how) {
			if f, is := w.Probes[probe]; is {
				w.Probes[probe] = ailing(f, how, since)
				break
			}
		}
	}
}

// ceased is a unit that does not run.
func ceased(u state.Unit, how string, since time.Duration) state.Unit {
	u.Exited, u.Changed, u.Stop = since, since, state.StopByExit // a stop by hand is on record as such
	switch how {
	case state.SeenFailed:
		u.Active, u.Sub, u.Result = "failed", "failed", "exit-code"
	case state.SeenActing:
		u.Active, u.Sub = "activating", "auto-restart"
	default:
		u.Active, u.Sub = "inactive", "dead"
	}
	return u
}

// probesOf are the probes of which one tells how something is; the first that is there
// tells.
func probesOf(name, how string) []string {
	if endpoint, is := strings.CutPrefix(name, "Endpoint/"); is {
		return []string{desired.ProbeName(desired.EndpointProbe, endpoint)}
	}
	lives, starts, serves := desired.ProbeName(desired.LivenessProbe, name), desired.ProbeName(desired.StartupProbe, name), desired.ProbeName(desired.ReadinessProbe, name)
	switch how {
	case state.SeenUnready:
		return []string{serves, starts}
	case state.SeenPending:
		return []string{starts, serves}
	}
	return []string{lives, starts, serves}
}

func ailing(f state.Fact[state.Probe], how string, since time.Duration) state.Fact[state.Probe] {
	switch how {
	case state.SeenUnknown:
		f.Err = "it could not be observed then"
	case state.SeenAiling:
		f.Value.Failing = since
	case state.SeenPending:
		f.Value.Verdict = state.ProbePending
	default:
		f.Value.Verdict, f.Value.Since, f.Value.Failing = state.ProbeFailure, since, since
	}
	return f
}

// fires has the alerts fire whose Cases are open.
func (h *host) fires(w *state.World, then *state.Past, now state.Time) {
	for _, c := range then.Cases {
		if c.Alert == "" {
			continue
		}
		f := w.Alerts[c.Alert]
		f.At = now
		switch {
		case c.Seen.Is == state.SeenUnknown:
			f.Err = "its source could not be asked then"
		case c.Well.IsZero():
			at := strings.LastIndexByte(c.Unit, '/')
			name, id := c.Unit[:max(at, 0)], c.Unit[at+1:]
			a := state.ActiveAlert{ID: id, Name: name, Firing: true, Since: c.Opened.Wall, Labels: c.Labels}
			if c.Seen.Is == state.SeenBlind {
				a.Blind = "it rested on what could not be seen then"
			}
			f.Value.Active = append(f.Value.Active, a)
		}
		w.Alerts[c.Alert] = f
	}
}

// says has expressions say what they said. Of what nobody asked nothing is known.
func (h *host) says(w *state.World, seen state.Seen, now state.Time) {
	for id, said := range seen.Exprs {
		if expr, is := h.asks[id]; is {
			q := state.Fact[state.QueryResult]{At: now, Value: state.QueryResult{Yes: said == state.SeenYes}}
			if said == state.SeenUnknown {
				q.Err = "what it said was not known then"
			}
			w.Queries[expr] = q
		}
	}
}
