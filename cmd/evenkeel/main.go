// Command evenkeel keeps hosts that run systemd services as they are declared.
//
// main only branches on the role that the process has, because one binary is
// the command line, the controller, each of its plugins, the reader of what a
// stranger wrote, what evaluates rules and the first process of a disposable host.
// Each verb has a file of its own name, which maps flags to the Options of the
// packages that do the work; nothing else is decided here.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/cmd/evenkeel/early"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/desired/git"
	"github.com/pakashop/evenkeel/desired/read/apart"
	"github.com/pakashop/evenkeel/state/observe/metrics/engine"
)

func main() {
	early.Over()
	git.Child(os.Args) // does not return in a process that is to be git
	if name, ok := host.Role(os.Args); ok {
		os.Exit(play(name))
	}
	if rehearse.Init() || apart.Child() || engine.Child() {
		return // the first process of a disposable host; a reader, and an evaluator, without rights
	}
	os.Exit(Main())
}

// Main runs the command line of os.Args and returns its exit code.
func Main() int {
	frugal()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, newApp(os.Stdin, os.Stdout, os.Stderr), os.Args[1:])
}

// frugal collects garbage as it pays: a short life is better spent on work, as
// long as there is little of it.
func frugal() {
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case "run":
	case "diff", "validate":
		debug.SetGCPercent(-1)
		debug.SetMemoryLimit(128 << 20)
	default:
		debug.SetGCPercent(400)
	}
}

func run(ctx context.Context, a *app, args []string) int {
	cmd := a.root()
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var e *exit
	if !errors.As(err, &e) {
		e = &exit{code: exitTrouble, err: err}
	}
	if e.err != nil {
		fmt.Fprintln(a.stderr, "evenkeel: "+e.err.Error())
	}
	return e.code
}
