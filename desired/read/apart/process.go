package apart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/desired/powerless"
)

// child is one process that reads, from its start to its burial.
type child struct {
	cmd    *exec.Cmd
	in     *os.File // what it reads
	out    *os.File // what it writes
	says   *os.File // its last words
	words  []byte   // and what they were, once heard
	heard  chan struct{}
	spared func() bool // the time limit no longer holds; false: it has struck
	struck chan struct{}
}

// start starts one from a thread that keeps to itself, and ends with it. From
// then on the child's time runs.
func (r reader) start(ctx context.Context) (*child, error) {
	who, err := powerless.Nobody("read it")
	if err != nil {
		return nil, err
	}
	if err := powerless.Forswear(); err != nil {
		return nil, err
	}
	var ours, theirs [3]*os.File
	for i := range ours {
		read, write, err := os.Pipe()
		if err != nil {
			closeAll(ours[:i]...)
			closeAll(theirs[:i]...)
			return nil, err
		}
		ours[i], theirs[i] = read, write
	}
	ours[0], theirs[0] = theirs[0], ours[0] // of the first it is the child that reads
	c := &child{in: ours[0], out: ours[1], says: ours[2], heard: make(chan struct{}), struck: make(chan struct{})}
	c.cmd = &exec.Cmd{
		Path: r.path, Args: r.args, Dir: "/", Env: []string{}, Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2],
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: who},
	}
	err = c.cmd.Start()
	closeAll(theirs[:]...)
	if err != nil {
		closeAll(ours[:]...)
		return nil, err
	}
	pid := c.cmd.Process.Pid
	c.spared = context.AfterFunc(ctx, func() { defer close(c.struck); _ = unix.Kill(-pid, unix.SIGKILL) })
	go func() { defer close(c.heard); c.words = head(c.says) }()
	return c, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// drain is how long the last words of a dead child are waited for.
const drain = 100 * time.Millisecond

// end waits until nothing is left of the child, and says how it died where that
// is why it gave no answer: one that hung up by itself. One that answered, or did
// what it must not, is killed.
func (c *child) end(why error) error {
	pid := c.cmd.Process.Pid
	hungUp := errors.Is(why, io.EOF) || errors.Is(why, io.ErrUnexpectedEOF) || errors.Is(why, unix.EPIPE)
	if !hungUp {
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
	// While the dead process is unburied its id is no other's: until then its
	// group may be killed.
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	if !c.spared() {
		<-c.struck
	}
	_ = unix.Kill(-pid, unix.SIGKILL)
	_ = c.cmd.Wait()
	_ = c.says.SetReadDeadline(time.Now().Add(drain))
	<-c.heard
	closeAll(c.in, c.out, c.says)
	if !hungUp {
		return nil
	}
	return death(c.cmd.ProcessState, c.words)
}

// death says how a child ended that should have answered.
func death(s *os.ProcessState, words []byte) error {
	ws, _ := s.Sys().(syscall.WaitStatus)
	last := lastWords(words)
	switch {
	case strings.Contains(last, "memory"):
		return fmt.Errorf("its reader needed more than %s of memory, and died of it", mebibytes(int(limits.Memory)))
	case ws.Signaled():
		return fmt.Errorf("its reader was killed (%s) after %s of processor time, of which it may take %s: by the kernel, for that or for want of memory, or by somebody",
			unix.SignalName(ws.Signal()), (s.UserTime() + s.SystemTime()).Round(100*time.Millisecond), time.Duration(limits.Processor)*time.Second)
	case last != "":
		return fmt.Errorf("its reader ended with %d: %s", ws.ExitStatus(), last)
	}
	return fmt.Errorf("its reader ended with %d and no answer", ws.ExitStatus())
}

// maxWords bounds what is kept of what a child says, and what is told of it.
const (
	maxWords = 16 << 10
	maxTold  = 200
)

// head reads everything and keeps the beginning, where Go says why it dies.
func head(r io.Reader) []byte {
	var kept bytes.Buffer
	if _, err := io.CopyN(&kept, r, maxWords); err == nil {
		_, _ = io.Copy(io.Discard, r)
	}
	return kept.Bytes()
}

// lastWords is the line that tells most, fit for a log.
func lastWords(words []byte) string {
	first := ""
	for line := range strings.Lines(strings.ToValidUTF8(string(words), "")) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return ' '
			}
			return r
		}, line))
		if fatal := strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "panic: "); first == "" || fatal {
			first = line
			if fatal {
				break
			}
		}
	}
	if len(first) > maxTold {
		first = strings.ToValidUTF8(first[:maxTold], "") + "…"
	}
	return first
}
