package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/state"
)

// readHost reads every unit that is loaded, lies on disk or was named.
func readHost(ctx context.Context, p *parts, named []string) (*adopt.Host, error) {
	names, err := unitNames(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, n := range named {
		names = append(names, adopt.UnitName(n))
	}
	h := &adopt.Host{Texts: map[string][]byte{}}
	seen := make(map[state.Ref]bool)
	for {
		var refs []state.Ref
		for _, r := range adopt.Refs(names, &h.World) {
			if !seen[r] {
				seen[r] = true
				refs = append(refs, r)
			}
		}
		if len(refs) == 0 {
			break
		}
		h.World, _ = h.World.Merge(p.observer.Observe(ctx, refs))
	}
	for _, path := range adopt.Texts(&h.World) {
		if b, err := readText(path); err == nil {
			h.Texts[path] = b
		}
	}
	return h, ctx.Err()
}

// unitNames lists what is loaded and what lies on disk.
func unitNames(ctx context.Context, p *parts) ([]string, error) {
	names, err := p.links.Names()
	if err != nil {
		return nil, err
	}
	loaded, err := p.conn.ListUnits(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the units of systemd: %w", err)
	}
	for _, u := range loaded {
		names = append(names, u.Name)
	}
	return names, nil
}

// maxText bounds what is read of a unit file.
const maxText = 1 << 20

func readText(path string) ([]byte, error) {
	if i, err := os.Stat(path); err != nil || !i.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxText+1))
	if err == nil && len(b) > maxText {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxText)
	}
	return b, err
}

// judge reads what only findings need. What cannot be had is not judged.
func judge(ctx context.Context, h *adopt.Host, units []string) {
	h.Exposure = exposure(ctx)
	h.Open = make(map[string]bool)
	for _, p := range adopt.Programs(h, units) {
		h.Open[p] = replaceable(p)
	}
}

// replaceable tells whether every user may write to a program, or to a folder
// on the way to it.
func replaceable(p string) bool {
	if real, err := filepath.EvalSymlinks(p); err == nil {
		p = real
	}
	for ; p != "/"; p = filepath.Dir(p) {
		i, err := os.Lstat(p)
		if err == nil && i.Mode().Perm()&0o002 != 0 && i.Mode()&(os.ModeSticky|os.ModeSymlink) == 0 {
			return true
		}
	}
	return false
}

// exposure asks systemd-analyze for the scores of all services.
func exposure(ctx context.Context) map[string]float64 {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if b, err := analyze(ctx, "--json=short"); err == nil {
		if scores := scoresJSON(b); len(scores) > 0 {
			return scores
		}
	}
	b, _ := analyze(ctx) // a version without JSON
	return scoresText(string(b))
}

func analyze(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "systemd-analyze", append([]string{"security", "--no-pager"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "SYSTEMD_COLORS=0"}
	return cmd.Output()
}

func scoresJSON(b []byte) map[string]float64 {
	var rows []struct{ Unit, Exposure string }
	if json.Unmarshal(b, &rows) != nil {
		return nil
	}
	scores := make(map[string]float64, len(rows))
	for _, r := range rows {
		if e, err := strconv.ParseFloat(r.Exposure, 64); err == nil {
			scores[r.Unit] = e
		}
	}
	return scores
}

func scoresText(s string) map[string]float64 {
	scores := make(map[string]float64)
	for line := range strings.Lines(s) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if e, err := strconv.ParseFloat(f[1], 64); err == nil {
			scores[f[0]] = e
		}
	}
	return scores
}
