package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"
	"golang.org/x/sys/unix"
)

// drain is how long, after a plugin has ended, its last words are waited for.
// A grandchild that holds its standard error must not make us wait for ever.
const drain = 250 * time.Millisecond

// process is one plugin process, from its start to its burial: what go-plugin
// calls a runner. All but start and watch may be called at any time.
type process struct {
	name   string
	cmd    *exec.Cmd
	thread *thread
	group  *cgroup
	dir    string // of its socket; set before start

	stdout, stderr *os.File // our ends
	out, err       *bounded

	mu      sync.Mutex
	started bool
	killed  bool // asked for, perhaps before the start
	buried  bool // its id may belong to another process

	exited chan struct{} // closed when it has ended and its id is free
	ending error         // how it ended; read after exited
}

var _ runner.Runner = (*process)(nil)

var errKilled = errors.New("stopped before it was started")

func newProcess(name string, cmd *exec.Cmd, t *thread, g *cgroup) *process {
	return &process{name: name, cmd: cmd, thread: t, group: g, exited: make(chan struct{})}
}

// Start launches the program from the host's own thread.
func (p *process) Start(context.Context) error {
	stdout, w1, err := os.Pipe()
	if err != nil {
		return err
	}
	stderr, w2, err := os.Pipe()
	if err != nil {
		stdout.Close()
		w1.Close()
		return err
	}
	p.cmd.Stdout, p.cmd.Stderr = w1, w2
	p.mu.Lock()
	defer p.mu.Unlock()
	err = errKilled
	if !p.killed {
		p.thread.do(func() { err = p.cmd.Start() })
	}
	w1.Close()
	w2.Close()
	if err != nil {
		stdout.Close()
		stderr.Close()
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.stdout, p.stderr = stdout, stderr
	p.out, p.err = newBounded(stdout), newBounded(stderr)
	p.started = true
	go p.watch()
	return nil
}

// watch waits for the end. While the dead process is still unburied its id
// cannot be given to another, so that is when its descendants are killed.
func (p *process) watch() {
	pid := p.cmd.Process.Pid
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	_ = unix.Kill(-pid, unix.SIGKILL)
	p.group.kill()
	p.buried = true
	p.mu.Unlock()
	p.ending = p.cmd.Wait()
	soon := time.Now().Add(drain)
	_ = p.stdout.SetReadDeadline(soon)
	_ = p.stderr.SetReadDeadline(soon)
	close(p.exited)
}

// kill ends the process and what it started, at once. It may be called before
// the start, which then does not happen, and after the end.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.started && !p.buried {
		_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
		_ = p.cmd.Process.Kill()
		p.group.kill()
	}
}

// pid is zero for a process that is not there.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started || p.buried {
		return 0
	}
	return p.cmd.Process.Pid
}

// cleanup frees what the process used. Nothing may use it any more.
func (p *process) cleanup() {
	if p.stdout != nil {
		p.stdout.Close()
		p.stderr.Close()
	}
	p.group.remove()
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// Wait, Kill, Diagnose, ID, Name, Stdout and Stderr are for go-plugin.
func (p *process) Wait(context.Context) error {
	<-p.exited
	return p.ending
}

// Kill is kill.
func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

// Diagnose has nothing to add.
func (p *process) Diagnose(context.Context) string { return "" }

// ID is the process id, empty before the start.
func (p *process) ID() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return ""
	}
	return strconv.Itoa(p.cmd.Process.Pid)
}

// Name is the plugin's.
func (p *process) Name() string { return p.name }

// Stdout is bounded.
func (p *process) Stdout() io.ReadCloser { return p.out }

// Stderr is bounded.
func (p *process) Stderr() io.ReadCloser { return p.err }

// PluginToHost refuses to connect to anything but a socket in the folder that
// the plugin was given: where a plugin sends us is a stranger's word.
func (p *process) PluginToHost(network, addr string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(addr)) != filepath.Clean(p.dir) {
		return "", "", fmt.Errorf("it wants to be called at %s %q, and not in its own folder", short(network, 16), short(addr, 120))
	}
	return network, addr, nil
}

// HostToPlugin changes nothing: both see the same files.
func (p *process) HostToPlugin(network, addr string) (string, string, error) {
	return network, addr, nil
}

// attributes of a plugin process: a group of its own, killed with the thread
// that started it, in its cgroup.
func attributes(g *cgroup, c *syscall.Credential) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: c}
	if g != nil {
		a.UseCgroupFD = true
		a.CgroupFD = int(g.file.Fd())
	}
	return a
}
