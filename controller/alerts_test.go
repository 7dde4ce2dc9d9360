package controller_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// backlog is the source of the alert that these tests are about, and short what is
// true once it has been mended.
const (
	backlog = "rule/shop/Backlog"
	short   = "queue_depth < 100"
)

// runbook is one for Backlog.
func runbook(steps ...string) string {
	return "---\napiVersion: evenkeel.dev/v1\nkind: Runbook\nmetadata: {name: backlog}\nspec:\n  match: ['alertname=\"Backlog\"']\n  steps:\n    - " +
		strings.Join(steps, "\n    - ") + "\n  limits: {runs: 3, per: 1h}\n"
}

const (
	gatherDepth = "{gather: metrics.query, with: {expr: queue_depth}}"
	fixMotd     = "{do: motd.fix, verify: {expr: " + short + ", within: 2m}}"
	restartIt   = "{do: restart, settle: 30s}"
	askForMore  = `{ask: "is it enough?", owner: shop}`
)

// worker is a plugin and a collector of evidence that do nothing but count.
type worker struct {
	mu   sync.Mutex
	name string
	verb actuators.Verb
	ends []error // of the next calls; then they end well
	did  int
}

func (w *worker) Info(context.Context) (actuators.Info, error) {
	return actuators.Info{Name: w.name, Verbs: []actuators.Verb{w.verb}}, nil
}

func (w *worker) Apply(context.Context, actuators.Request) (actuators.Result, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.did++
	if len(w.ends) > 0 {
		err := w.ends[0]
		w.ends = w.ends[1:]
		return actuators.Result{}, err
	}
	return actuators.Result{Changed: w.verb.Effect != actuators.None, Data: map[string]string{"evidence": "queue_depth 140"}}, nil
}

// times is how often it was asked.
func (w *worker) times() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.did
}

// shop is a host with a service that rests on another, and a Runbook.
func shop(t *testing.T, steps ...string) (*rig, *worker) { return shopWith(t, "", steps...) }

// shopWith is a shop that has more than that.
func shopWith(t *testing.T, more string, steps ...string) (*rig, *worker) {
	r := newRig(t, plugin("motd")+more+service("db", live)+service("web", live, "dependsOn: [db]", "limits: {restarts: 99, per: 1h, backoff: [1s]}")+runbook(steps...))
	r.source.set.Policy.Actions = map[string]string{"motd": desired.Auto, "state": desired.Auto}
	fix := &worker{name: "motd", verb: actuators.Verb{Name: "fix", Effect: actuators.Disruptive}}
	r.more = map[string]actuators.Actuator{
		"motd": fix, "ask": turn.Ask("test"), "state": turn.State("test"),
		"gather": &worker{name: "gather", verb: actuators.Verb{Name: "metrics.query", Effect: actuators.None, Args: []string{"expr", "title"}}},
	}
	r.host.SetAlerts(backlog, nil, "")
	r.host.SetQuery(short, state.QueryResult{}, "")
	r.run()
	time.Sleep(2 * time.Minute)
	return r, fix
}

// burn has Backlog fire, or be otherwise.
func (r *rig) burn(change ...func(*state.ActiveAlert)) {
	a := state.ActiveAlert{Firing: true, Since: time.Now(), Labels: map[string]string{"alertname": "Backlog", "service": "web"}}
	for _, c := range change {
		c(&a)
	}
	r.host.SetAlerts(backlog, []state.ActiveAlert{a}, "")
}

func (r *rig) over() { r.host.SetAlerts(backlog, nil, "") }

// steps are what was done for an alert, in order.
func (r *rig) steps() []string {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	var out []string
	for _, e := range r.store.entries {
		if e.Intent != nil && e.Intent.Step.Reason == state.Alert {
			out = append(out, e.Intent.Step.Action.Actuator+"."+e.Intent.Step.Action.Verb)
		}
	}
	return out
}

// calls are what humans were told, without when.
func (r *rig) calls(about string) (lines []string) {
	r.told.Lock()
	defer r.told.Unlock()
	for _, l := range r.told.lines {
		if strings.Contains(l, about) {
			lines = append(lines, l)
		}
	}
	return lines
}

// closes fails unless the Case of the alert is over soon after the alert is.
func (r *rig) closes() {
	r.t.Helper()
	r.over()
	time.Sleep(3 * time.Minute)
	if c := r.past().Cases; len(c) != 0 {
		r.t.Errorf("still open: %+v\n%s", c, r.plan())
	}
}

