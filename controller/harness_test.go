package controller_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
)

// memory is a Store that forgets nothing but what dies with the process: the
// fold is of entries that were written.
type memory struct {
	mu      sync.Mutex
	entries []state.Entry
	broken  error             // Append fails with it
	each    func(state.Entry) // is told of each entry; nil: nobody is
}

func (m *memory) Append(in []state.Entry) ([]state.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	out := make([]state.Entry, len(in))
	for i, e := range in {
		e.Seq = uint64(len(m.entries) + 1)
		m.entries = append(m.entries, e)
		out[i] = e
		if m.each != nil {
			m.each(e)
		}
	}
	return out, nil
}

func (m *memory) Heal() error { return nil }

func (m *memory) Past() *state.Past {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := state.NewPast()
	for _, e := range m.entries {
		p.Fold(e)
	}
	return p
}

func (m *memory) breakWith(err error) {
	m.mu.Lock()
	m.broken = err
	m.mu.Unlock()
}

// steps are what was done, with how it ended ("" for what never ended).
func (m *memory) steps() []state.Line {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []state.Line
	for i, e := range m.entries {
		if e.Intent == nil {
			continue
		}
		var end *state.Outcome
		for _, later := range m.entries[i+1:] {
			if later.Outcome != nil && later.Outcome.ID == e.Intent.Step.ID {
				end = later.Outcome
				break
			}
		}
		out = append(out, state.NewLine(e, end))
	}
	return out
}

func (m *memory) did(verb string) (n int) {
	for _, l := range m.steps() {
		if l.Actuator+"."+l.Verb == verb {
			n++
		}
	}
	return n
}

// source is desired state that a test can change.
type source struct {
	mu      sync.Mutex
	set     *desired.Set
	err     error
	changed chan struct{}
}

func (s *source) Load(context.Context) (*desired.Set, []string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set, nil, s.err
}

func (s *source) Watch(ctx context.Context, changed func()) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.changed:
			changed()
		}
	}
}

func (s *source) offer(set *desired.Set, err error) {
	s.mu.Lock()
	s.set, s.err = set, err
	s.mu.Unlock()
	s.changed <- struct{}{}
}

// declare reads YAML for this host.
func declare(t testing.TB, yaml string) *desired.Set {
	t.Helper()
	set, problems := read.Load([]string{"d"}, read.Options{
		Host: desired.Host{Name: "sim"}, Policy: desired.BuiltInPolicy(),
		FS: fstest.MapFS{"d/all.yaml": &fstest.MapFile{Data: []byte(yaml), Mode: fs.ModePerm}},
	})
	if err := problems.Err(); err != nil {
		t.Fatalf("desired state: %v", problems)
	}
	return set
}

// service is the YAML of one service with a unit file of ours.
func service(name string, more ...string) string {
	return fmt.Sprintf(`---
apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: %s}
spec:
  unitFile:
    content: |
      [Service]
      ExecStart=/bin/%s
      [Install]
      WantedBy=multi-user.target
%s`, name, name, indent(more))
}

func indent(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("  " + l + "\n")
	}
	return b.String()
}

// rig is a controller on a simulated host, in a bubble of virtual time.
type rig struct {
	t       testing.TB
	host    *sim.Host
	eyes    *witness
	more    map[string]actuators.Actuator // beside the host's
	store   *memory
	source  *source
	stopped atomic.Bool // the kill switch
	branch  *branch     // in the place of source; nil: none is followed
	git     *git
	program *program
	told    struct { // what was announced, and when
		sync.Mutex
		began time.Time
		lines []string
	}

	control *controller.Controller
	stop    func()
}

func newRig(t testing.TB, yaml string) *rig {
	r := &rig{
		t: t, host: sim.New(sim.Options{Name: "sim", Reload: 100 * time.Millisecond}), store: &memory{},
		source: &source{set: declare(t, yaml), changed: make(chan struct{})},
	}
	r.eyes = &witness{Host: r.host, read: map[state.Ref]state.Time{}}
	r.host.Advance(time.Minute) // it was booted a while ago
	return r
}

