package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is what actions call this actuator.
const Name = "cache"

// Actuator flushes caches. It keeps nothing between calls, and is safe for
// concurrent use.
type Actuator struct{ info actuators.Info }

var (
	_ actuators.Actuator  = (*Actuator)(nil)
	_ actuators.Previewer = (*Actuator)(nil)
)

// New returns an Actuator of a version of evenkeel.
func New(version string) *Actuator {
	return &Actuator{actuators.Info{
		Name: Name, Version: version,
		Verbs: []actuators.Verb{{
			Name: "flush", Effect: actuators.Disruptive, Content: true,
			Args: []string{"maxShare", "pattern", "idle", "noTTL", "path", "declared"},
			Help: "Deletes keys of a Redis, or responses that nginx has cached, and refuses when they are more than maxShare (20%) of all.",
		}},
	}}
}

// Info lists the one verb.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info, nil }

// found is what a count came to.
type found struct {
	match int // entries that the request asks for
	of    int // all entries that there are
	unit  string
}

func (f found) String() string {
	return thousands(f.match) + " of " + thousands(f.of) + " " + f.unit
}

// store is one kind of cache. count changes nothing; flush deletes what count
// counts, but no more than limit entries, and says how many it deleted also
// where it fails.
type store interface {
	count(ctx context.Context) (found, error)
	flush(ctx context.Context, limit int) (int, error)
	close() error
}

// most is how many entries one flush may delete: whoever wants more than that
// gone wants the whole of it gone.
const most = 1_000_000

// Preview counts.
func (a *Actuator) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	s, f, err := a.look(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	return result(f, f.match, "to be flushed"), s.close()
}

// Apply counts, and deletes what it counted.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	s, f, err := a.look(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	defer s.close()
	if f.match == 0 {
		return result(f, 0, ""), nil
	}
	n, err := s.flush(ctx, f.match)
	if err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.KindOf(err), "%s: after %s of %s: %w", r.Action, thousands(n), f, err)
	}
	return result(f, n, "flushed"), nil
}

// look opens the cache and counts. Its errors say that nothing was changed.
func (a *Actuator) look(ctx context.Context, r actuators.Request) (store, found, error) {
	w, err := a.parse(r)
	if err != nil {
		return nil, found{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, found{}, actuators.Errorf(actuators.Timeout, "%s: nothing was done: %w", r.Action, err)
	}
	s, err := w.open()
	if err != nil {
		return nil, found{}, err
	}
	f, err := s.count(ctx)
	if err == nil {
		err = w.share.allows(f)
	}
	if err != nil {
		return nil, f, errors.Join(actuators.Errorf(actuators.KindOf(err), "%s: nothing was flushed: %w", r.Action, err), s.close())
	}
	return s, f, nil
}

func result(f found, n int, what string) actuators.Result {
	r := actuators.Result{
		Changed: n > 0, Detail: "none of " + thousands(f.of) + " " + f.unit + " is to be flushed",
		Data: map[string]string{"matched": strconv.Itoa(f.match), "of": strconv.Itoa(f.of)},
	}
	if n > 0 {
		r.Detail = fmt.Sprintf("%s of %s %s %s", thousands(n), thousands(f.of), f.unit, what)
	}
	return r
}