// The steps of a Runbook are climbed in their order, each once, and no further than
// is needed.
func TestARunbookIsClimbed(t *testing.T) {
	all := []string{gatherDepth, fixMotd, restartIt, askForMore}
	for _, c := range []struct {
		what  string
		steps []string
		then  func(r *rig, fix *worker) // after it has begun to fire
		did   []string
		calls int
	}{
		{"what helped is not followed by more", all, func(r *rig, _ *worker) {
			time.Sleep(20 * time.Second)
			r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
			time.Sleep(5 * time.Minute)
		}, []string{"gather.metrics.query", "motd.fix"}, 0},
		{"what did not help is followed by the next", all, func(r *rig, _ *worker) {
			time.Sleep(2*time.Minute + 20*time.Second)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 0},
		{"what failed is followed by the next at once", all, func(r *rig, fix *worker) {
			time.Sleep(10 * time.Second)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 0},
		{"what helped, and the alert goes on all the same", all, func(r *rig, _ *worker) {
			r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
			time.Sleep(11 * time.Minute)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 1},
		{"what helped, and not for long, is followed by the next at once", all, func(r *rig, _ *worker) {
			r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
			time.Sleep(20 * time.Second)
			r.over()
			time.Sleep(time.Minute)
			r.burn()
			time.Sleep(5 * time.Second)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 0},
		{"what helped before its verify was seen to pass, and not for long", all, func(r *rig, _ *worker) {
			time.Sleep(20 * time.Second)
			r.over()
			time.Sleep(time.Minute)
			r.host.SetQuery(short, state.QueryResult{}, "no data")
			r.burn()
			time.Sleep(5 * time.Second)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 0},
		{"whether it helped cannot be told: a human is called, and nothing more is done", all, func(r *rig, _ *worker) {
			r.host.SetQuery(short, state.QueryResult{}, "no data")
			time.Sleep(20 * time.Minute)
		}, []string{"gather.metrics.query", "motd.fix"}, 1},
		{"a question waits for a human", all, func(r *rig, _ *worker) {
			time.Sleep(20 * time.Minute)
		}, []string{"gather.metrics.query", "motd.fix", "systemd.restart"}, 1},
		{"what is judged by the alert itself", []string{restartIt, fixMotd}, func(r *rig, _ *worker) {
			time.Sleep(45 * time.Second)
		}, []string{"systemd.restart", "motd.fix"}, 0},
		{"what is passed over", []string{"{do: motd.fix, when: no_such}", "{do: restart, when: is_so}"}, func(r *rig, _ *worker) {
			time.Sleep(10 * time.Second)
		}, []string{"systemd.restart"}, 0},
		{"of what is not known whether it applies, nothing comes", []string{"{do: motd.fix, when: unknown}", restartIt}, func(r *rig, _ *worker) {
			time.Sleep(20 * time.Minute)
		}, nil, 0},
		{"what always waits for a human", []string{"{do: motd.fix, approve: always}"}, func(r *rig, _ *worker) {
			time.Sleep(20 * time.Minute)
		}, nil, 1},
		{"nothing is left", []string{gatherDepth}, func(r *rig, _ *worker) { time.Sleep(20 * time.Minute) }, []string{"gather.metrics.query"}, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, fix := shop(t, c.steps...)
				defer r.judged()
				r.host.SetQuery("no_such", state.QueryResult{}, "")
				r.host.SetQuery("is_so", state.QueryResult{Yes: true}, "")
				if strings.HasPrefix(c.what, "what failed") {
					fix.mu.Lock()
					fix.ends = []error{actuators.Errorf(actuators.Failed, "no")}
					fix.mu.Unlock()
				}
				r.burn()
				c.then(r, fix)
				if did := r.steps(); !slices.Equal(did, c.did) {
					t.Errorf("did %q, want %q\n%s\n%s", did, c.did, r.plan(), r.history())
				}
				if calls := r.calls("Backlog"); len(calls) != c.calls {
					t.Errorf("a human was told %d times, want %d: %q", len(calls), c.calls, calls)
				}
				r.closes()
				if did := r.steps(); !slices.Equal(did, c.did) {
					t.Errorf("after its end: did %q, want %q", did, c.did)
				}
			})
		})
	}
}

// Nothing is done because of an alert that is no ground for it, or that a human or
// something else keeps from it; and what is not known closes no Case.
func TestAnAlertThatIsNoGround(t *testing.T) {
	for _, c := range []struct {
		what  string
		is    func(*rig)
		did   []string // in 20 minutes
		calls int
	}{
		{"it is pending", func(r *rig) { r.burn(func(a *state.ActiveAlert) { a.Firing = false }) }, nil, 0},
		{"it rests on what is absent", func(r *rig) { r.burn(func(a *state.ActiveAlert) { a.Blind = "it rests on no data" }) }, nil, 1},
		{"its rule cannot be evaluated", func(r *rig) {
			r.host.SetAlerts(backlog, []state.ActiveAlert{{Firing: true, Since: time.Now(), Labels: map[string]string{"alertname": "Backlog", "service": "web"}}}, "query timed out")
		}, nil, 0},
		{"it is silenced", func(r *rig) {
			_, err := r.control.Hand(context.Background(), hand.Request{Verb: hand.Silence, Names: []string{`alertname="Backlog"`}, For: time.Hour, Actor: "amina"})
			r.must(err)
			r.burn()
		}, nil, 0},
		{"what it is about is suspended: evidence is gathered", func(r *rig) {
			_, err := r.control.Hand(context.Background(), hand.Request{Verb: hand.Suspend, Objects: []string{"Service/web"}, For: time.Hour, Actor: "amina"})
			r.must(err)
			r.burn()
		}, nil, 0},
		{"the kill switch is set", func(r *rig) {
			r.stopped.Store(true)
			r.must(r.host.Write("/run/evenkeel/stop", ""))
			time.Sleep(2 * time.Second)
			r.burn()
		}, nil, 0},
		{"what it is about rests on something that has an alert: evidence is gathered", func(r *rig) {
			r.host.SetAlerts("rule/shop/Slow", []state.ActiveAlert{{Firing: true, Since: time.Now(), Labels: map[string]string{"alertname": "Slow", "service": "db"}}}, "")
			r.burn()
		}, []string{"gather.metrics.query"}, 0},
		{"no runbook is for it", func(r *rig) {
			r.burn(func(a *state.ActiveAlert) { a.Labels["alertname"] = "Backlogs" })
		}, nil, 1},
		{"policy wants it approved", func(r *rig) {
			r.stop()
			r.source.set.Policy.Actions["motd"] = desired.Approve
			r.run()
			r.burn()
		}, []string{"gather.metrics.query"}, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := shop(t, gatherDepth, fixMotd, restartIt)
				defer r.judged()
				c.is(r)
				time.Sleep(20 * time.Minute)
				if did := r.steps(); !slices.Equal(did, c.did) {
					t.Errorf("did %q, want %q\n%s\n%s", did, c.did, r.plan(), r.history())
				}
				if calls := r.calls("Backlog"); len(calls) != c.calls {
					t.Errorf("a human was told %d times, want %d: %q", len(calls), c.calls, calls)
				}
			})
		})
	}
}

