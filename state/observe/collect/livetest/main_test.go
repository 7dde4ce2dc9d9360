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

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	o := rehearse.Options{Name: "metered", Tasks: 4000}
	if !hosttest.Inside() {
		layer, err := rehearse.Layer("exporters")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.Layers = []string{layer}
	}
	hosttest.MainWith(m, o)
}

// sh runs a script that must succeed and returns what it printed.
func sh(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/bin/sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}
