package alertmanager

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Name is that of the source among World.Alerts.
const Name = "alertmanager"

// DefaultTTL is longer than Alertmanager's own repeat_interval.
const DefaultTTL = 6 * time.Hour

// maxKept bounds the alerts that are known at once.
const maxKept = 2000

// ErrFull says that so many alerts are active that no more are taken.
var ErrFull = errors.New("too many alerts are active at once")

// Options are the parts of a Source. Now is required.
type Options struct {
	Now func() state.Time
	TTL time.Duration // how long an alert holds that is not repeated; 0: DefaultTTL
	// Former are alerts that were active when evenkeel ended, by ID and Name: the
	// first payload that comes does not mean that they are over.
	Former []state.ActiveAlert
	// Open tells whether payloads are taken at all; it is asked when Watch begins. Where
	// they are not, Watch brings nothing. nil: they are.
	Open func(context.Context) bool
}

// Source is the alerts that an Alertmanager has sent. It is safe for concurrent use.
type Source struct {
	opt   Options
	began state.Time
	news  chan struct{} // size 1: something was taken

	mu   sync.Mutex
	kept map[string]kept // by ID
	last state.Time      // when something was taken last; zero: nothing was
}

type kept struct {
	alert state.ActiveAlert
	ends  time.Time  // zero: nobody knows
	at    state.Time // when it was told last; zero: by nobody since evenkeel began
}

// New returns a Source to which nothing has come.
func New(o Options) *Source {
	o.TTL = cmp.Or(o.TTL, DefaultTTL)
	s := &Source{opt: o, began: o.Now(), news: make(chan struct{}, 1), kept: make(map[string]kept)}
	for _, a := range o.Former {
		s.kept[a.ID] = kept{alert: a}
	}
	return s
}

// Take takes a Payload: all of it or, with ErrFull, nothing.
func (s *Source) Take(p Payload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	fresh := make(map[string]bool)
	for _, a := range p.Alerts {
		if id := state.AlertID(a.Labels); !a.over(now.Wall) && s.kept[id].alert.ID == "" {
			fresh[id] = true
		}
	}
	if len(s.kept)+len(fresh) > maxKept {
		return ErrFull
	}
	for _, a := range p.Alerts {
		active := a.active()
		if a.over(now.Wall) {
			delete(s.kept, active.ID)
			continue
		}
		s.kept[active.ID] = kept{alert: active, ends: a.EndsAt, at: now}
	}
	s.last = now
	select {
	case s.news <- struct{}{}:
	default: // one waits already
	}
	return nil
}

// Has tells that a name is that of this source.
func (s *Source) Has(name string) bool { return name == Name }

// Observe says what is known now.
func (s *Source) Observe(context.Context, []string) map[string]state.Fact[state.Alerts] {
	return map[string]state.Fact[state.Alerts]{Name: s.fact()}
}

func (s *Source) fact() state.Fact[state.Alerts] {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	if s.last.IsZero() {
		return state.Fact[state.Alerts]{At: now, Err: "nothing was received since " + stamp(s.began.Wall) + ", when evenkeel began"}
	}
	f := state.Fact[state.Alerts]{At: now}
	for _, k := range s.kept {
		a := k.alert
		a.Blind = s.blind(k, now)
		f.Value.Active = append(f.Value.Active, a)
	}
	slices.SortFunc(f.Value.Active, func(a, b state.ActiveAlert) int { return cmp.Compare(a.ID, b.ID) })
	return f
}

// blind says why an alert is no longer, or not yet, known to be active.
func (s *Source) blind(k kept, now state.Time) string {
	switch {
	case k.at.IsZero():
		return "the Alertmanager has not repeated it since evenkeel began, at " + stamp(s.began.Wall)
	case now.Since(k.at) >= s.opt.TTL:
		return "the Alertmanager has not repeated it since " + stamp(k.at.Wall)
	case !k.ends.IsZero() && !k.ends.After(now.Wall):
		return "it was to end at " + stamp(k.ends) + ", and the Alertmanager has not said that it did"
	}
	return ""
}

// Watch calls seen whenever there is news, be it that time has passed, until ctx ends.
func (s *Source) Watch(ctx context.Context, seen func(map[string]state.Fact[state.Alerts])) {
	if s.opt.Open != nil && !s.opt.Open(ctx) {
		<-ctx.Done()
		return
	}
	for {
		seen(s.Observe(ctx, nil))
		var due <-chan time.Time // nil: time alone changes nothing
		if d, ok := s.due(); ok {
			due = time.After(d)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.news:
		case <-due:
		}
	}
}

// due is when the next alert is no longer known to be active.
func (s *Source) due() (time.Duration, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	next, ok := time.Duration(0), false
	for _, k := range s.kept {
		if s.blind(k, now) != "" {
			continue
		}
		left := s.opt.TTL - now.Since(k.at)
		if !k.ends.IsZero() {
			left = min(left, k.ends.Sub(now.Wall))
		}
		if !ok || left < next {
			next, ok = left, true
		}
	}
	return max(next, time.Millisecond), ok
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
