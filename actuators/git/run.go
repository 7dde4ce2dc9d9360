package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// The bounds of each git that is run.
const (
	maxMemory = 512 << 20 // bytes of address space of each process
	maxFile   = 1 << 30   // bytes of a file that it writes
	maxOutput = 32 << 20  // bytes of its answer
	maxWords  = 16 << 10  // bytes of what it says besides; the end of it
	longest   = 45 * time.Second
	drain     = time.Second // for its last words, when something of it lives on
)

// bounded is what git is started by: a shell that sets limits and becomes git.
var bounded = fmt.Sprintf(`ulimit -c 0 && ulimit -v %d && ulimit -f %d && exec git "$@"`, maxMemory>>10, maxFile/512)

// failure is a git that did not end well.
type failure struct {
	status int    // of its exit; -1: a signal
	late   bool   // it was ended because it took too long
	words  string // what it said
}

func (f *failure) Error() string { return f.words }

// git runs git in the repository, and returns its answer. All that it started
// ends with it. It ends with ctx, and after longest. The error is a *failure,
// unless it was not started.
func (p *place) git(ctx context.Context, in string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out, words := &answer{most: maxOutput}, &tail{}
	cmd := exec.Command("/bin/sh", append([]string{"-c", bounded, "sh"}, args...)...)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = p.env, p.dir, strings.NewReader(in), out, words
	cmd.WaitDelay = drain
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if p.token != nil {
		cmd.ExtraFiles = []*os.File{p.token}
	}
	// Both what it may not gain and whose death is its own belong to the thread
	// that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "", actuators.Errorf(actuators.Failed, "give up new privileges: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return "", actuators.Errorf(actuators.Failed, "start git: %w", err)
	}
	g := group{id: cmd.Process.Pid}
	stop := context.AfterFunc(ctx, g.kill)
	g.await()
	stop()
	err := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return "", &failure{status: -1, late: true, words: string(words.text)}
	case out.over:
		return "", &failure{status: -1, words: "fatal: too much is there"}
	case errors.Is(err, exec.ErrWaitDelay), err == nil:
		return out.text.String(), nil
	}
	return out.text.String(), &failure{status: cmd.ProcessState.ExitCode(), words: string(words.text)}
}

// group is the processes of one git.
type group struct {
	mu     sync.Mutex
	id     int
	buried bool // its id may be another's
}

func (g *group) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.buried {
		_ = unix.Kill(-g.id, unix.SIGKILL)
	}
}

// await returns when git has ended, and kills what it left behind while its id is
// still its own.
func (g *group) await() {
	for errors.Is(unix.Waitid(unix.P_PID, g.id, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	g.kill()
	g.mu.Lock()
	g.buried = true
	g.mu.Unlock()
}

// answer is what git writes, up to so much.
type answer struct {
	text bytes.Buffer
	most int
	over bool
}

func (a *answer) Write(p []byte) (int, error) {
	if a.over = a.over || a.text.Len()+len(p) > a.most; a.over {
		return 0, io.ErrShortBuffer
	}
	return a.text.Write(p)
}

// tail is the end of what git says.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - maxWords; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}
