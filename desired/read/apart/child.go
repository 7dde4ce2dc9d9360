package apart

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/pakashop/evenkeel/desired/read"
)

// role is what this program gets as its argument when it is started to read.
const role = "evenkeel-read-apart"

// Child takes over the process if it was started by Load, and says so: then main
// has nothing more to do. It is called first thing in main, and in TestMain of
// whatever calls Load.
func Child() bool {
	if len(os.Args) != 2 || os.Args[1] != role {
		return false
	}
	err := confine()
	if err == nil {
		err = speak(os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
	return true
}

// What is frugal: how much memory the collector of garbage aims at, how long it
// leaves a small heap alone, and how many processors share the work, each with
// memory of its own.
const (
	frugalGrowth  = 200
	frugalMemory  = 32 << 20
	frugalThreads = 2
)

// speak reads the question, and answers it.
func speak(in io.Reader, out io.Writer) error {
	debug.SetGCPercent(frugalGrowth)
	debug.SetMemoryLimit(frugalMemory)
	runtime.GOMAXPROCS(min(frugalThreads, runtime.GOMAXPROCS(0)))
	in = bufio.NewReader(in)
	_, body, err := receive(in, map[byte]int{question: maxAsk})
	if err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	var a ask
	if err := unpack(body, &a, 2*maxAsk); err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	set, problems := read.Load([]string{"."}, read.Options{
		Environment: a.Environment, Host: a.Host, Policy: a.Policy, Revision: a.Revision, Everywhere: a.Everywhere, Origins: a.Origins, Over: a.Over,
		FS: &files{in: in, out: out, early: a.Early},
	})
	b, err := pack(told{Set: set, Problems: problemsOf(problems)})
	if err != nil {
		return err
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("what it read comes to more than %s", mebibytes(maxAnswer))
	}
	if err := send(out, answer, b); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	_, _ = io.Copy(io.Discard, in) // until it is no longer needed
	return nil
}
