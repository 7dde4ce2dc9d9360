package main

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/desired/git"
)

func TestMain(m *testing.M) {
	git.Child(os.Args)
	if name, ok := host.Role(os.Args); ok {
		os.Exit(play(name))
	}
	testscript.Main(m, map[string]func(){
		"evenkeel": func() {
			os.Exit(run(context.Background(), newApp(os.Stdin, os.Stdout, os.Stderr), os.Args[1:]))
		},
	})
}

// TestScripts are the command line as a user sees it, where no host is needed.
// What needs one is in cmd/evenkeel/live. A command that must end with another
// code than 0 or 1 is called through exit.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":     exitCode,
			"serve":    serve,
			"fill":     fill,
			"remember": remember,
		},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			e.Setenv("EVENKEEL_POLICY", "/nonexistent/policy.yaml")
			return nil
		},
	})
}

// exitCode runs a command and wants a certain exit code: exit 4 evenkeel …
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = err.Error()
		if n, ok := strings.CutPrefix(code, "exit status "); ok {
			code = n
		}
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}
