package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// asEvenkeel is the argument with which this binary plays evenkeel's part.
const asEvenkeel = "as-evenkeel"

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	if len(os.Args) == 2 && os.Args[1] == asEvenkeel {
		if err := caged(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	o := rehearse.Options{Name: "probed", Tasks: 8000}
	if !hosttest.Inside() {
		layer, err := rehearse.PackageLayer()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.Layers = []string{layer}
	}
	hosttest.MainWith(m, o)
}

// run runs a command that must succeed and returns what it printed.
func run(t *testing.T, argv ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func sh(t *testing.T, script string) string {
	t.Helper()
	return run(t, "/bin/sh", "-c", script)
}