// What is not known closes no Case, and neither does a start of evenkeel; what was
// tried is not tried again.
func TestTheCaseOfAnAlertOutlivesWhatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, fix := shop(t, gatherDepth, fixMotd, restartIt, askForMore)
		defer r.judged()
		r.burn()
		time.Sleep(time.Minute)
		since := time.Now()
		again := func() { r.burn(func(a *state.ActiveAlert) { a.Since = since }) }
		r.host.SetAlerts(backlog, nil, "the evaluator is away")
		r.stop()
		r.run()
		time.Sleep(10 * time.Minute)
		if len(r.past().Cases) != 1 || fix.times() != 1 {
			t.Fatalf("%d Cases, fixed %d times\n%s", len(r.past().Cases), fix.times(), r.history())
		}
		again()
		time.Sleep(10 * time.Minute)
		r.over()
		time.Sleep(time.Minute)
		again() // a relapse
		time.Sleep(10 * time.Minute)
		want := []string{"gather.metrics.query", "motd.fix", "systemd.restart"}
		if did := r.steps(); !slices.Equal(did, want) {
			t.Errorf("did %q, want %q\n%s", did, want, r.history())
		}
		if calls := r.calls("Backlog"); len(calls) != 1 {
			t.Errorf("a human was told %q", calls)
		}
		for _, one := range r.past().Cases {
			if len(one.Gathered) != 1 || one.Gathered[0].Text != "queue_depth 140" {
				t.Errorf("gathered %+v", one.Gathered)
			}
		}
		r.closes()
	})
}

// approve has a human say yes to all that waits for it.
func (r *rig) approve() []string {
	r.t.Helper()
	v, err := r.control.View(context.Background())
	r.must(err)
	var ids []string
	for _, h := range v.Plan.Held {
		ids = append(ids, h.Steps...)
	}
	ids = slices.Compact(ids)
	if len(ids) > 0 {
		_, err = r.control.Hand(context.Background(), hand.Request{Verb: hand.Approve, Names: ids, Actor: "amina"})
		r.must(err)
	}
	return ids
}

