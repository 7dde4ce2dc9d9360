package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	hosttest.MainWith(m, o, standIn)
}

// standIn builds what plays Meilisearch: no package has the real one.
func standIn(share string) error {
	build := exec.Command("go", "build", "-o", filepath.Join(share, "meilisearch"), "../../../../examples/pakashop/meilisearch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the stand-in for Meilisearch: %w\n%s", err, out)
	}
	return nil
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
