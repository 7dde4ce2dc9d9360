package plan

import (
	"cmp"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// process compares what the running process was started with to what is
// declared, and notes it for each new invocation.
func (d *draft) process(sv *service, unit string, u state.Unit) {
	if !u.Up() || u.Invocation == "" || sv.frozen || sv.unsure {
		return
	}
	ran, known := d.past.Ran[unit]
	known = known && d.past.Seen[unit] == d.now.Boot
	if !known || ran.Invocation != u.Invocation {
		next, ok := d.startedWith(sv, unit, u, ran, known)
		if !ok {
			return
		}
		d.note(state.Note{Kind: state.NoteRan, Object: sv.Object(), Name: unit, Ran: &next})
		ran = next
	} else if sv.Link != nil && ran.Release == "" {
		ran = d.sinceReleased(sv, unit, u, ran)
	}
	if !d.past.Known || sv.Spec.State != desired.Running && sv.Spec.State != "" || slices.Contains(sv.asked, unit) {
		return
	}
	d.stale(sv, unit, u, ran)
}

// cause is one way in which a process can be older than what is declared.
type cause struct {
	name string
	when string // restartOn
	text string
}

func (d *draft) stale(sv *service, unit string, u state.Unit, ran state.Ran) {
	if !d.readable(sv) {
		return
	}
	want := d.declared(sv)
	on := sv.Spec.RestartOn
	if on == nil {
		on = &desired.RestartOn{Unit: desired.Now, Files: desired.Now, Watch: desired.Now, Executable: desired.Manual}
	}
	var causes []cause
	add := func(name, when string, differs bool, text string) {
		if differs {
			causes = append(causes, cause{name, when, text})
		}
	}
	add("unit", on.Unit, ran.Unit != want.Unit && d.unitAfter(sv) == want.Unit, "its unit file or drop-ins changed since it started")
	add("files", on.Files, ran.Files != want.Files && d.filesAfter(sv) == want.Files && !sv.locked(), "files that it reads changed since it started")
	watch, ok := d.watched(sv, d.switched)
	add("watch", on.Watch, ok && ran.Watch != watch, "what it watches changed since it started")
	older, when := d.olderRelease(sv, ran), on.Watch
	if d.whichRelease(sv, ran) {
		when = desired.Manual
	}
	add("release", when, older != "", older)
	add("executable", on.Executable, u.ExeStale, "its executable was replaced since it started")
	if len(causes) == 0 {
		return
	}
	d.refresh(sv, unit, u, ran, want, watch, causes)
}

// refresh plans the restart, or the reload, that brings a process up to date.
func (d *draft) refresh(sv *service, unit string, u state.Unit, ran, want state.Ran, watch string, causes []cause) {
	var text []string
	for _, c := range causes {
		text = append(text, c.text)
	}
	declared := []string{want.Unit, want.Files, watch}
	if to, ok := d.releaseAfter(sv); ok {
		declared = append(declared, to)
	}
	w := wish{
		unit: unit, reason: state.StaleProcess, detail: strings.Join(text, "; "), effect: actuators.Disruptive,
		action: actuators.Action{Actuator: "systemd", Verb: "restart", Target: unit, Args: map[string]string{"declared": digest(declared)}},
		rests:  []state.Ref{unitRef(unit)},
		needs:  append(slices.Clone(sv.changed), sv.written...),
	}
	d.rightCode(sv, &w)
	if sv.Spec.Reload && u.CanReload && len(causes) == 1 && causes[0].name == "files" {
		w.action.Verb, w.action.Args = "reload", map[string]string{"declared": want.Files}
	}
	if why := d.forHuman(sv, ran, soonest(causes)); why != "" {
		w.human, w.holds = true, append(w.holds, hold{state.PendingRestart, why + ": " + w.detail, nil})
	} else {
		if sv.mode == desired.Enforce {
			d.rolling = append(d.rolling, unit)
		}
		if h, closed := d.outsideWindow(sv, w); closed {
			w.holds = append(w.holds, hold{state.PendingRestart, "it waits for a change window: " + w.detail, h.until})
		}
	}
	w.holds = append(w.holds, sv.without()...)
	if h, sick := d.dependencies(sv, &w); sick {
		w.holds = append(w.holds, h)
	}
	if id, ok := d.wish(sv, w); ok {
		sv.starting = append(sv.starting, id)
	}
}

// forHuman says why a stale process goes on running until a human restarts it.
func (d *draft) forHuman(sv *service, ran state.Ran, when string) (why string) {
	switch {
	case ran.Adopted:
		return "it ran before evenkeel came"
	case when == desired.Manual && d.whichRelease(sv, ran):
		return "it may run another release"
	case when == desired.Manual:
		return "restartOn is manual"
	case when == desired.Window && len(d.calendar(sv.Name).allow) == 0:
		return "restartOn is window, and no change window allows it"
	}
	return ""
}

// soonest is the most urgent of what restartOn says of the causes.
func soonest(causes []cause) string {
	for _, when := range []string{desired.Now, desired.Window} {
		if slices.ContainsFunc(causes, func(c cause) bool { return c.when == when }) {
			return when
		}
	}
	return desired.Manual
}

// declared is what a process should have been started with. What belongs to the
// host should be as it is.
func (d *draft) declared(sv *service) state.Ran {
	unit, files := make([]string, 0, 16), make([]string, 0, 16)
	for a := range unitArtifacts(sv.Service) {
		unit = append(unit, a.Path, d.content(a))
	}
	for a := range fileArtifacts(sv.Service) {
		files = append(files, a.Path, d.content(a))
	}
	return state.Ran{Unit: digest(unit), Files: digest(files)}
}

// content is the digest of the content that an artifact should have.
func (d *draft) content(a *desired.Artifact) string {
	if a.Host {
		return d.have.Files[a.Path].Value.Digest
	}
	return a.Digest
}

// unitAfter and filesAfter are what a process that starts after this Plan would
// be started with: what lies on disk, with what this Plan changes of it. Where
// that is not what is declared, because the difference is held or merely warned
// of, a restart would not help, and no process is stale.
func (d *draft) unitAfter(sv *service) string {
	sum, _, _ := d.onDisk(sv.mends, unitArtifacts(sv.Service), d.foreignOnDisk(sv))
	return sum
}

func (d *draft) filesAfter(sv *service) string {
	sum, _, _ := d.onDisk(sv.mends, fileArtifacts(sv.Service), nil)
	return sum
}

// readable tells whether it is known what lies on disk of all that a process of
// the service would be started with.
func (d *draft) readable(sv *service) bool {
	for a := range artifacts(sv.Service) {
		if !d.have.Files[a.Path].Known() {
			return false
		}
	}
	return !slices.ContainsFunc(d.foreignOnDisk(sv), func(path string) bool { return !d.have.Files[path].Known() })
}

// startedWith works out what an invocation that is seen for the first time was
// started with: what lies on disk, unless that is younger than the process or
// than what systemd has loaded; then what the last invocation ran with. Of a
// process that came up with the host there is no such last invocation, and what
// it was started with is not known then.
func (d *draft) startedWith(sv *service, unit string, u state.Unit, last state.Ran, known bool) (state.Ran, bool) {
	started := d.past.Started[unit]
	unseen := !known && (started.IsZero() || started.Boot != d.now.Boot)
	r := state.Ran{Invocation: u.Invocation, Adopted: unseen}
	watch, ok := d.watched(sv, nil)
	if !ok {
		return r, false
	}
	r.Watch = watch
	var link state.File
	if sv.Link != nil {
		f := d.have.Files[sv.Link.Path]
		if !f.Known() {
			return r, false
		}
		link, r.Release = f.Value, runs(f.Value)
	}
	unitDigest, youngest, ok := d.onDisk(nil, unitArtifacts(sv.Service), d.foreignOnDisk(sv))
	if !ok {
		return r, false
	}
	r.Unit = unitDigest
	files, youngestFile, ok := d.onDisk(nil, fileArtifacts(sv.Service), nil)
	if !ok {
		return r, false
	}
	r.Files = files
	if unseen && last.Invocation != "" {
		// It ran in an earlier boot, and came up again with the host.
		r.Adopted = d.staleLoad(sv) != "" || d.after(latest(youngest, latest(youngestFile, link.Changed)), u)
		return r, true
	}
	if !known || d.startedByUs(unit, u) {
		return r, true
	}
	if d.staleLoad(sv) != "" || d.after(youngest, u) {
		r.Unit = last.Unit
	}
	if d.after(youngestFile, u) {
		r.Files = last.Files
	}
	if r.Release != "" && d.after(link.Changed, u) {
		r.Release = cmp.Or(last.Release, state.UnknownRelease+r.Release)
	}
	return r, true
}

// unsure tells that a new process was seen of which it is not yet known what it
// was started with: whoever changes a file and restarts at once may be seen
// first by the restart. Until everything that the process reads was looked at
// after it started, nothing of that is changed, for it is the only evidence.
func (d *draft) unsure(sv *service) (unsure bool) {
	for _, unit := range sv.Units {
		f := d.have.Units[unit]
		if !f.Known() || !f.Value.Up() || f.Value.Invocation == "" || f.Value.Invocation == d.past.Ran[unit].Invocation || d.startedByUs(unit, f.Value) {
			continue
		}
		unsure = d.readBefore(sv, f.Value) || unsure
	}
	return unsure
}

// readBefore makes a Gap of each fact that is older than a process that may
// have read it; that of when systemd loaded its units is one.
func (d *draft) readBefore(sv *service, u state.Unit) (before bool) {
	for _, r := range appendReads([]state.Ref{hostRef}, sv.Service, sv.dirs, d.have) {
		at := d.have.Files[r.Name].At
		switch r.Kind {
		case state.RefDir:
			at = d.have.Dirs[r.Name].At
		case state.RefHost:
			at = d.have.Host.At
		}
		if at.Boot == d.now.Boot && at.Up < u.Entered {
			before = true
			d.gaps = append(d.gaps, state.Gap{
				Object: sv.Object(), Source: r, Detail: "last looked at before " + u.ID + " started", After: state.Time{Up: u.Entered, Boot: d.now.Boot},
			})
		}
	}
	return before
}

// startedByUs tells an invocation that began within our own start. That came
// after our writes and our reload, so that it was started with what lies there,
// whatever the wall clock says of the files.
func (d *draft) startedByUs(unit string, u state.Unit) bool {
	s, ok := d.past.Started[unit]
	return ok && s.Boot == d.now.Boot && u.Entered <= s.Up
}

// after tells whether a change came after the process had started, as far as
// the wall clock can be believed: a change in the future says that it was set.
func (d *draft) after(changed time.Time, u state.Unit) bool {
	return u.Entered > 0 && !changed.After(d.now.Wall) && changed.After(d.now.Wall.Add(u.Entered-d.now.Up))
}

// onDisk is the digest of what lies where artifacts should, and of more, and the
// youngest change among it. What this Plan mends, it has written or removed.
func (d *draft) onDisk(mended []string, want iter.Seq[*desired.Artifact], more []string) (sum string, youngest time.Time, known bool) {
	var parts []string
	for a := range want {
		f := d.have.Files[a.Path]
		if !f.Known() {
			return "", youngest, false
		}
		lies := f.Value.Digest
		if a.Digest != "" && slices.Contains(mended, a.Path) {
			lies = a.Digest // empty where the content is the host's
		}
		parts = append(parts, a.Path, lies)
		youngest = latest(youngest, f.Value.Changed)
	}
	for _, path := range more {
		f := d.have.Files[path]
		if !f.Known() {
			return "", youngest, false
		}
		if slices.Contains(mended, path) {
			continue // removed
		}
		parts = append(parts, path, f.Value.Digest)
		youngest = latest(youngest, f.Value.Changed)
	}
	return digest(parts), youngest, true
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// foreignOnDisk are the undeclared drop-ins that evenkeel would remove: a
// process that was started with one is stale once it is gone.
func (d *draft) foreignOnDisk(sv *service) []string {
	if sv.Spec.ForeignDropIns != desired.Enforce {
		return nil
	}
	var out []string
	for _, dir := range sv.dirs {
		for _, name := range d.have.Dirs[dir].Value.Names {
			if path := filepath.Join(dir, name); strings.HasSuffix(name, ".conf") && !sv.declares(path) {
				out = append(out, path)
			}
		}
	}
	return out
}

// watched is the digest of what spec.watch names, as it lies on the host, once
// some links are switched.
func (d *draft) watched(sv *service, links map[string]switched) (string, bool) {
	parts := make([]string, 0, 16)
	for _, p := range sv.Spec.Watch {
		f, ok := d.have.Files[p]
		if !ok || !f.Known() {
			return "", false
		}
		if s, ok := links[p]; ok {
			f.Value = state.File{Kind: state.Symlink, Link: s.to}
		}
		parts = append(parts, p, string(f.Value.Kind), f.Value.Link, f.Value.Digest)
	}
	return digest(parts), true
}

func digest(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	text := make([]byte, 0, 512) // most fit in that, on the stack
	for i, p := range parts {
		if i > 0 {
			text = append(text, 0)
		}
		text = append(text, p...)
	}
	return state.Digest(text)
}
