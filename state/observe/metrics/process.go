package metrics

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/metrics/lines"
)

// child is one process that evaluates, from its start to its burial.
type child struct {
	out    *lines.Writer
	in     *os.File // our end of what it reads
	says   *os.File // our end of what it writes
	words  tail     // its last, of standard error; read after done
	cancel context.CancelFunc
	gone   chan struct{} // closed when it says nothing any more
	done   chan struct{} // closed when nothing is left of it
	ending error         // how it ended; read after done

	// mu guards what follows.
	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan lines.Report
	broke   error // why it was ended
}

// start starts a child, which ends with ctx.
func (e *Evaluator) start(ctx context.Context) (*child, error) {
	who, err := powerless.Nobody("evaluate rules")
	if err != nil {
		return nil, err
	}
	dir, err := e.folder(who)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var ours, theirs [3]*os.File
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ours[:i]...)
			closeAll(theirs[:i]...)
			return nil, err
		}
		if ours[i], theirs[i] = r, w; i == 0 {
			ours[i], theirs[i] = w, r
		}
	}
	cmd := &exec.Cmd{
		// The program that runs now, also when its file was replaced since.
		Path: "/proc/self/exe", Args: []string{"evenkeel", Role}, Dir: "/", Env: environment(),
		Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2], ExtraFiles: []*os.File{dir},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: who},
	}
	c := &child{
		out: lines.NewWriter(ours[0]), in: ours[0], says: ours[1],
		gone: make(chan struct{}), done: make(chan struct{}), waiting: map[uint64]chan lines.Report{},
	}
	ctx, c.cancel = context.WithCancel(ctx)
	started := make(chan error)
	go c.live(ctx, cmd, theirs, ours[2], started)
	if err := <-started; err != nil {
		<-c.done
		closeAll(ours[:]...)
		return nil, err
	}
	return c, nil
}

// environment is what a child is told of ours: how it finds names and certificates,
// and what a test wants.
func environment() []string {
	env := []string{"GOMEMLIMIT=96MiB", "GOGC=40", "TZ=UTC"}
	for _, name := range []string{"GOCOVERDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if v := os.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// live starts the process and stays until nothing is left of it. The kernel kills a
// child when the thread that started it ends, and what that thread has forsworn it
// cannot take back: so it keeps its own, which ends with it.
func (c *child) live(ctx context.Context, cmd *exec.Cmd, theirs [3]*os.File, words *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer close(c.done)
	defer c.cancel()
	err := powerless.Forswear()
	if err == nil {
		err = cmd.Start()
	}
	closeAll(theirs[:]...)
	started <- err
	if err != nil {
		return
	}
	var heard sync.WaitGroup
	heard.Go(func() { c.words.from(words) })
	pid := cmd.Process.Pid
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(killed); _ = unix.Kill(-pid, unix.SIGKILL) })
	// While the dead process is unburied its id is no other's: that is when what it
	// left behind is killed.
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if !stop() {
		<-killed
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	c.ending = cmd.Wait()
	soon := time.Now().Add(250 * time.Millisecond)
	_ = words.SetReadDeadline(soon)
	_ = c.says.SetReadDeadline(soon)
	heard.Wait()
	words.Close()
}

// grace is how long a child may take to close its series.
const grace = 2 * time.Second

// end has the process end, and waits until nothing is left of it.
func (c *child) end() {
	c.in.Close() // its cue
	select {
	case <-c.done:
	case <-time.After(grace):
	}
	c.cancel()
	<-c.done
	c.says.Close()
	<-c.gone
}

// died says how a child ended that should not have.
func (c *child) died() error {
	c.mu.Lock()
	broke := c.broke
	c.mu.Unlock()
	c.cancel()
	<-c.done
	if broke != nil {
		return broke
	}
	if c.ending == nil {
		return errors.New("it ended by itself")
	}
	if last := c.words.last(); last != "" {
		return fmt.Errorf("%w: %s", c.ending, last)
	}
	return c.ending
}

// ended says why a child could not be told something: because it died, most likely.
func (c *child) ended(ctx context.Context, err error) error {
	select {
	case <-c.gone:
		return c.died()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(grace):
		return err
	}
}

// listen hears what a child says until it says no more, or what it must not.
func (c *child) listen(take func(state.Facts), collect func(*lines.Collect)) {
	defer close(c.gone)
	r := lines.NewReader(c.says, lines.MaxReport)
	for {
		var is lines.Report
		if err := r.Read(&is); err != nil {
			if errors.Is(err, lines.ErrLong) || !isEnd(err) {
				c.breakOff(fmt.Errorf("it was ended: %w", err))
			}
			break
		}
		switch {
		case is.Collect != nil:
			collect(is.Collect)
		case is.ID == 0:
			take(is.Facts)
		default:
			c.mu.Lock()
			wait := c.waiting[is.ID]
			delete(c.waiting, is.ID)
			c.mu.Unlock()
			if wait != nil {
				wait <- is
			}
		}
	}
}

func isEnd(err error) bool {
	return strings.Contains(err.Error(), "EOF") || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}

func (c *child) breakOff(why error) {
	c.mu.Lock()
	if c.broke == nil {
		c.broke = why
	}
	c.mu.Unlock()
	c.cancel()
}

// order gives an order, and waits for the answer. A child that gives none is ended.
func (c *child) order(ctx context.Context, o lines.Order) (lines.Report, error) {
	wait := make(chan lines.Report, 1)
	c.mu.Lock()
	c.last++
	o.ID = c.last
	c.waiting[o.ID] = wait
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, o.ID)
		c.mu.Unlock()
	}()
	if err := c.out.Write(o); err != nil {
		return lines.Report{}, fmt.Errorf("ask what evaluates rules: %w", err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case r := <-wait:
		return r, nil
	case <-c.gone:
		return lines.Report{}, errors.New("what evaluates rules has ended")
	case <-late.C:
		c.breakOff(fmt.Errorf("it was ended: it gave no answer for %s", patience))
		return lines.Report{}, errors.New("what evaluates rules does not answer")
	case <-ctx.Done():
		return lines.Report{}, ctx.Err()
	}
}

// folder makes and opens the child's folder. It is all that the child can reach in
// the folder of the record.
func (e *Evaluator) folder(who *syscall.Credential) (*os.File, error) {
	dir, err := filepath.Abs(e.opt.Dir)
	if err != nil {
		return nil, err
	}
	if err := others(dir, who); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := f.Chown(int(who.Uid), int(who.Gid)); err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// others removes what another user than the child's made: the child could not read it.
func others(dir string, who *syscall.Credential) error {
	var st unix.Stat_t
	if who == nil || unix.Lstat(dir, &st) != nil || st.Uid == who.Uid && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return nil
	}
	return os.RemoveAll(dir)
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
