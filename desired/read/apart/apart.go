package apart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strconv"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// ask is what the child is asked. The file system of Options stays here.
type ask struct {
	Environment string
	Host        desired.Host
	Policy      desired.Policy
	Revision    string
	Everywhere  bool
	Origins     bool
	Over        []string
	Early       map[string]found // files, by path
}

// told is what it answers.
type told struct {
	Set      *desired.Set
	Problems []problem
}

// Load is read.Load of all that a file system holds, made in a child without
// rights. The file system is only asked for what is read, and by its owner. Of
// Options, FS is of no account.
//
// The error says that nothing is known of the files, because the child died, was
// killed, took too much or answered what is no answer; what is wrong with the
// files themselves is in Problems, as with read.Load.
func Load(ctx context.Context, fsys fs.FS, o read.Options) (*desired.Set, read.Problems, error) {
	return reader{path: "/proc/self/exe", args: []string{"evenkeel", role}, patience: patience}.load(ctx, fsys, o)
}

// patience is how long a child may take.
const patience = 10 * time.Second

// reader is how children are started.
type reader struct {
	path     string // of this program; the one that runs now, also when its file was replaced since
	args     []string
	patience time.Duration
	done     func(pid int) // for tests: it has answered, and still lives
}

func (r reader) load(ctx context.Context, fsys fs.FS, o read.Options) (*desired.Set, read.Problems, error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	o = o.Complete()
	var t told
	var err error
	// What a thread has forsworn it cannot take back, so that it ends with the
	// child. The kernel also kills the child when that thread ends.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		t, err = r.ask(ctx, fsys, o)
	}()
	<-ended
	if err != nil {
		return nil, nil, fmt.Errorf("read desired state apart: %w", err)
	}
	return t.believed(o)
}

// ask starts a child, serves it, and waits until nothing is left of it.
func (r reader) ask(ctx context.Context, fsys fs.FS, o read.Options) (t told, err error) {
	c, err := r.start(ctx)
	if err != nil {
		return t, fmt.Errorf("start its reader: %w", err)
	}
	t, err = c.serve(fsys, ask{Environment: o.Environment, Host: o.Host, Policy: o.Policy, Revision: o.Revision, Everywhere: o.Everywhere, Origins: o.Origins, Over: o.Over})
	if err == nil && r.done != nil {
		r.done(c.cmd.Process.Pid)
	}
	died := c.end(err)
	switch {
	case err == nil:
		return t, nil
	case ctx.Err() == context.DeadlineExceeded:
		return t, fmt.Errorf("its reader was killed: it took longer than %s", r.patience)
	case ctx.Err() != nil:
		return t, ctx.Err()
	case died != nil:
		return t, died
	}
	return t, fmt.Errorf("its reader was killed: %w", err)
}

// serve puts the question, hands out files and takes the answer.
func (c *child) serve(fsys fs.FS, a ask) (t told, err error) {
	// Whatever read.Load refuses to read it reads once at most.
	s := shelf{fsys: fsys, left: 2 * read.MaxTotal}
	a.Early = s.soon()
	q, err := pack(a)
	if err != nil {
		return t, err
	}
	if err := send(c.in, question, q); err != nil {
		return t, err
	}
	for {
		kind, body, err := receive(c.out, map[byte]int{open: maxName, answer: maxAnswer})
		if err != nil {
			return t, err
		}
		if kind == answer {
			err := unpack(body, &t, 4*maxAnswer)
			return t, err
		}
		is, err := s.find(string(body))
		if err != nil {
			return t, err
		}
		b, err := pack(is)
		if err != nil {
			return t, err
		}
		if err := send(c.in, opened, b); err != nil {
			return t, err
		}
	}
}

var errNoAnswer = errors.New("read desired state apart: its reader gave neither a Set nor a reason why not")

// believed is the answer, of which nothing is taken that is not the files'.
func (t told) believed(o read.Options) (*desired.Set, read.Problems, error) {
	problems := toProblems(t.Problems)
	wrong := len(problems.Errors()) > 0
	if wrong != (t.Set == nil) {
		return nil, nil, errNoAnswer
	}
	if wrong {
		return nil, problems, nil
	}
	t.Set.Policy, t.Set.Environment, t.Set.Host = o.Policy, o.Environment, o.Host
	t.Set.Host.Environment = o.Environment
	if o.Revision != "" {
		t.Set.Revision = o.Revision
	}
	return t.Set, problems, nil
}

func mebibytes(n int) string { return strconv.Itoa(n>>20) + " MiB" }
