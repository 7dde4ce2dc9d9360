package drill

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/rules"
	"github.com/pakashop/evenkeel/state"
)

const expr = "depth < 10"

// queue is a host on which a queue jams, and whose controller does what a case says.
type queue struct {
	books          []string // the runbooks, by name
	depth          int
	firing         bool
	blind          string
	sees           func(q *queue, depth int) state.Fact[state.QueryResult] // nil: depth < 10
	causes         func(q *queue)                                          // nil: it jams, and the alert fires
	acts           func(q *queue)                                          // when nothing keeps it, at each look
	silences       map[string]state.Silence
	c              *state.Case
	held           []state.Held
	approved, seen []string
	looks          int // since it was let go
}

var alertLabels = map[string]string{"alertname": "Jammed"}

func (q *queue) alert() state.ActiveAlert {
	return state.ActiveAlert{ID: state.AlertID(alertLabels), Name: "Jammed", Firing: true, Labels: alertLabels, Blind: q.blind}
}

func (q *queue) now() state.Time {
	return state.Time{Wall: time.Now(), Up: time.Since(began), Boot: "b"}
}

var began = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)

func (q *queue) View(context.Context) (api.View, error) {
	if q.c != nil && len(q.silences) == 0 {
		q.looks++
		if q.acts != nil {
			q.acts(q)
		}
	}
	f := state.Fact[state.Alerts]{At: q.now()}
	if q.firing {
		f.Value.Active = []state.ActiveAlert{q.alert()}
	}
	set := &desired.Set{Host: desired.Host{Name: "app-1"}}
	for _, name := range q.books {
		set.Runbooks = append(set.Runbooks, book(name))
	}
	past := state.NewPast()
	past.Silences = q.silences
	if q.c != nil {
		c := *q.c
		past.Cases = map[string]state.Case{c.Key(): c}
	}
	return api.View{
		Want: set, Past: past, Plan: state.Plan{Held: q.held}, Now: q.now(),
		Have: state.World{Alerts: map[string]state.Fact[state.Alerts]{"rule/g/Jammed": f}},
	}, nil
}

func (q *queue) Query(context.Context, string) (state.Fact[state.QueryResult], error) {
	if q.sees != nil {
		return q.sees(q, q.depth), nil
	}
	return state.Fact[state.QueryResult]{At: q.now(), Value: state.QueryResult{Yes: q.depth < 10}}, nil
}

func (q *queue) Run(_ context.Context, argv []string) (string, error) {
	q.seen = append(q.seen, strings.Join(argv, " "))
	if len(q.silences) != 1 {
		q.seen = append(q.seen, "and the runbook was not kept back")
	}
	if q.causes != nil {
		q.causes(q)
		return "", nil
	}
	q.jam()
	return "", nil
}

// jam has the alert fire, and its Case open.
func (q *queue) jam() {
	q.depth, q.firing = 50, true
	c := state.NewAlertCase("Host/app-1", "rule/g/Jammed", q.alert(), q.now())
	q.c = &c
}

func (q *queue) Hand(_ context.Context, r hand.Request) (hand.Answer, error) {
	switch r.Verb {
	case hand.Silence:
		q.silences = map[string]state.Silence{"silence-1": {ID: "silence-1", Matchers: r.Names, At: q.now(), For: r.For, Why: r.Why}}
	case hand.Unsilence:
		q.silences = nil
	case hand.Approve:
		q.approved, q.held = append(q.approved, r.Names...), nil
	}
	return hand.Answer{}, nil
}

// restarts has the second step of the runbook done.
func (q *queue) restarts(status state.Status) {
	q.c.Tried = append(slices.Clone(q.c.Tried), state.Tried{Rung: 2, Step: "s2", Action: "systemd.restart queue", Began: q.now(), Ended: q.now(), Status: status})
}

func (q *queue) heals() { q.depth, q.firing, q.c.Well = 0, false, q.now() }

func book(name string) desired.Runbook {
	return desired.Runbook{Name: name, Spec: desired.RunbookSpec{
		Match: []string{`alertname="Jammed"`},
		Steps: []desired.Do{{Gather: "logs.search"}, {Do: "restart", Verify: &desired.Verify{Expr: expr}}},
	}}
}

// mends restarts, heals and closes, a look each.
func mends(q *queue) {
	switch q.looks {
	case 3:
		q.restarts(state.Done)
	case 5:
		q.heals()
	case 7:
		q.c = nil
	}
}