// witness remembers when each fact was read.
type witness struct {
	*sim.Host
	mu     sync.Mutex
	read   map[state.Ref]state.Time
	before func(refs []state.Ref) // a reading; nil: nothing
	units  []string               // whose metrics are read
}

// Evaluate remembers whose metrics are read.
func (w *witness) Evaluate(_ []desired.RuleFile, targets []desired.Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.units = nil
	for _, t := range targets {
		w.units = append(w.units, t.Unit)
	}
}

// reads are the units whose metrics are read.
func (w *witness) reads() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.units, " ")
}

func (w *witness) Observe(ctx context.Context, refs []state.Ref) state.Facts {
	w.mu.Lock()
	before := w.before
	w.mu.Unlock()
	if before != nil {
		before(refs)
	}
	now := w.Now()
	f := w.Host.Observe(ctx, refs)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range refs {
		w.read[r] = now
	}
	return f
}

// beforeReading has something done before each reading from now on.
func (w *witness) beforeReading(do func(refs []state.Ref)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before = do
}

// restsOnWhatWasRead: whatever begins, what it rests on was read just before.
func (r *rig) restsOnWhatWasRead(e state.Entry) {
	if e.Intent == nil {
		return
	}
	r.eyes.mu.Lock()
	defer r.eyes.mu.Unlock()
	for _, ref := range e.Intent.Step.Rests {
		if at, ok := r.eyes.read[ref]; !ok || e.At.Since(at) > time.Second {
			r.t.Errorf("%s begins at %v, and %s was read at %v", e.Intent.Step.Action, e.At.Up, ref, at.Up)
		}
	}
}

// run starts the controller and the host's clock.
func (r *rig) run() {
	r.t.Helper()
	r.store.each = r.restsOnWhatWasRead
	acts := r.host.Actuators()
	maps.Copy(acts, r.more)
	var from controller.Source = r.source
	if r.branch != nil {
		from = r.branch
	}
	c, err := controller.New(controller.Options{
		Source: from, Observer: r.eyes, Store: r.store, Actuators: acts,
		Log: slog.New(slog.DiscardHandler), Stopped: r.stopped.Load, Tell: r.tell,
		Remote: func(context.Context) ([]byte, error) { return []byte("{}"), nil },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.host.Run(ctx) })
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			r.t.Errorf("run: %v", err)
		}
	})
	r.control, r.stop = c, func() { cancel(); wg.Wait() }
	r.quiet()
}

func (r *rig) tell(text string) {
	r.told.Lock()
	defer r.told.Unlock()
	r.told.lines = append(r.told.lines, time.Since(r.told.began).Round(time.Second).String()+" "+text)
}

// quiet lets everything that does not wait for time come to rest.
func (r *rig) quiet() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

// plan is the controller's present plan, in words.
func (r *rig) plan() string {
	r.t.Helper()
	v, err := r.control.View(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, s := range v.Plan.Steps {
		out = append(out, fmt.Sprintf("%s %s %s", s.Object, s.Action.Verb, s.Reason))
	}
	for _, h := range v.Plan.Held {
		out = append(out, fmt.Sprintf("%s held %s", h.Object, h.Reason))
	}
	for _, g := range v.Plan.Gaps {
		out = append(out, fmt.Sprintf("%s gap %s", g.Object, g.Source))
	}
	return strings.Join(out, "\n")
}

func (r *rig) want(plan string) {
	r.t.Helper()
	if got := r.plan(); got != plan {
		r.t.Errorf("plan:\n%s\nwant:\n%s\nhistory:\n%s", got, plan, r.history())
	}
}

func (r *rig) history() string {
	var b strings.Builder
	for _, l := range r.store.steps() {
		fmt.Fprintf(&b, "%s %s.%s %s %s %s %s\n", l.Object, l.Actuator, l.Verb, l.Target, l.Reason, l.Outcome, l.Detail)
	}
	return b.String()
}

func (r *rig) active(unit string) string {
	f := r.host.Observe(context.Background(), []state.Ref{{Kind: state.RefUnit, Name: unit}})
	return f.Units[unit].Value.Active
}

var errDisk = errors.New("no space left on device")