// While somebody outside is away, nothing is done for the alert of what requires him, and
// nobody is asked; neither is it for a while when he is back, for the alert may end by
// itself, as it does here or does not.
func TestAnAlertThatFollowsFromSomebodyOutside(t *testing.T) {
	for _, c := range []struct {
		what string
		then func(*rig)
		did  []string
	}{
		{"it ends by itself", func(r *rig) { time.Sleep(100 * time.Second); r.over() }, nil},
		{"it goes on", func(*rig) { time.Sleep(100 * time.Second) }, []string{"motd.fix"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fix := &worker{name: "motd", verb: actuators.Verb{Name: "fix", Effect: actuators.Disruptive}}
				r := newRig(t, plugin("motd")+service("web", live, "dependsOn: [pay]")+pay+runbook(gatherDepth, fixMotd, askForMore))
				defer r.judged()
				r.source.set.Policy.Actions = map[string]string{"motd": desired.Auto}
				r.more = map[string]actuators.Actuator{
					"motd": fix, "ask": turn.Ask("test"),
					"gather": &worker{name: "gather", verb: actuators.Verb{Name: "metrics.query", Effect: actuators.None, Args: []string{"expr", "title"}}},
				}
				r.host.SetAlerts(backlog, nil, "")
				r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
				r.run()
				time.Sleep(3 * time.Minute)
				r.host.Away("Endpoint/pay", true)
				time.Sleep(2 * time.Minute)
				r.burn()
				time.Sleep(10 * time.Minute)
				if fix.times() != 0 || !strings.Contains(r.plan(), "Alert/Backlog/f57be348ba held DependencySick") {
					t.Errorf("fixed %d times while pay is away\n%s", fix.times(), r.plan())
				}
				r.host.Away("Endpoint/pay", false)
				c.then(r)
				if fix.times() != 0 {
					t.Errorf("fixed a moment after pay is back\n%s", r.history())
				}
				time.Sleep(2 * time.Minute)
				if did := r.steps(); !slices.Equal(did[1:], c.did) {
					t.Errorf("did %q, want %q\n%s\n%s", did, c.did, r.plan(), r.history())
				}
				if calls := r.calls("Backlog"); len(calls) != 0 {
					t.Errorf("a human was told %q", calls)
				}
			})
		})
	}
}

// A human's yes lets a question pass, and the step behind it be done.
func TestAHumanSaysYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, fix := shop(t, askForMore, "{do: motd.fix, approve: always}")
		defer r.judged()
		r.burn()
		for i := range 2 {
			time.Sleep(time.Minute)
			if fix.times() != 0 {
				t.Fatal("fixed before anybody said yes")
			}
			if ids := r.approve(); len(ids) != 1 {
				t.Fatalf("%d: %q wait for approval\n%s", i, ids, r.plan())
			}
		}
		time.Sleep(time.Minute)
		if did := r.steps(); !slices.Equal(did, []string{"ask.human", "motd.fix"}) {
			t.Errorf("did %q\n%s\n%s", did, r.plan(), r.history())
		}
		r.closes()
	})
}

// A Runbook runs as often as its limits say.
func TestTheLimitsOfARunbook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, fix := shop(t, fixMotd)
		defer r.judged()
		r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
		for range 5 {
			r.burn()
			time.Sleep(time.Minute)
			r.closes()
		}
		if fix.times() != 3 {
			t.Errorf("ran %d times in 20 minutes, want 3\n%s", fix.times(), r.history())
		}
		time.Sleep(time.Hour)
		r.burn()
		time.Sleep(time.Minute)
		if fix.times() != 4 {
			t.Errorf("ran %d times, want one more after an hour", fix.times())
		}
	})
}

// A storm of alerts opens no more Cases than a human can read, and is told of.
func TestAStormOfAlerts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := shop(t, gatherDepth)
		defer r.judged()
		var all []state.ActiveAlert
		for i := range 1000 {
			all = append(all, state.ActiveAlert{Firing: true, Since: time.Now(), Labels: map[string]string{"alertname": "Backlog", "queue": fmt.Sprint(i)}})
		}
		r.host.SetAlerts(backlog, all, "")
		time.Sleep(time.Minute)
		if n := len(r.past().Cases); n != 50 {
			t.Errorf("%d Cases", n)
		}
		v, err := r.control.View(context.Background())
		r.must(err)
		if !slices.ContainsFunc(v.Plan.Held, func(h state.Held) bool {
			return h.Reason == state.TooManySick && strings.Contains(h.Detail, "950 alerts more")
		}) {
			t.Error("nothing tells of the others")
		}
	})
}
