package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Journal finds out why units ended. It is safe for concurrent use.
type Journal struct {
	boot string
	opt  Options
}

// Options of a Journal; the zero value is useful.
type Options struct {
	Path    string        // the journalctl to run; empty: "journalctl" of $PATH
	Timeout time.Duration // of one run; 0: 3 s
	Settle  time.Duration // how long to wait for a line that must come; 0: 300 ms
	Lines   int           // how many lines a unit may need; 0: 16
}

// New returns a Journal of this boot. boot is the kernel's boot ID; its dashes
// do not matter.
func New(boot string, o Options) *Journal {
	if o.Path == "" {
		o.Path = "journalctl"
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if o.Settle == 0 {
		o.Settle = 300 * time.Millisecond
	}
	if o.Lines == 0 {
		o.Lines = 16
	}
	return &Journal{boot: strings.ReplaceAll(boot, "-", ""), opt: o}
}

// pause is how long to wait before looking for a missing line again; each pause
// is twice as long as the one before.
const pause = 5 * time.Millisecond

// StopCauses says of each unit how its last run of this boot ended: StopByJob
// where a stop job asked for it, StopByExit where it ended by itself or in the
// course of a restart, StopNoSign where the journal knows that it was started
// but not that it ended. A unit that the journal does not know in this boot is
// not in the answer. Units must be inactive or failed, and named by their primary
// names.
//
// A unit that has just ended may still be missing its last line; for that it
// waits up to Options.Settle.
func (j *Journal) StopCauses(ctx context.Context, units []string) (map[string]state.StopCause, error) {
	causes := make(map[string]state.StopCause, len(units))
	began, wait := time.Now(), pause
	for open := units; len(open) > 0; wait *= 2 {
		var again []string
		for some := range slices.Chunk(open, atOnce) {
			runs, err := j.lastRuns(ctx, some)
			if err != nil {
				return causes, fmt.Errorf("ask the journal why units stopped: %w", err)
			}
			for u, r := range runs {
				causes[u] = r.cause()
				if r.unfinished() {
					again = append(again, u)
				}
			}
		}
		if open = again; len(open) == 0 || time.Since(began) > j.opt.Settle {
			break
		}
		select {
		case <-ctx.Done():
			return causes, fmt.Errorf("ask the journal why units stopped: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
	return causes, nil
}

// atOnce is how many units one run of journalctl is asked about: its arguments
// and its output are bounded.
const atOnce = 500

// lastRuns asks for all units at once, and again one by one for those that
// busier ones may have crowded out.
func (j *Journal) lastRuns(ctx context.Context, units []string) (map[string]run, error) {
	limit := j.opt.Lines * len(units)
	lines, err := j.read(ctx, units, ends, limit)
	if err != nil {
		return nil, err
	}
	runs := fold(lines)
	if len(lines) < limit || len(units) == 1 {
		return runs, nil
	}
	for _, u := range units {
		if _, ok := runs[u]; ok {
			continue
		}
		if lines, err = j.read(ctx, []string{u}, ends, j.opt.Lines); err != nil {
			return nil, err
		}
		if r, ok := fold(lines)[u]; ok {
			runs[u] = r
		}
	}
	return runs, nil
}

// What systemd says of a unit, by its catalogue of messages.
const (
	msgStarting   = "7d4958e842da4a758f6c1cdc7b36dcc5" // a start job begins
	msgStarted    = "39f53479d3a045ac8e11786248231fbf" // a start job is done
	msgStopping   = "de5b426a63be47a7b6ac3eaac82e2f6f" // a stop job begins, or the first half of a restart job
	msgStopped    = "9d1aaa27d60140bd96365438aad20286" // a stop job is done, or the first half of a restart job
	msgEnded      = "7ad2d189f7e94e70a38c781354912448" // it is inactive, whatever the cause
	msgNotStarted = "be02cf6855d2428ba40df7e9d022f03d" // a start job has failed
	msgFailed     = "d9b373ed55a64feb8242e02dbe79a49c" // it has failed, whatever the cause
)

// ends are the messages that tell how a run ended.
var ends = []string{msgStarted, msgStopping, msgStopped, msgEnded, msgFailed}

// run is what the journal says of the last invocation of a unit.
type run struct {
	invocation       string
	stopping         bool // somebody or something has begun to stop it
	stopped          bool // a stop job has ended
	restarted, ended bool
}

// fold finds the last invocation of each unit in lines, newest first.
func fold(lines []line) map[string]run {
	runs := make(map[string]run)
	for _, l := range lines {
		r, seen := runs[l.Unit]
		if seen && l.Invocation != r.invocation {
			continue
		}
		r.invocation = l.Invocation
		switch l.MessageID {
		case msgStopping:
			r.stopping = true
		case msgStopped:
			r.stopped = r.stopped || l.JobType == "stop"
			r.restarted = r.restarted || l.JobType != "stop"
		case msgEnded, msgFailed:
			r.ended = true
		}
		runs[l.Unit] = r
	}
	return runs
}

// unfinished tells that a line is still to come: the unit is inactive, so its
// end must be told, and a stop that was begun must be told done.
func (r run) unfinished() bool {
	return !r.stopped && !r.restarted && (r.stopping || !r.ended)
}

func (r run) cause() state.StopCause {
	switch {
	case r.stopped:
		return state.StopByJob
	case r.restarted:
		return state.StopByExit
	case r.stopping:
		return state.StopByJob // its end was not told; somebody had asked for one
	case r.ended:
		return state.StopByExit
	}
	return state.StopNoSign
}

// ErrOutput says that journalctl's output is not what it should be.
var ErrOutput = errors.New("unexpected output of journalctl")
