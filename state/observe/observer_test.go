package observe

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/units"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// parts are an Observer's parts, by hand.
type parts struct {
	mu      sync.Mutex
	units   map[string]state.Unit
	broken  map[string]string
	manager state.Fact[units.Manager]
	boot    map[string]string
	bootErr error
	folders []string
	blind   error // why the folders of units cannot be watched
	own     state.Host
	ownErr  error
	causes  map[string]state.StopCause
	jerr    error
	rivals  map[string]map[string]uint32
	rerr    error
	stopped map[string]string   // for which unit others were stopped
	started map[string][]string // what was started before units were stopped
	asked   [][]string          // what the journal was asked
	looked  [][]string          // whose rivals were asked for
	stop    string
	touch   chan []string // what the watch of units reports; nil: all
}

func newParts(t *testing.T) *parts {
	return &parts{
		units: map[string]state.Unit{}, broken: map[string]string{}, boot: map[string]string{}, causes: map[string]state.StopCause{},
		manager: state.Fact[units.Manager]{At: at(1), Value: units.Manager{System: "running", Systemd: 252, Jobs: 2}},
		own:     state.Host{Name: "h"}, stop: t.TempDir() + "/stop", touch: make(chan []string),
	}
}

func at(n time.Duration) state.Time { return state.Time{Up: n, Boot: "b"} }

func (p *parts) observer() *Observer {
	return New(Options{
		Now: func() state.Time { return at(1) }, Units: unitPart{p}, Files: filePart{p}, Links: linkPart{p}, Host: hostPart{p}, Journal: journalPart{p},
	})
}

type unitPart struct{ *parts }

func (p unitPart) Observe(_ context.Context, names []string) map[string]state.Fact[state.Unit] {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]state.Fact[state.Unit])
	for _, n := range names {
		out[n] = state.Fact[state.Unit]{At: at(1), Value: p.units[n], Err: p.broken[n]}
	}
	return out
}

func (p unitPart) Rivals(_ context.Context, names []string) (map[string]map[string]uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looked = append(p.looked, names)
	out := maps.Clone(p.rivals)
	maps.DeleteFunc(out, func(n string, _ map[string]uint32) bool { return !slices.Contains(names, n) })
	return out, p.rerr
}

func (p unitPart) KeepLoaded(context.Context, []string) (let func()) { return func() {} }

func (p unitPart) Host(context.Context) state.Fact[units.Manager] { return p.manager }

func (p unitPart) Watch(ctx context.Context, dirty func([]string, bool)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case names := <-p.touch:
			dirty(names, names == nil)
		}
	}
}

type filePart struct{ *parts }

func (p filePart) Observe(_ context.Context, paths []string) map[string]state.Fact[state.File] {
	out := make(map[string]state.Fact[state.File])
	for _, n := range paths {
		out[n] = state.Fact[state.File]{At: at(1), Value: state.File{Kind: state.Regular}}
		if strings.HasSuffix(n, "/") {
			out[n] = state.Fact[state.File]{At: at(1), Value: state.File{Kind: state.Folder}}
		}
	}
	return out
}

func (p filePart) Dirs(_ context.Context, paths []string) map[string]state.Fact[state.Dir] {
	out := make(map[string]state.Fact[state.Dir])
	for _, n := range paths {
		out[n] = state.Fact[state.Dir]{At: at(1), Value: state.Dir{Exists: true}}
	}
	return out
}

type linkPart struct{ *parts }

func (p linkPart) Boot(names []string) (map[string]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make(map[string]string)
	for _, n := range names {
		out[n] = p.boot[n]
	}
	return out, p.bootErr
}

func (p linkPart) Folders() []string { return p.folders }

func (p linkPart) Watch() (stop func(), err error) { return func() {}, p.blind }

type hostPart struct{ *parts }

func (p hostPart) Observe() (state.Host, error)        { return p.own, p.ownErr }
func (p hostPart) Stop() string                        { return p.stop }
func (p hostPart) Watch(ctx context.Context, _ func()) { <-ctx.Done() }

