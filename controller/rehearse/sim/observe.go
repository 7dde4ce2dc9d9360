package sim

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pakashop/evenkeel/state"
)

// KeepLoaded does nothing: whatever is asked of this host is cheap.
func (h *Host) KeepLoaded(context.Context, []state.Ref) (let func()) { return func() {} }

// Observe reads the named facts, all at this instant. What is probed is asked once
// more.
func (h *Host) Observe(ctx context.Context, refs []state.Ref) state.Facts {
	out := h.look(refs)
	h.prober.Units(out.Units)
	var names []string
	for _, r := range refs {
		if r.Kind == state.RefProbe && r.Name != "" {
			names = append(names, r.Name)
		}
	}
	if len(names) > 0 {
		out.Probes = h.prober.Observe(ctx, names)
	}
	return out
}

// look reads all facts but those of probes.
func (h *Host) look(refs []state.Ref) state.Facts {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follow()
	out := state.Facts{Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{}, Dirs: map[string]state.Fact[state.Dir]{}}
	at := h.clock.now()
	for _, r := range refs {
		why := h.blind[r]
		switch r.Kind {
		case state.RefHost:
			out.Host = &state.Fact[state.Host]{At: at, Err: why}
			if why == "" {
				out.Host.Value = h.host()
			}
		case state.RefUnit:
			out.Units[r.Name] = reading(at, why, func() state.Unit { return h.unit(r.Name) })
		case state.RefFile:
			out.Files[r.Name] = reading(at, why, func() state.File { return h.fs.at(r.Name).fact() })
		case state.RefDir:
			out.Dirs[r.Name] = reading(at, why, func() state.Dir { return h.dir(r.Name) })
		case state.RefAlerts:
			out.Add(state.Facts{Alerts: map[string]state.Fact[state.Alerts]{r.Name: h.alerts(r.Name, at)}})
		case state.RefQuery:
			out.Add(state.Facts{Queries: map[string]state.Fact[state.QueryResult]{r.Name: h.query(r.Name, at)}})
		}
	}
	return out
}

func reading[T any](at state.Time, why string, read func() T) state.Fact[T] {
	f := state.Fact[T]{At: at, Err: why}
	if why == "" {
		f.Value = read()
	}
	return f
}

func (h *Host) host() state.Host {
	system := h.system
	if system == "" {
		system = "running"
		for _, u := range h.units {
			if u.active == "failed" {
				system = "degraded"
			}
		}
	}
	return state.Host{
		Name: h.o.Name, System: system, Systemd: h.o.Systemd, UnitsLoaded: h.loaded, Jobs: h.queued,
		Packages: h.locked, Stopped: h.fs.at(killSwitch) != nil,
	}
}

const killSwitch = "/run/evenkeel/stop"

func (h *Host) dir(p string) state.Dir {
	n := h.fs.at(p)
	if n == nil || n.kind != state.Folder {
		return state.Dir{}
	}
	return state.Dir{Exists: true, Names: slices.Sorted(maps.Keys(n.children)), Changed: n.ctime}
}

// unit is a unit as the real observers put it together.
func (h *Host) unit(name string) state.Unit {
	u := h.loadedUnit(name)
	out := state.Unit{ID: u.id, Load: u.load, Active: u.active, Sub: u.sub, Boot: h.word(name)}
	if u.job != nil {
		out.Job = state.Job{ID: u.job.id, Type: u.job.kind}
	}
	if u.active == "inactive" && u.job == nil && (u.load == "not-found" || u.load == "masked") {
		return out
	}
	out.Names, out.Fragment, out.DropIns, out.TriggeredBy = h.aliases(u.id), u.fragment, u.dropIns, h.triggers(u.id)
	out.Condition, out.ConditionAt = u.condition, u.conditionAt
	out.Invocation, out.Changed, out.ChangedAt, out.Entered, out.Exited = u.invocation, u.changed, u.changedAt, u.entered, u.exited
	if u.active == "failed" {
		out.Rested = u.rested
	}
	if h.units[u.id] == u {
		out.NeedReload = u.files.changed(h.find(u.id), h.listed)
	}
	if isService(u.id) {
		h.service(u, &out)
	}
	if unexplained(out, h.ends[u.id].cause) {
		out.Stop, out.StoppedFor = h.ends[u.id].cause, h.ends[u.id].rival
		if out.Stop == state.StopUnread && out.Entered > 0 && out.Active == "inactive" {
			out.Stop = state.StopNoSign
		}
	}
	if u.job != nil && u.job.rival != "" {
		out.Stop, out.StoppedFor = u.job.end().cause, u.job.rival
	}
	return out
}

