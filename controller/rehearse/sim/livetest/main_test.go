// Package livetest shows that the simulated host is honest: scenarios are done
// on a real systemd and on the simulated one, and after each step the facts
// that the controller would see are compared.
package livetest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/files"
	"github.com/pakashop/evenkeel/state/observe/host"
	"github.com/pakashop/evenkeel/state/observe/journal"
	"github.com/pakashop/evenkeel/state/observe/units"
)

func TestMain(m *testing.M) { hosttest.MainWith(m, rehearse.Options{Name: "sim"}) }

// world is a host, real or simulated, for those who do things to it.
type world interface {
	Observe(ctx context.Context, refs []state.Ref) state.Facts
	Start(unit string) error
	Stop(unit string) error
	Restart(unit string) error
	Reload(unit string) error
	ResetFailed(unit string) error
	Enable(unit string) error
	Disable(unit string) error
	Mask(unit string) error
	Unmask(unit string) error
	Kill(unit, signal string) error
	DaemonReload()
	Write(path, content string) error
	Link(path, to string) error
	Remove(path string) error
	Backdate(path string, mtime time.Time) error
	Actuators() map[string]actuators.Actuator
	Advance(d time.Duration)
}

// real is this host.
type real struct {
	*observe.Observer
	conn *bus.Conn
	t    *testing.T
}

