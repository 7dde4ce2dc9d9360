package rehearse

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupParent is the one folder below which all hosts are, in each hierarchy.
const cgroupParent = "evenkeel-rehearse"

// enterName is where commands from outside live within a host's cgroup: beside
// systemd's own slices, so that they too are bounded by and die with the host.
const enterName = "outside.scope"

// hierarchy is one mounted cgroup hierarchy.
type hierarchy struct {
	root        string
	controllers []string // of version 1; empty for cgroup2
}

// hierarchies reads where cgroup2 and the version 1 controllers are mounted.
func hierarchies() (unified string, v1 []hierarchy, err error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	for s.Scan() {
		w := strings.Fields(s.Text())
		switch {
		case len(w) < 4:
		case w[2] == "cgroup2" && unified == "":
			unified = w[1]
		case w[2] == "cgroup":
			v1 = append(v1, hierarchy{root: w[1], controllers: strings.Split(w[3], ",")})
		}
	}
	return unified, v1, s.Err()
}

func unifiedRoot() (string, error) {
	root, _, err := hierarchies()
	switch {
	case err != nil:
		return "", err
	case root == "":
		return "", fmt.Errorf("%w: no cgroup2 hierarchy is mounted", ErrUnavailable)
	case unix.Access(root, unix.W_OK) != nil:
		return "", fmt.Errorf("%w: %s is read-only; a container needs --privileged", ErrUnavailable, root)
	}
	return root, nil
}

// planResources names what a host will have outside, without making any of it.
func planResources(id string, o Options) (r resources, l Limits, err error) {
	unified, v1, err := hierarchies()
	if err != nil {
		return r, l, err
	}
	r.Cgroups = []string{filepath.Join(unified, cgroupParent, id)}
	l.Memory, l.Tasks = o.Memory, o.Tasks
	for _, h := range v1 {
		wanted := o.Memory > 0 && slices.Contains(h.controllers, "memory") || o.Tasks > 0 && slices.Contains(h.controllers, "pids")
		if wanted {
			r.Cgroups = append(r.Cgroups, filepath.Join(h.root, cgroupParent, id))
		}
	}
	if o.Address != "" {
		r.plan(id, o)
	}
	return r, l, nil
}

// make makes the cgroups and sets the limits. A limit that cannot be had is
// taken out of l and named there: a host without it is still of use.
func (r resources) make(l *Limits) error {
	for _, dir := range r.Cgroups {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
	if err := os.Mkdir(filepath.Join(r.Cgroups[0], enterName), 0o755); err != nil {
		return err
	}
	if l.Memory > 0 {
		if err := r.limit("memory", l.Memory, "memory.max", "memory.limit_in_bytes"); err != nil {
			l.Memory, l.Missing = 0, append(l.Missing, "memory: "+err.Error())
		}
	}
	if l.Tasks > 0 {
		if err := r.limit("pids", l.Tasks, "pids.max", "pids.max"); err != nil {
			l.Tasks, l.Missing = 0, append(l.Missing, "tasks: "+err.Error())
		}
	}
	return nil
}

// limit writes a limit in whichever hierarchy carries the controller.
func (r resources) limit(controller string, value int64, file2, file1 string) error {
	text := []byte(strconv.FormatInt(value, 10))
	for _, dir := range r.Cgroups[1:] {
		if exists(filepath.Join(dir, file1)) {
			return os.WriteFile(filepath.Join(dir, file1), text, 0o644)
		}
	}
	dir := r.Cgroups[0]
	for _, parent := range []string{filepath.Dir(filepath.Dir(dir)), filepath.Dir(dir)} {
		if err := os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+"+controller), 0o644); err != nil {
			return fmt.Errorf("no hierarchy here hands the controller on: %w", err)
		}
	}
	return os.WriteFile(filepath.Join(dir, file2), text, 0o644)
}

// enter lists the cgroup.procs files that a command from outside writes itself to.
func (r resources) enter() []string {
	var files []string
	for i, dir := range r.Cgroups {
		if i == 0 {
			dir = filepath.Join(dir, enterName)
		}
		files = append(files, filepath.Join(dir, "cgroup.procs"))
	}
	return files
}

// killAll kills everything in the host's cgroup, however it was started.
func (r resources) killAll() error {
	kill := filepath.Join(r.Cgroups[0], "cgroup.kill")
	err := os.WriteFile(kill, []byte("1"), 0o644)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// removeCgroup removes a cgroup with all below it, waiting a little for the
// kernel to be done with processes that were killed a moment ago.
func removeCgroup(dir string) error {
	var err error
	for range 300 {
		if err = removeTree(dir); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func removeTree(dir string) error {
	below, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range below {
		if b.IsDir() {
			if err := removeTree(filepath.Join(dir, b.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
