package actuatortest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// returnsSoon calls with a context that has ended, and ends one in the middle.
func returnsSoon(t *testing.T, fresh func(t *testing.T) Subject) {
	each(t, fresh, func(t *testing.T, s Subject, x Sample) {
		before := x.look(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		err := inTime(t, s, ended, x.Request)
		mustBe(t, "Apply with a context that has ended", err, actuators.Timeout)
		if after := x.look(t); after != before {
			t.Errorf("Apply with a context that has ended changed the world from %q to %q", before, after)
		}
		ending, cancel := context.WithCancel(t.Context())
		go cancel()
		var e *actuators.Error
		if err := inTime(t, s, ending, x.Request); err != nil && !errors.As(err, &e) {
			t.Errorf("Apply with a context that ends: %q is a %T and has no kind", err, err)
		}
	})
}

func inTime(t *testing.T, s Subject, ctx context.Context, r actuators.Request) error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := s.Actuator.Apply(ctx, r)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: Apply did not return within %v of the end of its context", r.Action, patience)
		return nil
	}
}

// concurrent applies the first sample of each target many times at once. It is
// worth most under the race detector.
func concurrent(t *testing.T, fresh func(t *testing.T) Subject) {
	s := fresh(t)
	targets := map[string]Sample{}
	for _, x := range s.Samples {
		if _, ok := targets[x.Request.Target]; ok {
			continue
		}
		targets[x.Request.Target] = x
		if x.Before != nil {
			x.Before(t)
		}
	}
	var wg sync.WaitGroup
	for _, x := range targets {
		for range 8 {
			wg.Go(func() {
				if _, err := s.Actuator.Apply(limited(t), x.Request); err != nil {
					t.Errorf("Apply(%v) beside others: %v", x.Request, err)
				}
			})
		}
	}
	wg.Wait()
	for _, x := range targets {
		if x.Repeats {
			continue
		}
		if res := apply(t, s, x.Request); res.Changed {
			t.Errorf("%s: something is left to do after 8 at once", x.Request.Action)
		}
	}
}
