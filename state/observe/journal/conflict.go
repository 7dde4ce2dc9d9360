package journal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// StoppedFor says of each unit that a stop job ended, or is ending, for the start
// of which of its rivals systemd made that job. rivals are the units that cannot
// run beside it, by primary name, with the number of the start job that each has
// queued right now, or 0. A unit that is not in the answer was stopped for none
// of them, or the journal does not say.
//
// systemd numbers jobs in the order in which it makes them, and a start comes
// before the stops that it takes. A rival that was asked to start while the unit
// ran, and before the unit was asked to stop, is therefore what stopped it. A
// human's stop after that would find nothing to stop, and one before it has the
// lower number.
//
// For the line of a rival whose start is just done it waits up to Options.Settle.
func (j *Journal) StoppedFor(ctx context.Context, rivals map[string]map[string]uint32) (map[string]string, error) {
	found := make(map[string]string)
	began, wait := time.Now(), pause
	for open := slices.Sorted(maps.Keys(rivals)); len(open) > 0; wait *= 2 {
		for some := range slices.Chunk(open, fewConflicts) {
			if err := j.findRivals(ctx, some, rivals, found); err != nil {
				return found, fmt.Errorf("ask the journal for which unit others were stopped: %w", err)
			}
		}
		open = slices.DeleteFunc(open, func(u string) bool { return found[u] != "" })
		if len(open) == 0 || time.Since(began) > j.opt.Settle {
			break
		}
		select {
		case <-ctx.Done():
			return found, fmt.Errorf("ask the journal for which unit others were stopped: %w", ctx.Err())
		case <-time.After(wait):
		}
	}
	return found, nil
}

// recentStarts is how many lines about starts are read to find what was started before a
// stop, and nearby how many units of them are named.
const (
	recentStarts = 1000
	nearby       = 16
)

// StartedBefore names for each unit that a stop job ended the units whose start
// systemd had queued before that stop, while the unit ran: those with the nearest
// numbers first. It says nothing of whether they have to do with each other.
func (j *Journal) StartedBefore(ctx context.Context, units []string) (map[string][]string, error) {
	near := make(map[string][]string)
	starts, err := j.read(ctx, nil, []string{msgStarting, msgStarted, msgNotStarted}, recentStarts)
	if err != nil {
		return nil, fmt.Errorf("ask the journal what was started: %w", err)
	}
	slices.SortStableFunc(starts, func(a, b line) int { return cmp.Compare(number(b.Job), number(a.Job)) })
	for some := range slices.Chunk(units, fewConflicts) {
		lines, err := j.read(ctx, some, jobs, j.opt.Lines*len(some))
		if err != nil {
			return nil, fmt.Errorf("ask the journal how units were stopped: %w", err)
		}
		for _, u := range some {
			if stop, ok := lastStop(u, lines); ok {
				near[u] = stop.nearest(u, starts)
			}
		}
	}
	return near, nil
}

// nearest names the units of starts, the highest number first, that may be the cause
// of a stop.
func (s stopping) nearest(unit string, starts []line) (names []string) {
	for _, l := range starts {
		job := number(l.Job)
		if len(names) < nearby && l.Unit != unit && job > s.from && job < s.job && l.up()+before > s.up && !slices.Contains(names, l.Unit) {
			names = append(names, l.Unit)
		}
	}
	return names
}

// fewConflicts is how many units one run of journalctl is asked about together
// with their rivals.
const fewConflicts = 20

// jobs are the messages that name a job of a unit; a start that a condition
// prevented is told as done.
var jobs = []string{msgStarting, msgStarted, msgNotStarted, msgStopping, msgStopped}

func (j *Journal) findRivals(ctx context.Context, units []string, rivals map[string]map[string]uint32, found map[string]string) error {
	names := make(map[string]bool)
	for _, u := range units {
		names[u] = true
		for r := range rivals[u] {
			names[r] = true
		}
	}
	lines, err := j.read(ctx, slices.Sorted(maps.Keys(names)), jobs, j.opt.Lines*len(names))
	if err != nil {
		return err
	}
	for _, u := range units {
		if r := rivalOf(u, rivals[u], lines); r != "" {
			found[u] = r
		}
	}
	return nil
}

// before is how long before a stop the rival's start may have been under way: a
// stop can wait for others that must stop first. What was told earlier belongs to
// another start, from when the two may not have been rivals yet.
const before = 5 * time.Minute

// rivalOf finds the rival for whose start a unit's last run was stopped in lines,
// newest first.
func rivalOf(unit string, rivals map[string]uint32, lines []line) string {
	stop, ok := lastStop(unit, lines)
	if !ok {
		return ""
	}
	name, nearest := "", stop.from
	take := func(rival string, job uint64) {
		if job > nearest && job < stop.job {
			name, nearest = rival, job
		}
	}
	for _, r := range slices.Sorted(maps.Keys(rivals)) {
		take(r, uint64(rivals[r]))
	}
	for _, l := range lines {
		if _, rival := rivals[l.Unit]; rival && l.starts() && l.up()+before > stop.up {
			take(l.Unit, number(l.Job))
		}
	}
	return name
}

// stopping is how the last run of a unit was stopped.
type stopping struct {
	from, job uint64        // the jobs that started and stopped it; from is 0 where that is not known
	up        time.Duration // when it began
}

func lastStop(unit string, lines []line) (s stopping, ok bool) {
	invocation := ""
	for _, l := range lines {
		switch {
		case l.Unit != unit || ok && l.Invocation != invocation:
		case l.MessageID == msgStarted || l.MessageID == msgStarting:
			if ok {
				s.from = number(l.Job)
			}
			return s, ok
		case l.JobType == "stop" && number(l.Job) > 0:
			s.job, s.up, invocation, ok = number(l.Job), l.up(), l.Invocation, true
		}
	}
	return s, ok
}

func (l line) starts() bool {
	return l.MessageID == msgStarting || l.MessageID == msgStarted || l.MessageID == msgNotStarted
}

// up is when the line was written, since the boot.
func (l line) up() time.Duration { return time.Duration(number(l.Up)) * time.Microsecond }

// number is 0 for what is none.
func number(text string) uint64 {
	n, _ := strconv.ParseUint(text, 10, 63)
	return n
}