type journalPart struct{ *parts }

func (p journalPart) StopCauses(_ context.Context, ids []string) (map[string]state.StopCause, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, slices.Sorted(slices.Values(ids)))
	return maps.Clone(p.causes), p.jerr
}

func (p journalPart) StoppedFor(_ context.Context, rivals map[string]map[string]uint32) (map[string]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := maps.Clone(p.stopped)
	maps.DeleteFunc(out, func(u, by string) bool { _, ok := rivals[u][by]; return !ok })
	return out, p.jerr
}

func (p journalPart) StartedBefore(_ context.Context, units []string) (map[string][]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := maps.Clone(p.started)
	maps.DeleteFunc(out, func(u string, _ []string) bool { return !slices.Contains(units, u) })
	return out, p.jerr
}

func unit(name string) state.Ref { return state.Ref{Kind: state.RefUnit, Name: name} }
func file(name string) state.Ref { return state.Ref{Kind: state.RefFile, Name: name} }
func dir(name string) state.Ref  { return state.Ref{Kind: state.RefDir, Name: name} }

var hostRef = state.Ref{Kind: state.RefHost}

func TestEveryKindIsRead(t *testing.T) {
	p := newParts(t)
	p.units["a.service"] = state.Unit{ID: "a.service", Load: "loaded", Active: "active"}
	p.boot["a.service"] = "enabled"
	p.own = state.Host{Name: "h", Packages: true}
	got := p.observer().Observe(t.Context(), []state.Ref{unit("a.service"), file("/f"), dir("/d"), hostRef})
	want := state.Facts{
		Host:  &state.Fact[state.Host]{At: at(1), Value: state.Host{Name: "h", Packages: true, System: "running", Systemd: 252, Jobs: 2}},
		Units: map[string]state.Fact[state.Unit]{"a.service": {At: at(1), Value: state.Unit{ID: "a.service", Load: "loaded", Active: "active", Boot: "enabled"}}},
		Files: map[string]state.Fact[state.File]{"/f": {At: at(1), Value: state.File{Kind: state.Regular}}},
		Dirs:  map[string]state.Fact[state.Dir]{"/d": {At: at(1), Value: state.Dir{Exists: true}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := p.observer().Observe(t.Context(), nil); !cmp.Equal(got, state.Facts{}) {
		t.Errorf("nothing was asked: %+v", got)
	}
}

// One source that fails leaves the others alone.
func TestErrorsLiveInFacts(t *testing.T) {
	p := newParts(t)
	p.units["a.service"] = state.Unit{Load: "loaded", Active: "active"}
	p.broken["b.service"] = "no answer"
	p.bootErr = errors.New("links unreadable")
	p.manager.Err = "bus gone"
	p.ownErr = errors.New("kill switch unreadable")
	got := p.observer().Observe(t.Context(), []state.Ref{unit("a.service"), unit("b.service"), file("/f"), hostRef})
	if f := got.Units["a.service"]; f.Err != "links unreadable" {
		t.Errorf("a unit of unknown enablement: %+v", f)
	}
	if f := got.Units["b.service"]; f.Err != "no answer" {
		t.Errorf("%+v", f)
	}
	if got.Host.Known() || !strings.Contains(got.Host.Err, "bus gone") || !strings.Contains(got.Host.Err, "kill switch") {
		t.Errorf("%+v", got.Host)
	}
	if f := got.Files["/f"]; !f.Known() {
		t.Errorf("%+v", f)
	}
}

func TestWhyAUnitIsDown(t *testing.T) {
	down := state.Unit{ID: "a.service", Load: "loaded", Active: "inactive", Result: "success", Changed: 5, Entered: 4}
	with := func(f func(*state.Unit)) state.Unit { u := down; f(&u); return u }
	for _, c := range []struct {
		name  string
		unit  state.Unit
		cause state.StopCause // the journal's word; empty: it knows nothing
		err   error
		want  state.StopCause
		asked bool
	}{
		{"stopped", down, state.StopByJob, nil, state.StopByJob, true},
		{"ended", down, state.StopByExit, nil, state.StopByExit, true},
		{"no word", down, "", nil, state.StopNoSign, true},
		{"the journal fails", down, "", errors.New("no"), state.StopNoSign, true},
		{"forgotten by systemd", with(func(u *state.Unit) { u.Changed, u.Entered, u.Result = 0, 0, "" }), state.StopByJob, nil, state.StopByJob, true},
		{"never ran", with(func(u *state.Unit) { u.Changed, u.Entered = 0, 0 }), "", nil, state.StopUnread, true},
		{"by another name", with(func(u *state.Unit) { u.ID = "real.service" }), "", nil, state.StopNoSign, true},
		{"failed while it ran", with(func(u *state.Unit) { u.Active, u.Result, u.Exited, u.Rested = "failed", "signal", 5, 5 }), state.StopByJob, nil, "", false},
		{"failed as it was stopped", with(func(u *state.Unit) { u.Active, u.Result, u.Exited, u.Rested = "failed", "exit-code", 5, 6 }), state.StopByJob, nil, state.StopByJob, true},
		{"failed as it was started", with(func(u *state.Unit) {
			u.Active, u.Result, u.Entered, u.Exited, u.Rested = "failed", "exit-code", 0, 0, 6
		}), state.StopByExit, nil, state.StopByExit, true},
		{"failed, and the journal is silent", with(func(u *state.Unit) { u.Active, u.Result, u.Exited, u.Rested = "failed", "timeout", 5, 6 }), "", nil, "", true},
		{"inactive after a failure", with(func(u *state.Unit) { u.Result = "exit-code" }), state.StopByJob, nil, "", false},
		{"running", with(func(u *state.Unit) { u.Active = "active" }), state.StopByJob, nil, "", false},
		{"starting", with(func(u *state.Unit) { u.Job = state.Job{ID: 1, Type: "start"} }), state.StopByJob, nil, "", false},
		{"masked", with(func(u *state.Unit) { u.Load = "masked" }), state.StopByJob, nil, "", false},
		{"not there", with(func(u *state.Unit) { u.Load = "not-found" }), state.StopByJob, nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newParts(t)
			p.units["a.service"], p.jerr = c.unit, c.err
			if c.cause != "" {
				p.causes["a.service"] = c.cause
			}
			got := p.observer().Observe(t.Context(), []state.Ref{unit("a.service")}).Units["a.service"]
			if got.Value.Stop != c.want || got.Err != "" {
				t.Errorf("%q, %q, want %q", got.Value.Stop, got.Err, c.want)
			}
			if asked := len(p.asked) > 0; asked != c.asked || asked && p.asked[0][0] != c.unit.ID {
				t.Errorf("the journal was asked %v", p.asked)
			}
		})
	}
}

// The journal is asked once for each time that a unit went down, and for all
// units together.
func TestTheJournalIsAskedOnce(t *testing.T) {
	p := newParts(t)
	down := state.Unit{Load: "loaded", Active: "inactive", Changed: 5, Entered: 4}
	p.units["a.service"], p.units["b.service"] = down, down
	p.causes = map[string]state.StopCause{"a.service": state.StopByJob, "b.service": state.StopByExit}
	o := p.observer()
	look := func() state.StopCause {
		return o.Observe(t.Context(), []state.Ref{unit("a.service"), unit("b.service")}).Units["a.service"].Value.Stop
	}
	for range 3 {
		if got := look(); got != state.StopByJob {
			t.Errorf("%q", got)
		}
	}
	if want := [][]string{{"a.service", "b.service"}}; !cmp.Equal(p.asked, want) {
		t.Errorf("asked %v, want %v", p.asked, want)
	}
	down.Changed, down.Entered = 9, 8 // it ran once more
	p.units["a.service"], p.causes["a.service"] = down, state.StopByExit
	if got := look(); got != state.StopByExit || len(p.asked) != 2 {
		t.Errorf("%q, asked %v", got, p.asked)
	}
}

// What the journal has not been told yet is not taken for what it says: it is waited
// for a moment, and asked for again for a while.
func TestTheJournalIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParts(t)
		p.units["a.service"] = state.Unit{Load: "loaded", Active: "inactive", Changed: 5} // a oneshot
		o := p.observer()
		look := func() state.StopCause {
			return o.Observe(t.Context(), []state.Ref{unit("a.service")}).Units["a.service"].Value.Stop
		}
		asked := func() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.asked) }
		tell := func(c state.StopCause) { p.mu.Lock(); defer p.mu.Unlock(); p.causes["a.service"] = c }
		if got := look(); got != state.StopUnread || asked() < 2 {
			t.Errorf("%q, asked %d times", got, asked())
		}
		time.AfterFunc(100*time.Millisecond, func() { tell(state.StopByExit) })
		if got := look(); got != state.StopByExit {
			t.Errorf("told meanwhile: %q", got)
		}
		before := asked()
		if got := look(); got != state.StopByExit || asked() != before {
			t.Errorf("known: %q, asked %d times more", got, asked()-before)
		}

		// It never speaks of another: that is not asked for ever.
		p.mu.Lock()
		p.units["b.service"] = state.Unit{Load: "loaded", Active: "inactive", Changed: 6}
		p.mu.Unlock()
		silent := func() (times int) {
			before := asked()
			o.Observe(t.Context(), []state.Ref{unit("b.service")})
			return asked() - before
		}
		for range 2 {
			if silent() == 0 {
				t.Error("it is not asked again")
			}
		}
		time.Sleep(2 * time.Minute)
		if n := silent(); n != 0 {
			t.Errorf("two minutes later it is asked %d times", n)
		}
	})
}

