package ask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

const (
	nobody    = "nobody"
	maxOutput = 10 << 10               // bytes of a command's output that are kept
	maxWords  = 120                    // and that are told
	drain     = 100 * time.Millisecond // for its last words after it has ended
)

// environment is all that a command gets of ours.
var environment = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"}

// exec runs a command, without a shell, as the user whom policy names for it. It
// is well if it ends with 0. When it has ended, or its time has, everything that
// it started is killed, in whatever session it hides: it lives in a cgroup of its
// own where evenkeel has one to divide.
func (a *Asker) exec(ctx context.Context, p desired.Probing) Sample {
	argv := p.Probe.Exec.Command
	if len(argv) == 0 {
		return unknown("no command is given")
	}
	who, err := userOf(p.User)
	if err != nil {
		return unknown(err.Error())
	}
	group, err := a.cages.make()
	if err != nil {
		return unknown(err.Error())
	}
	defer a.cages.remove(group)
	r, w, err := os.Pipe()
	if err != nil {
		return unknown("run " + argv[0] + ": " + plain(err))
	}
	defer r.Close()
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Dir: "/", Env: environment, Stdout: w, Stderr: w, SysProcAttr: attributes(group, who)}
	ended, err := run(ctx, cmd, group, who, p.Probe.TimeoutSeconds, w, r)
	if err != nil {
		return unknown("run " + argv[0] + ": " + plain(err))
	}
	return outcome(ctx, p, ended)
}

// ending is how a command ended.
type ending struct {
	state  *os.ProcessState
	output []byte
}

func outcome(ctx context.Context, p desired.Probing, e ending) Sample {
	var s Sample
	ws, _ := e.state.Sys().(syscall.WaitStatus)
	switch {
	case ctx.Err() != nil:
		s = failed(state.ClassTimeout, p.Probe.Exec.Command[0]+" did not end within "+patience(p))
	case ws.Exited() && ws.ExitStatus() == 0:
		return Sample{}
	case ws.Exited():
		s = failed(state.ClassExit, "exit "+strconv.Itoa(ws.ExitStatus()))
	default:
		s = failed(state.ClassExit, "killed by "+unix.SignalName(ws.Signal()))
	}
	s.Words = firstLine(e.output)
	return s
}

// run starts a command and waits until nothing is left of it. The kernel kills a
// child when the thread that started it ends; so this goroutine keeps its thread
// until then.
func run(ctx context.Context, cmd *exec.Cmd, group *cage, who *syscall.Credential, seconds int, w, r *os.File) (e ending, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	tasks := tasksOf(who)
	err = cmd.Start()
	w.Close()
	if err != nil {
		return e, err
	}
	pid := cmd.Process.Pid
	tame(pid, tasks, seconds)
	kill := func() {
		_ = unix.Kill(-pid, unix.SIGKILL)
		group.kill()
	}
	cut := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(cut); kill() })
	read := make(chan struct{})
	go func() { defer close(read); e.output = head(r) }()

	// While the dead process is unburied its id is no other's: that is when what
	// it left behind is killed.
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if !stop() {
		<-cut
	}
	kill()
	_ = cmd.Wait()
	e.state = cmd.ProcessState
	_ = r.SetReadDeadline(time.Now().Add(drain))
	<-read
	return e, nil
}

// head reads everything and keeps the beginning.
func head(r io.Reader) []byte {
	var kept bytes.Buffer
	if _, err := io.CopyN(&kept, r, maxOutput); err == nil {
		_, _ = io.Copy(io.Discard, r)
	}
	return kept.Bytes()
}

// firstLine is what a human reads first of an output.
func firstLine(output []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(line, ""))
	return cut(strings.TrimSpace(line), maxWords)
}

// plain is an error without the path and the call in front of it.
func plain(err error) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		return no.Error()
	}
	return err.Error()
}

// userOf finds a user by name or number; nobody where none is named.
func userOf(name string) (*syscall.Credential, error) {
	if name == "" {
		name = nobody
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err = user.LookupId(name); err != nil {
			return nil, errors.New("there is no user " + name + " to run the command")
		}
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.New("the user " + name + " has no number")
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}, nil
}
