package systemd

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// fake is a Manager whose unit goes through states, one a look, the last for ever.
type fake struct {
	Manager
	states []status
	looks  int
	result string
	err    error
	queued int
	unmet  []string
}

func (f *fake) Unmet(context.Context, string) ([]string, error) { return f.unmet, nil }

func (f *fake) Unit(context.Context, string) (string, string, string, uint32, string, error) {
	s := f.states[min(f.looks, len(f.states)-1)]
	f.looks++
	return s.load, s.active, s.sub, s.job, s.jobType, nil
}

func (f *fake) StartUnit(context.Context, string) (string, error) {
	f.queued++
	return f.result, f.err
}

func (f *fake) ResetFailedUnit(context.Context, string) error { return f.err }

type named string

func (n named) Error() string   { return "systemd says no" }
func (n named) BusName() string { return string(n) }

func apply(f *fake, verb string) (actuators.Result, error) {
	return New(f, Options{Settle: 20 * time.Millisecond}).Apply(context.Background(),
		actuators.Request{Action: actuators.Action{Actuator: Name, Verb: verb, Target: "a.service"}})
}

var (
	down    = status{load: "loaded", active: "inactive", sub: "dead"}
	running = status{load: "loaded", active: "active", sub: "running"}
	broken  = status{load: "loaded", active: "failed", sub: "failed"}
	rising  = status{load: "loaded", active: "activating", sub: "start"}
)

func TestStart(t *testing.T) {
	joined := rising
	joined.job, joined.jobType = 7, "start"
	stopping := running
	stopping.job, stopping.jobType = 7, "stop"
	for name, c := range map[string]struct {
		states  []status
		result  string
		err     error
		changed bool
		kind    string
		looks   int // 0: not counted
		queued  int
	}{
		"a unit that is down":                {states: []status{down, running}, result: "done", changed: true, looks: 2, queued: 1},
		"already up":                         {states: []status{running}, looks: 1},
		"somebody's start is joined":         {states: []status{joined, running}, result: "done", changed: true, queued: 1},
		"somebody's stop is left alone":      {states: []status{stopping}, kind: "conflict"},
		"masked":                             {states: []status{{load: "masked", active: "inactive"}}, kind: "refused"},
		"not there":                          {states: []status{{load: "not-found", active: "inactive"}}, kind: "not-found"},
		"done, and failed a moment later":    {states: []status{down, rising, broken}, result: "done", kind: "failed", queued: 1},
		"a oneshot is down again":            {states: []status{down, down}, result: "done", changed: true, queued: 1},
		"the job failed":                     {states: []status{down}, result: "failed", kind: "failed", looks: 1, queued: 1},
		"a dependency failed":                {states: []status{down}, result: "dependency", kind: "failed", queued: 1},
		"the unit's own time limit":          {states: []status{down}, result: "timeout", kind: "failed", queued: 1},
		"canceled by somebody":               {states: []status{down}, result: "canceled", kind: "conflict", queued: 1},
		"skipped":                            {states: []status{down}, result: "skipped", kind: "conflict", queued: 1},
		"a word of a later systemd":          {states: []status{down}, result: "frozen", kind: "failed", queued: 1},
		"masked between look and job":        {states: []status{down}, err: named("org.freedesktop.systemd1.UnitMasked"), kind: "refused", queued: 1},
		"a stop queued between look and job": {states: []status{down}, err: named("org.freedesktop.systemd1.TransactionIsDestructive"), kind: "conflict", queued: 1},
		"the connection died":                {states: []status{down}, err: named("org.freedesktop.DBus.Error.Disconnected"), kind: "unknown", queued: 1},
		"no connection":                      {states: []status{down}, err: named("org.freedesktop.DBus.Error.NoServer"), kind: "unavailable", queued: 1},
		"systemd fell off the bus":           {states: []status{down}, err: named("org.freedesktop.DBus.Error.NoReply"), kind: "unknown", queued: 1},
		"an error of a later systemd":        {states: []status{down}, err: named("org.freedesktop.systemd1.Whatever"), kind: "failed", queued: 1},
		"the deadline":                       {states: []status{down}, err: context.DeadlineExceeded, kind: "timeout", queued: 1},
		"a defect":                           {states: []status{down}, err: errors.New("oops"), kind: "internal", queued: 1},
	} {
		f := &fake{states: c.states, result: c.result, err: c.err}
		res, err := apply(f, "start")
		kind := ""
		if err != nil {
			kind = actuators.KindOf(err).String()
		}
		if res.Changed != c.changed || kind != c.kind || f.queued != c.queued || c.looks != 0 && f.looks != c.looks {
			t.Errorf("%s: changed %v, %q (%v), %d looks, %d jobs; want %+v", name, res.Changed, kind, err, f.looks, f.queued, c)
		}
	}
}

// A start that systemd passed over changes nothing, whatever the unit was, and
// says what stood in the way.
func TestAnUnmetCondition(t *testing.T) {
	for _, was := range []status{down, broken} {
		f := &fake{states: []status{was}, result: "done", unmet: []string{"ConditionPathExists=/a", "ConditionHost=!b"}}
		res, err := apply(f, "start")
		if err != nil || res.Changed || res.Detail != "not met: ConditionPathExists=/a, ConditionHost=!b" {
			t.Errorf("%s: %+v, %v", was, res, err)
		}
	}
}

func TestResetFailedOfWhatIsNotLoaded(t *testing.T) {
	res, err := apply(&fake{states: []status{down}, err: named(errNoSuchUnit)}, "reset-failed")
	if err != nil || res.Changed {
		t.Errorf("%+v, %v", res, err)
	}
}

// Every verb says how much it disturbs; these words decide what runs alone.
func TestEffects(t *testing.T) {
	info, err := New(&fake{}, Options{}).Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	disruptive := map[string]bool{"stop": true, "restart": true, "reload": true}
	for _, v := range info.Verbs {
		want := actuators.Benign
		if disruptive[v.Name] {
			want = actuators.Disruptive
		}
		if v.Effect != want || v.Content || v.Help == "" {
			t.Errorf("%+v", v)
		}
	}
	if len(info.Verbs) != 10 {
		t.Errorf("%d verbs", len(info.Verbs))
	}
}