// unexplained tells a unit of which the journal is asked why it is down: see
// state/observe. A stop takes a while, which here may be no time at all.
func unexplained(u state.Unit, c state.StopCause) bool {
	if u.Load != "loaded" || u.Job.ID != 0 {
		return false
	}
	return u.Active == "inactive" && (u.Result == "" || u.Result == "success") || u.Active == "failed" && (u.Rested != u.Exited || c.Asked())
}

func (h *Host) service(u *unit, out *state.Unit) {
	c := u.config
	out.Type, out.Remain, out.Restart, out.CanReload = c.typ, c.remain, c.restart, len(c.again) > 0
	out.Result, out.Restarts = u.result, u.restarts
	if u.process.pid == 0 {
		return
	}
	out.MainPID = u.process.pid
	out.Exe = "sim:" + u.process.exe
	if u.process.node != nil {
		out.Exe = fmt.Sprintf("sim:%s:%d", u.process.exe, u.process.node.ctime.UnixNano())
		out.ExeStale = h.fs.file(u.process.exe) != u.process.node
	}
}

// triggers lists what is loaded and starts a unit.
func (h *Host) triggers(id string) []string {
	var out []string
	for _, u := range h.units {
		if u.triggered() == id && u.load == "loaded" {
			out = append(out, u.id)
		}
	}
	slices.Sort(out)
	return out
}

// watcher is one Watch.
type watcher struct {
	mu    sync.Mutex
	dirty map[state.Ref]bool
	wake  chan struct{}
}

// Watch reports what may have changed, and what probes and rules come to, until ctx
// ends.
func (h *Host) Watch(ctx context.Context, refs func() []state.Ref, dirty func([]state.Ref), seen func(state.Facts)) error {
	var asking sync.WaitGroup
	asking.Go(func() {
		h.prober.Watch(ctx, func(f map[string]state.Fact[state.Probe]) { seen(state.Facts{Probes: f}) })
	})
	asking.Go(func() { h.bring(ctx.Done(), seen) })
	defer asking.Wait()
	w := &watcher{dirty: map[state.Ref]bool{}, wake: make(chan struct{}, 1)}
	h.mu.Lock()
	h.watchers[w] = struct{}{}
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wake:
		}
		w.mu.Lock()
		changed := w.dirty
		w.dirty = map[state.Ref]bool{}
		w.mu.Unlock()
		if list := h.interesting(changed, refs()); len(list) > 0 {
			dirty(list)
		}
	}
}

// interesting picks those of the refs that changed, by any name of a unit.
func (h *Host) interesting(changed map[state.Ref]bool, refs []state.Ref) []state.Ref {
	h.mu.Lock()
	defer h.mu.Unlock()
	units := changed[state.Ref{Kind: state.RefUnit}] // something in a unit folder
	var out []state.Ref
	for _, r := range refs {
		is := changed[r]
		if r.Kind == state.RefUnit {
			is = is || units || changed[state.Ref{Kind: state.RefUnit, Name: h.loadedUnit(r.Name).id}]
		}
		if is {
			out = append(out, r)
		}
	}
	return out
}

// touch tells every watcher of a change.
func (h *Host) touch(refs ...state.Ref) {
	if h.deaf {
		return
	}
	for w := range h.watchers {
		w.mu.Lock()
		for _, r := range refs {
			w.dirty[r] = true
		}
		w.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// wrote tells of a change at a path.
func (h *Host) wrote(p string) {
	refs := []state.Ref{{Kind: state.RefFile, Name: p}, {Kind: state.RefDir, Name: path.Dir(p)}, {Kind: state.RefDir, Name: p}, {Kind: state.RefFile, Name: path.Dir(p)}}
	for _, dir := range searchPath {
		if strings.HasPrefix(p, dir+"/") {
			refs = append(refs, state.Ref{Kind: state.RefUnit})
		}
	}
	if p == killSwitch {
		refs = append(refs, state.Ref{Kind: state.RefHost})
	}
	h.touch(refs...)
}
