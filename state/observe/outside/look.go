package outside

import (
	"context"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// Options say how often and how long it is asked.
type Options struct {
	Retries int           // how often a failure is tried again before it counts; Declared: see there
	Pause   time.Duration // before it is
	Timeout time.Duration // for one answer; zero: each probe's own
	Ask     func(context.Context, desired.Probing) ask.Sample
}

// Declared, as Retries, is as often as each probe's failureThreshold says, but twice
// at least, because a blip on a long road is nobody's outage, and not so often that
// the others would wait.
const Declared = -1

const leastRetries, mostRetries = 2, 9

func (o Options) retries(p desired.Probe) int {
	if o.Retries != Declared {
		return o.Retries
	}
	return min(max(p.FailureThreshold-1, leastRetries), mostRetries)
}

// Asked is what came of one probe, at the last time that it was asked.
type Asked struct {
	desired.Probing
	ask.Sample
	Tries int
	Took  time.Duration // the last try
}

// atOnce bounds how many are asked at the same time, from one address.
const atOnce = 16

// Look asks all of them, and returns what came of each in the order in which they
// were given. It ends with ctx at the latest; what was not asked by then has an Err.
func Look(ctx context.Context, probings []desired.Probing, o Options) []Asked {
	all := make([]Asked, len(probings))
	seats := make(chan struct{}, atOnce)
	var wait sync.WaitGroup
	for i, p := range probings {
		all[i] = Asked{Probing: p}
		wait.Go(func() { all[i].ask(ctx, o, seats) })
	}
	wait.Wait()
	return all
}

// ask asks until the answer is good, or often enough.
func (a *Asked) ask(ctx context.Context, o Options, seats chan struct{}) {
	if o.Timeout > 0 {
		a.Probe.TimeoutSeconds = int((o.Timeout + time.Second - 1) / time.Second)
	}
	for {
		select {
		case seats <- struct{}{}:
		case <-ctx.Done():
			a.Sample = ask.Sample{Err: "it was not asked"}
			return
		}
		a.once(ctx, o.Ask)
		<-seats
		if a.Good() || a.Tries > o.retries(a.Probe) {
			return
		}
		select {
		case <-time.After(o.Pause):
		case <-ctx.Done():
			return
		}
	}
}

func (a *Asked) once(ctx context.Context, asks func(context.Context, desired.Probing) ask.Sample) {
	limit := time.Duration(max(1, a.Probe.TimeoutSeconds)) * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := time.Now()
	a.Sample = asks(ctx, a.Probing)
	a.Tries++
	a.Took = time.Since(began)
}
