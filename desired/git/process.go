package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxWords  = 16 << 10               // bytes of what git complains that are kept, the last ones
	maxAnswer = 1 << 20                // bytes of an answer that is read whole
	drain     = 250 * time.Millisecond // for the last words after the end
)

// command is one call of git.
type command struct {
	argv   []string // of the program that becomes git
	env    []string
	dir    string
	who    *syscall.Credential // nil: this process' own user
	limits bounds
}

// process is a git that runs, and what it started. Its owner reads out to the end
// or stops it, and waits for it in any case.
type process struct {
	in, out *os.File // our ends
	words   tail     // of its standard error; read after done

	done   chan struct{} // closed when nothing is left of it
	ending error         // how it ended; read after done
	cancel context.CancelFunc
}

// start launches git. It ends, with all that belongs to its group, when ctx does.
func (c command) start(ctx context.Context) (*process, error) {
	var theirs, ours [3]*os.File
	closeAll := func(files [3]*os.File) {
		for _, f := range files {
			if f != nil {
				f.Close()
			}
		}
	}
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(theirs)
			closeAll(ours)
			return nil, fmt.Errorf("start git: %w", err)
		}
		if theirs[i], ours[i] = w, r; i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	// The program that runs now, also when its file was replaced since.
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{os.Args[0], childArgument, c.limits.String()}, c.argv...),
		Env: append(slices.Clip(c.env), childEnvironment...), Dir: c.dir, Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2],
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: c.who},
	}
	p := &process{in: ours[0], out: ours[1], done: make(chan struct{})}
	ctx, p.cancel = context.WithCancel(ctx)
	started := make(chan error)
	go p.live(ctx, cmd, theirs, ours[2], started)
	if err := <-started; err != nil {
		<-p.done
		closeAll(ours)
		return nil, fmt.Errorf("start git: %w", err)
	}
	return p, nil
}

// live starts the process and stays until nothing is left of it. The kernel kills
// a child when the thread that started it ends, so this keeps its own.
func (p *process) live(ctx context.Context, cmd *exec.Cmd, theirs [3]*os.File, words *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	defer p.cancel()
	err := cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	started <- err
	if err != nil {
		return
	}
	var heard sync.WaitGroup
	heard.Go(func() { _, _ = io.Copy(&p.words, words) })
	pid := cmd.Process.Pid
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(killed); _ = unix.Kill(-pid, unix.SIGKILL) })

	// While the dead process is unburied its id is no other's: that is when what
	// it left behind is killed.
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if !stop() {
		<-killed
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	p.ending = cmd.Wait()
	// One that got away from the group must not make us wait for ever.
	soon := time.Now().Add(drain)
	_ = words.SetReadDeadline(soon)
	_ = p.out.SetReadDeadline(soon)
	heard.Wait()
	words.Close()
}

// stop ends the process if it has not ended, and waits until nothing is left of it.
func (p *process) stop() {
	p.cancel()
	p.in.Close()
	<-p.done
	p.out.Close()
}

// wait waits for the end of a process that was given all that it wants to know.
func (p *process) wait() error {
	<-p.done
	p.in.Close()
	p.out.Close()
	if p.ending != nil {
		return &failure{ending: p.ending, words: p.words.String()}
	}
	return nil
}

// run calls git and returns what it answers. The error is a *failure if git began.
func (c command) run(ctx context.Context) (string, error) {
	p, err := c.start(ctx)
	if err != nil {
		return "", err
	}
	p.in.Close()
	answer, err := io.ReadAll(io.LimitReader(p.out, maxAnswer))
	if len(answer) == maxAnswer {
		err = errors.New("git answers more than it should")
		p.cancel()
	}
	if err := p.wait(); err != nil {
		return "", err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // git has ended; somebody else holds the line
	}
	return string(answer), err
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if over := len(t.kept) - maxWords; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string { return string(t.kept) }