// How drills end: each way on a host that goes it.
func TestHowADrillEnds(t *testing.T) {
	says := func(yes ...bool) func(*queue, int) state.Fact[state.QueryResult] {
		n := 0
		return func(q *queue, _ int) state.Fact[state.QueryResult] {
			n++
			return state.Fact[state.QueryResult]{At: q.now(), Value: state.QueryResult{Yes: yes[min(n, len(yes))-1]}}
		}
	}
	asks := []state.Held{{Object: "Alert/" + state.AlertUnit((&queue{}).alert()), Reason: state.AwaitingApproval, Detail: "go on?", Steps: []string{"s2"}, Info: true}}
	for _, c := range []struct {
		name   string
		q      queue
		yes    bool
		want   report.DrillOutcome
		detail string
	}{
		{"it is mended", queue{acts: mends}, false, report.DrillAsDeclared, "remedied by systemd.restart queue, verified, and over"},
		{"by what it saw itself", queue{acts: mends, sees: says(true, false, false)}, false, report.DrillUnverified, "the verification of step 2 does not say yes"},
		{"by what the controller saw", queue{sees: says(true, false, false), acts: func(q *queue) {
			if mends(q); q.looks == 4 {
				q.c.Tried[0].Helped = q.now()
			}
		}}, false, report.DrillAsDeclared, ""},
		{"the verification always says yes", queue{acts: mends, sees: says(true)}, false, report.DrillCannotFail, "it says yes before the cause, and after it before anything was done"},
		{"it says yes once it is broken", queue{acts: mends, sees: says(false, true)}, false, report.DrillProvesNothing, "it says yes after the cause, before anything was done"},
		{"it fires before", queue{firing: true}, false, report.DrillUnsound, "it is active, and nothing was broken yet"},
		{"it never fires", queue{causes: func(*queue) {}}, false, report.DrillNotFired, "did not fire within 10s of its cause: it was neither"},
		{"it is blind", queue{blind: "one target is away"}, false, report.DrillNotFired, "nothing is done because of it: one target is away"},
		{"another comes first", queue{books: []string{"a", "jammed"}}, false, report.DrillOtherBook, "runbook a is for Jammed"},
		{"a human is waited for", queue{held: asks}, false, report.DrillWaits, "--yes"},
		{"and says yes", queue{held: asks, acts: func(q *queue) {
			if len(q.approved) > 0 {
				mends(q)
			} else {
				q.looks = 0
			}
		}}, true, report.DrillAsDeclared, ""},
		{"nothing helps", queue{acts: func(q *queue) {
			if q.looks == 3 {
				q.restarts(state.Done)
				q.c.Ended, q.c.Why = state.Escalated, "every step was tried"
			}
		}}, false, report.DrillEscalated, "Escalated, and Jammed fires on: every step was tried"},
		{"it is over by itself", queue{acts: func(q *queue) {
			if q.looks > 5 {
				q.c = nil
			}
		}}, false, report.DrillNoRemedy, "before the runbook had done anything"},
		{"what was done failed", queue{acts: func(q *queue) {
			if mends(q); q.looks == 4 {
				q.c.Tried[0].Status = state.StepFailed
			}
		}}, false, report.DrillNoRemedy, "the last that the runbook did was systemd.restart queue, which is failed"},
		{"nothing comes of it", queue{}, false, report.DrillLasts, "it came to no end within"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := c.q
				if q.books == nil {
					q.books = []string{"jammed"}
				}
				o := Options{
					Plan: Plan{Book: book("jammed"), Alert: rules.Alert{Group: "g", Name: "Jammed", Expr: "depth > 10"}, Cause: []string{"jam"}, Within: 10 * time.Second},
					Host: &q, Yes: c.yes, Takes: 5 * time.Second, Every: time.Second, Say: func(string, ...any) {},
				}
				d, err := Run(t.Context(), o)
				if err != nil {
					t.Fatal(err)
				}
				if d.Outcome != c.want || d.OK != (c.want == report.DrillAsDeclared) || !strings.Contains(d.Detail, c.detail) {
					t.Errorf("it ended as %s, %t: %s; want %s: …%s…", d.Outcome, d.OK, d.Detail, c.want, c.detail)
				}
				if broke := c.want != report.DrillUnsound; broke != slices.Equal(q.seen, []string{"jam"}) {
					t.Errorf("it ran %q", q.seen)
				}
			})
		})
	}
}
