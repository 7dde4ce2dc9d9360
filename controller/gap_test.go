package controller_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/state"
)

// absent is a host whose first reading brings no units, and whose changes
// nobody reports.
type absent struct {
	*sim.Host
	once sync.Once
}

func (a *absent) Observe(ctx context.Context, refs []state.Ref) state.Facts {
	f := a.Host.Observe(ctx, refs)
	a.once.Do(func() { f.Units = nil })
	return f
}

func (a *absent) Watch(ctx context.Context, _ func() []state.Ref, _ func([]state.Ref), _ func(state.Facts)) error {
	<-ctx.Done()
	return ctx.Err()
}

// What is missing is looked at again of the loop's own accord, without a signal
// and long before a resync.
func TestAGapIsLookedAtAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("web"))
		apply := func(o controller.Observer) controller.Result {
			c, err := controller.New(controller.Options{
				Source: r.source, Observer: o, Store: r.store, Actuators: r.host.Actuators(),
				Log: slog.New(slog.DiscardHandler), Resync: 24 * time.Hour,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			var wg sync.WaitGroup
			defer wg.Wait()
			defer cancel()
			wg.Go(func() { r.host.Run(ctx) })
			res, err := c.Apply(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return res
		}
		if res := apply(r.host); !res.Converged {
			t.Fatalf("not converged:\n%s", r.history())
		}
		if gaps := apply(&absent{Host: r.host}).View.Plan.Gaps; len(gaps) > 0 {
			t.Errorf("nobody looked again at %v", gaps)
		}
	})
}