func newReal(t *testing.T) real {
	t.Helper()
	conn, err := bus.Dial(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	clock, err := host.NewClock()
	if err != nil {
		t.Fatal(err)
	}
	return real{t: t, conn: conn, Observer: observe.New(observe.Options{
		Units: units.New(conn, clock.Now, units.Options{}), Files: files.New(clock.Now, files.Options{}), Links: files.NewLinks("/"),
		Host: host.New(host.Options{}), Journal: journal.New(clock.Now().Boot, journal.Options{}), Now: clock.Now,
	})}
}

func systemctl(args ...string) error {
	out, err := exec.Command("systemctl", args...).CombinedOutput()
	if err != nil {
		return errors.New(strings.TrimSpace(string(out)))
	}
	return nil
}

func (r real) Start(u string) error       { return systemctl("start", "--no-block", u) }
func (r real) Stop(u string) error        { return systemctl("stop", "--no-block", u) }
func (r real) Restart(u string) error     { return systemctl("restart", "--no-block", u) }
func (r real) Reload(u string) error      { return systemctl("reload", "--no-block", u) }
func (r real) ResetFailed(u string) error { return systemctl("reset-failed", u) }
func (r real) Enable(u string) error      { return systemctl("enable", u) }
func (r real) Disable(u string) error     { return systemctl("disable", u) }
func (r real) Mask(u string) error        { return systemctl("mask", u) }
func (r real) Unmask(u string) error      { return systemctl("unmask", u) }
func (r real) Kill(u, sig string) error {
	return systemctl("kill", "--kill-who=main", "--signal="+sig, u)
}
func (r real) Remove(path string) error { return os.Remove(path) }
func (r real) Advance(d time.Duration)  { time.Sleep(d) }
func (r real) DaemonReload() {
	if err := systemctl("daemon-reload"); err != nil {
		r.t.Error(err)
	}
}

func (r real) Write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	time.Sleep(10 * time.Millisecond) // file systems date changes by a coarse clock
	if err := os.WriteFile(path+".tmp", []byte(content), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func (r real) Link(path, to string) error {
	_ = os.MkdirAll(filepath.Dir(path), 0o755)
	return os.Symlink(to, path)
}

func (r real) Backdate(path string, mtime time.Time) error { return os.Chtimes(path, mtime, mtime) }

func (r real) Actuators() map[string]actuators.Actuator {
	return map[string]actuators.Actuator{"systemd": systemd.New(r.conn, systemd.Options{})}
}

// step is one thing that is done to a world.
type step struct {
	name  string
	do    func(w world) string // what it answered, in words that do not depend on the world
	quick bool                 // what follows comes by itself and too soon to be compared before
}

func by(name string, do func(w world) error) step {
	return step{name: name, do: func(w world) string {
		if do(w) != nil {
			return "refused"
		}
		return "done"
	}}
}

func start(u string) step   { return by("start "+u, func(w world) error { return w.Start(u) }) }
func stop(u string) step    { return by("stop "+u, func(w world) error { return w.Stop(u) }) }
func restart(u string) step { return by("restart "+u, func(w world) error { return w.Restart(u) }) }
func reload(u string) step  { return by("reload "+u, func(w world) error { return w.Reload(u) }) }
func enable(u string) step  { return by("enable "+u, func(w world) error { return w.Enable(u) }) }
func disable(u string) step { return by("disable "+u, func(w world) error { return w.Disable(u) }) }
func mask(u string) step    { return by("mask "+u, func(w world) error { return w.Mask(u) }) }
func unmask(u string) step  { return by("unmask "+u, func(w world) error { return w.Unmask(u) }) }
func reset(u string) step {
	return by("reset-failed "+u, func(w world) error { return w.ResetFailed(u) })
}

func kill(u, sig string) step {
	return by("kill "+sig+" "+u, func(w world) error { return w.Kill(u, sig) })
}

func write(path, content string) step {
	return by("write "+path, func(w world) error { return w.Write(path, content) })
}

func remove(path string) step {
	return by("remove "+path, func(w world) error { return w.Remove(path) })
}

func link(path, to string) step {
	return by("link "+path, func(w world) error { return w.Link(path, to) })
}

func pass(d time.Duration) step {
	return by("pass "+d.String(), func(w world) error { w.Advance(d); return nil })
}

// quick is a step after which the next comes at once.
func quick(s step) step { s.quick = true; return s }

var daemonReload = by("daemon-reload", func(w world) error { w.DaemonReload(); return nil })

// apply lets the systemd actuator act, and says what it said.
func apply(verb, unit string) step {
	return step{name: "apply " + verb + " " + unit, do: func(w world) string {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		res, err := w.Actuators()["systemd"].Apply(ctx, actuators.Request{Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit}})
		if err != nil {
			return actuators.KindOf(err).String()
		}
		if res.Changed {
			return "changed"
		}
		return "already so"
	}}
}

// facts reads units, and leaves out what differs from host to host.
func facts(w world, names []string) map[string]state.Fact[state.Unit] {
	var refs []state.Ref
	for _, n := range names {
		refs = append(refs, state.Ref{Kind: state.RefUnit, Name: n})
	}
	out := map[string]state.Fact[state.Unit]{}
	for n, f := range w.Observe(context.Background(), refs).Units {
		f.At = state.Time{}
		u := &f.Value
		one := func(d *time.Duration) {
			if *d > 0 {
				*d = 1
			}
		}
		limited := u.StartLimited()
		one(&u.Changed)
		one(&u.Entered)
		one(&u.Exited)
		one(&u.Rested)
		if limited {
			u.Changed = 2 // after it came to rest
		}
		for _, t := range []*time.Time{&u.ChangedAt, &u.ConditionAt} {
			if !t.IsZero() {
				*t = time.Unix(1, 0)
			}
		}
		if strings.HasPrefix(u.Fragment, "/lib/") { // one folder by two names
			u.Fragment = "/usr" + u.Fragment
		}
		u.MainPID, u.Job.ID = min(u.MainPID, 1), min(u.Job.ID, 1)
		if u.Invocation != "" {
			u.Invocation = "some"
		}
		if u.Exe != "" {
			u.Exe = "some"
		}
		out[n] = f
	}
	return out
}

// patience is how long the real host may take to get where the simulated one is.
const patience = 3 * time.Second

// conform does a scenario in both worlds. The simulated one says what must come;
// the real one may take its time to get there, and must stay there.
func conform(t *testing.T, names []string, steps []step) {
	t.Helper()
	s, r := sim.New(sim.Options{}), newReal(t)
	for i, st := range steps {
		want, got := st.do(s), st.do(r)
		if want != got {
			t.Errorf("step %d, %s: really %q, simulated %q", i, st.name, got, want)
		}
		if st.quick {
			continue
		}
		model := facts(s, names)
		diff := ""
		for began, still := time.Now(), 0; time.Since(began) < patience && still < 4; {
			if diff = cmp.Diff(facts(r, names), model); diff != "" {
				still = 0
			} else {
				still++
			}
			time.Sleep(5 * time.Millisecond)
		}
		if diff != "" {
			t.Fatalf("step %d, %s: -real +simulated\n%s", i, st.name, diff)
		}
	}
}