// Ends that systemd has forgotten all look alike: without somebody who tells of
// changes the journal is asked again.
func TestForgottenUnitsAreAskedForAgain(t *testing.T) {
	p := newParts(t)
	p.units["a.service"] = state.Unit{Load: "loaded", Active: "inactive"}
	p.causes["a.service"] = state.StopByJob
	o := p.observer()
	look := func() state.StopCause {
		return o.Observe(t.Context(), []state.Ref{unit("a.service")}).Units["a.service"].Value.Stop
	}
	look()
	p.causes["a.service"] = state.StopByExit
	if got := look(); got != state.StopByExit {
		t.Errorf("unwatched: %q", got)
	}
	o.ended.watched(true)
	look()
	p.causes["a.service"] = state.StopByJob
	if got := look(); got != state.StopByExit || len(p.asked) != 3 {
		t.Errorf("watched, and nothing changed: %q, asked %d times", got, len(p.asked))
	}
	o.ended.forget("a.service")
	if got := look(); got != state.StopByJob {
		t.Errorf("watched, and something changed: %q", got)
	}
}

// Of a unit that did not exist when it was last looked at, nobody asks the
// journal how its former self ended, unless something has happened to it since.
func TestANewUnitHasNoPast(t *testing.T) {
	missing := state.Unit{Load: "not-found", Active: "inactive"}
	idle := state.Unit{ID: "a.service", Load: "loaded", Active: "inactive", Result: "success"}
	stopped := idle
	stopped.Changed, stopped.Entered = time.Second, time.Millisecond
	for name, c := range map[string]struct {
		do   func(e *ended)
		unit state.Unit
		asks bool
	}{
		"it was not there":             {unit: idle},
		"nor before a daemon-reload":   {do: func(e *ended) { e.watched(true) }, unit: idle},
		"it has run since":             {unit: stopped, asks: true},
		"somebody queued a job for it": {do: func(e *ended) { e.forget("a.service") }, unit: idle, asks: true},
		"nobody watches":               {do: func(e *ended) { e.watched(false) }, unit: idle, asks: true},
	} {
		p := newParts(t)
		e := newEnded(journalPart{p}, unitPart{p}, slog.New(slog.DiscardHandler))
		e.watched(true)
		e.explain(t.Context(), map[string]state.Fact[state.Unit]{"a.service": {Value: missing}})
		if c.do != nil {
			c.do(e)
		}
		e.explain(t.Context(), map[string]state.Fact[state.Unit]{"a.service": {Value: c.unit}})
		if (len(p.asked) > 0) != c.asks {
			t.Errorf("%s: the journal was asked for %q", name, p.asked)
		}
	}
}

