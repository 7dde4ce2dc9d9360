package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// jobMode is the only mode in which jobs are queued: a job that somebody else
// has queued, a human's slow stop for one, is never replaced.
const jobMode = "fail"

// jobBook matches the JobNew and JobRemoved signals of one link to the calls
// that queued the jobs. A job may be gone before its caller has read the reply,
// so while any call is under way the book keeps what came and went.
type jobBook struct {
	mu      sync.Mutex
	calls   int
	born    map[string]bool
	removed map[string]string
	waiting map[string][]chan string
}

func newJobBook() *jobBook {
	return &jobBook{born: map[string]bool{}, removed: map[string]string{}, waiting: map[string][]chan string{}}
}

func (j *jobBook) begin() {
	j.mu.Lock()
	j.calls++
	j.mu.Unlock()
}

// end closes a call. With a path, it returns where the result will come and
// whether the job began with this call; systemd answers a request for a job
// that is already queued with that very job, which is then somebody else's.
func (j *jobBook) end(path string) (result chan string, own bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if path != "" {
		result, own = make(chan string, 1), j.born[path]
		if r, gone := j.removed[path]; gone {
			result <- r
		} else {
			j.waiting[path] = append(j.waiting[path], result)
		}
	}
	if j.calls--; j.calls == 0 {
		clear(j.born)
		clear(j.removed)
	}
	return result, own
}

func (j *jobBook) forget(path string, result chan string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i, c := range j.waiting[path] {
		if c == result {
			j.waiting[path] = append(j.waiting[path][:i:i], j.waiting[path][i+1:]...)
			break
		}
	}
	if len(j.waiting[path]) == 0 {
		delete(j.waiting, path)
	}
}

func (j *jobBook) onNew(path string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.calls > 0 {
		j.born[path] = true
	}
}

func (j *jobBook) onRemoved(path, result string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.waiting[path] {
		c <- result
	}
	delete(j.waiting, path)
	if j.calls > 0 {
		j.removed[path] = result
	}
}

func (j *jobBook) paths() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Keys(j.waiting))
}

// StartUnit, StopUnit, RestartUnit and ReloadUnit queue a job in mode "fail"
// and wait until it is gone. The result is systemd's word: done, failed,
// timeout, canceled, dependency, skipped, …; "done" says only that the job
// ended well, not that the unit is healthy. Without a deadline in ctx they wait
// Options.JobTimeout at most. When the deadline passes, the job is canceled if
// it began with this call, and the error is context.DeadlineExceeded; when the
// connection dies, it is ErrDisconnected and the job may still be running.
func (c *Conn) StartUnit(ctx context.Context, unit string) (string, error) {
	return c.job(ctx, "StartUnit", unit)
}

// StopUnit: see StartUnit.
func (c *Conn) StopUnit(ctx context.Context, unit string) (string, error) {
	return c.job(ctx, "StopUnit", unit)
}

// RestartUnit starts a unit that is down: see StartUnit.
func (c *Conn) RestartUnit(ctx context.Context, unit string) (string, error) {
	return c.job(ctx, "RestartUnit", unit)
}

// ReloadUnit: see StartUnit.
func (c *Conn) ReloadUnit(ctx context.Context, unit string) (string, error) {
	return c.job(ctx, "ReloadUnit", unit)
}

func (c *Conn) job(ctx context.Context, method, unit string) (string, error) {
	ctx, cancel := c.patience(ctx)
	defer cancel()
	var result string
	err := c.with(ctx, func(l *link) (err error) {
		result, err = l.job(ctx, method, unit)
		return err
	})
	return result, err
}

func (l *link) job(ctx context.Context, method, unit string) (string, error) {
	if err := l.hearManager(ctx); err != nil {
		return "", err
	}
	if err := l.enter(ctx, l.queue); err != nil {
		return "", err
	}
	defer func() { <-l.queue }()
	var path dbus.ObjectPath
	l.jobs.begin()
	err := l.callRaw(ctx, method, []any{unit, jobMode}, &path)
	result, own := l.jobs.end(string(path))
	if err != nil {
		return "", err
	}
	select {
	case r := <-result:
		return known(r)
	case <-l.dead:
		select {
		case r := <-result:
			return known(r)
		default:
			return "", disconnected()
		}
	case <-ctx.Done():
		l.jobs.forget(string(path), result)
		return "", l.giveUp(ctx, string(path), own)
	}
}

// giveUp cancels the job if it is ours and the time is over. A caller that only
// went away (a shutdown) leaves its job running.
func (l *link) giveUp(ctx context.Context, path string, own bool) error {
	id, err := strconv.ParseUint(strings.TrimPrefix(path, jobPrefix), 10, 32)
	if err != nil || !own || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("job %s is still queued: %w", strings.TrimPrefix(path, jobPrefix), ctx.Err())
	}
	short, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	switch err := convert(l.callRaw(short, "CancelJob", []any{uint32(id)})); {
	case errors.Is(err, errNoSuchJob):
		return disconnected() // it ended, and nobody told us how
	case err != nil:
		return fmt.Errorf("job %d took too long: %w; cancel it: %w", id, ctx.Err(), err)
	}
	return fmt.Errorf("job %d took too long and was canceled: %w", id, ctx.Err())
}

var errNoSuchJob = &Error{Name: "org.freedesktop.systemd1.NoSuchJob"}

// lostResult stands for the end of a job that nobody told us of.
const lostResult = ""

func known(result string) (string, error) {
	if result == lostResult {
		return "", disconnected()
	}
	return result, nil
}

// recount asks after the jobs that we wait for when systemd comes back to the
// message bus: what ended meanwhile was announced to nobody.
func (l *link) recount(ctx context.Context) {
	paths := l.jobs.paths()
	questions := make([]question, len(paths))
	for i, p := range paths {
		questions[i] = Property{Path: p, Interface: jobIface, Name: "Id"}.question()
	}
	replies, err := l.reads.ask(ctx, l.wire, questions, l.owner.opts.Timeout)
	if err != nil {
		return // the waits have deadlines of their own
	}
	for i, r := range replies {
		if r.Err != nil {
			l.jobs.onRemoved(paths[i], lostResult)
		}
	}
}

// cancelTimeout is how long a job that is given up may take to be canceled.
const cancelTimeout = 2 * time.Second
