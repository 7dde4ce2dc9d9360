package probes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// rig is a Prober in virtual time, and what it asks.
type rig struct {
	*Prober
	t     *testing.T
	start time.Time
	log   *slogs

	mu      sync.Mutex
	answer  func(ctx context.Context, p desired.Probing) ask.Sample // nil: success
	samples []string                                                // second and probe
	reports []map[string]state.Fact[state.Probe]
}

const booted = 1000 * time.Second // how long the host ran when the test began

func newRig(t *testing.T) *rig {
	b := &rig{t: t, start: time.Now(), log: &slogs{}}
	b.Prober = New(Options{Now: b.now, Ask: b.ask, Log: b.log.logger()})
	return b
}

func (b *rig) now() state.Time {
	since := time.Since(b.start)
	return state.Time{Wall: time.Now(), Up: booted + since, Boot: "b"}
}

func (b *rig) ask(ctx context.Context, p desired.Probing) ask.Sample {
	b.mu.Lock()
	b.samples = append(b.samples, fmt.Sprintf("%v %s", time.Since(b.start).Round(time.Millisecond), p.Kind))
	answer := b.answer
	b.mu.Unlock()
	if answer == nil {
		return good
	}
	return answer(ctx, p)
}

// answers sets what every probe is answered from now on.
func (b *rig) answers(s ask.Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = func(context.Context, desired.Probing) ask.Sample { return s }
}

// answering is answers where it depends.
func (b *rig) answering(f func(context.Context, desired.Probing) ask.Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

// hangs has every probe wait for its time to run out from now on.
func (b *rig) hangs() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = func(ctx context.Context, _ desired.Probing) ask.Sample { <-ctx.Done(); return bad }
}

// watch begins to watch; what it returns ends it.
func (b *rig) watch() (stop func()) {
	ctx, cancel := context.WithCancel(b.t.Context())
	ended := make(chan bool)
	go func() {
		defer close(ended)
		b.Watch(ctx, func(f map[string]state.Fact[state.Probe]) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.reports = append(b.reports, f)
		})
	}()
	synctest.Wait()
	return func() { cancel(); <-ended }
}

// until lets time pass until so long after the beginning.
func (b *rig) until(d time.Duration) {
	time.Sleep(d - time.Since(b.start))
	synctest.Wait()
}

// sampled is what was asked since it was last looked at.
func (b *rig) sampled() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.samples
	b.samples = nil
	return s
}

func (b *rig) wantSampled(want ...string) {
	b.t.Helper()
	if got := b.sampled(); !slices.Equal(got, want) {
		b.t.Errorf("asked at\n%s; want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// last is the last report of a fact.
func (b *rig) last(name string) state.Fact[state.Probe] {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range slices.Backward(b.reports) {
		if one, ok := f[name]; ok {
			return one
		}
	}
	b.t.Helper()
	b.t.Errorf("%s was never reported", name)
	return state.Fact[state.Probe]{}
}

func (b *rig) want(name string, v state.Verdict) {
	b.t.Helper()
	if got := b.last(name).Value.Verdict; got != v {
		b.t.Errorf("after %v %s is %q; want %q", time.Since(b.start), name, got, v)
	}
}

func (b *rig) countReports() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.reports)
}

// runs says that web.service runs since some time after the beginning.
func (b *rig) runs(invocation string, since time.Duration) {
	b.Units(map[string]state.Fact[state.Unit]{"web.service": {At: b.now(), Value: state.Unit{Active: "active", Invocation: invocation, Entered: booted + since}}})
	synctest.Wait()
}

func (b *rig) down(active string) {
	b.Units(map[string]state.Fact[state.Unit]{"web.service": {At: b.now(), Value: state.Unit{Active: active, Invocation: "i1"}}})
	synctest.Wait()
}

// probing of web.service, with the defaults of Kubernetes but for change.
func probing(kind string, change func(*desired.Probe)) desired.Probing {
	p := desired.Probing{Name: kind + "/web.service", Kind: kind, Object: "Service/web", Unit: "web.service"}
	if kind == desired.EndpointProbe {
		p.Name, p.Object, p.Unit = "endpoint/bank", "Endpoint/bank", ""
	}
	p.Probe = desired.Probe{PeriodSeconds: 10, TimeoutSeconds: 1, SuccessThreshold: 1, FailureThreshold: 3, TCPSocket: &desired.TCPSocket{Port: &desired.Port{Number: 80}}}
	if change != nil {
		change(&p.Probe)
	}
	return p
}

var liveness, readiness = probing(desired.LivenessProbe, nil), probing(desired.ReadinessProbe, nil)