// What a unit conflicts with is asked only of those that a stop job ended or is
// ending; whose start it was is asked once, and kept.
func TestAUnitThatWasStoppedForAnother(t *testing.T) {
	down := state.Unit{ID: "a.service", Load: "loaded", Active: "inactive", Changed: 5, Entered: 4}
	ending := state.Unit{ID: "a.service", Load: "loaded", Active: "deactivating", Job: state.Job{ID: 9, Type: "stop"}}
	for _, c := range []struct {
		name  string
		unit  state.Unit
		cause state.StopCause // the journal's first word
		err   error           // of systemd
		want  state.StopCause
		looks int // how often two looks ask what it conflicts with
	}{
		{"stopped", down, state.StopByJob, nil, state.StopByConflict, 1},
		{"being stopped", ending, "", nil, state.StopByConflict, 2},
		{"ended by itself", down, state.StopByExit, nil, state.StopByExit, 0},
		{"systemd does not answer", down, state.StopByJob, errors.New("no"), state.StopByJob, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newParts(t)
			p.units["a.service"], p.causes["a.service"], p.rerr = c.unit, c.cause, c.err
			p.rivals = map[string]map[string]uint32{"a.service": {"foe.service": 0}}
			p.stopped = map[string]string{"a.service": "foe.service"}
			o := p.observer()
			for range 2 {
				got := o.Observe(t.Context(), []state.Ref{unit("a.service")}).Units["a.service"].Value
				if got.Stop != c.want || (got.StoppedFor == "foe.service") != (c.want == state.StopByConflict) {
					t.Errorf("%q for %q, want %q", got.Stop, got.StoppedFor, c.want)
				}
			}
			if len(p.looked) != c.looks {
				t.Errorf("what it conflicts with was asked %d times, want %d", len(p.looked), c.looks)
			}
		})
	}
}

// A rival that systemd has forgotten is found by what was started before the stop,
// and by what it says of itself once it is read from the disk again.
func TestAUnitThatWasStoppedForWhatIsForgotten(t *testing.T) {
	for _, c := range []struct {
		name   string
		starts []string
		want   state.StopCause
	}{
		{"among what was started", []string{"other.service", "foe.service"}, state.StopByConflict},
		{"what was started has nothing to do with it", []string{"other.service"}, state.StopByJob},
		{"nothing was started", nil, state.StopByJob},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newParts(t)
			p.units["a.service"] = state.Unit{ID: "a.service", Load: "loaded", Active: "inactive", Changed: 5, Entered: 4}
			p.causes["a.service"] = state.StopByJob
			p.started = map[string][]string{"a.service": c.starts}
			p.rivals = map[string]map[string]uint32{"foe.service": {"a.service": 0}, "other.service": {"b.service": 0}}
			p.stopped = map[string]string{"a.service": "foe.service"}
			got := p.observer().Observe(t.Context(), []state.Ref{unit("a.service")}).Units["a.service"].Value
			if got.Stop != c.want || (got.StoppedFor == "foe.service") != (c.want == state.StopByConflict) {
				t.Errorf("%q for %q, want %q", got.Stop, got.StoppedFor, c.want)
			}
		})
	}
}
