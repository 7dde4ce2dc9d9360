package state

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// Fact is a reading that may have failed. Unknown is a value: nothing is done
// because of one, and nothing counts as healed because of one.
type Fact[T any] struct {
	Value T      `json:"value"`
	At    Time   `json:"at"`            // when the reading began
	Err   string `json:"err,omitempty"` // why it failed; empty: Value holds
}

// Known tells whether the fact was read, and read well.
func (f Fact[T]) Known() bool { return f.Err == "" && !f.At.IsZero() }

// World is the host as it was last seen. A key that is absent was never looked
// at. A World is a value: Merge returns a new one and shares what did not change.
type World struct {
	Host  Fact[Host]            `json:"host"`
	Units map[string]Fact[Unit] `json:"units,omitempty"` // by the name that was asked for
	Files map[string]Fact[File] `json:"files,omitempty"` // by absolute path
	Dirs  map[string]Fact[Dir]  `json:"dirs,omitempty"`  // by absolute path: drop-in folders
	Blind Time                  `json:"blind,omitzero"`  // since when the controller's readings of Host fail; zero: they do not

	// Probes are the verdicts of probes, by name: liveness/nginx.service,
	// endpoint/pawapay. nil: nobody probes, as in a dry run without a controller.
	Probes map[string]Fact[Probe] `json:"probes,omitempty"`

	// Alerts are the active ones, by their source: rule/GROUP/ALERT (for the second
	// of that name in that group rule/GROUP/ALERT#2), prometheus/NAME, alertmanager.
	// nil: nobody evaluates rules, as in a dry run without a controller.
	Alerts  map[string]Fact[Alerts]      `json:"alerts,omitempty"`
	Queries map[string]Fact[QueryResult] `json:"queries,omitempty"` // by expression; asked for by a Gap

	Source Source `json:"source,omitzero"` // the zero one: no branch is followed
}

// Source is how the branch stands that is followed.
type Source struct {
	Wanted  string    `json:"wanted"`            // the newest revision that may be believed
	Branch  string    `json:"branch"`            // as it is named in the repository
	Head    string    `json:"head,omitempty"`    // of Branch; another than Wanted where testing/<host> is followed
	Testing bool      `json:"testing,omitempty"` // Wanted is of testing/<host>
	Remote  string    `json:"remote,omitempty"`  // which answered last
	Author  string    `json:"author,omitempty"`  // of Wanted
	Subject string    `json:"subject,omitempty"` // of Wanted
	Time    time.Time `json:"time,omitzero"`     // of Wanted
	Signer  string    `json:"signer,omitempty"`  // of Wanted; empty: nobody asked

	Refused Reason `json:"refused,omitempty"` // SourceRefused, DesiredInvalid: why what the branch says now is not wanted; empty: it is
	Detail  string `json:"detail,omitempty"`  // of Refused
	Commit  string `json:"commit,omitempty"`  // that is refused, where one is
	Silent  string `json:"silent,omitempty"`  // why no remote answers; empty: one does
	Missing string `json:"missing,omitempty"` // why the revision that is to be in force cannot be read
}

// Host is what concerns the host as a whole.
type Host struct {
	Name          string        `json:"name"`
	System        string        `json:"system"`                  // the Manager's SystemState: running, degraded, starting, stopping, maintenance
	Systemd       int           `json:"systemd"`                 // the major version
	UnitsLoaded   time.Time     `json:"unitsLoaded"`             // when the Manager last loaded unit files, by its wall clock
	Jobs          int           `json:"jobs"`                    // queued and running jobs
	Packages      bool          `json:"packages"`                // dpkg or rpm holds its lock
	PackagesUntil time.Duration `json:"packagesUntil,omitempty"` // CLOCK_BOOTTIME: for so long after dpkg or rpm was last seen at work there is quiet; zero: it was not, or is at work now
	Stopped       bool          `json:"stopped"`                 // the kill switch /run/evenkeel/stop is there
}

// Unit is what systemd says of a unit, and what lies on disk to enable it.
type Unit struct {
	ID         string   `json:"id"`                   // systemd's primary name
	Names      []string `json:"names,omitempty"`      // all of its names, aliases among them
	Load       string   `json:"load"`                 // loaded, not-found, bad-setting, error, masked
	Active     string   `json:"active"`               // active, reloading, inactive, failed, activating, deactivating
	Sub        string   `json:"sub"`                  // running, exited, dead, auto-restart, …
	Boot       string   `json:"boot"`                 // as `systemctl is-enabled`, read from the links: enabled, enabled-runtime, disabled, static, masked, masked-runtime, linked, alias, indirect, generated, transient, not-found
	NeedReload bool     `json:"needReload,omitempty"` // systemd's NeedDaemonReload
	Job        Job      `json:"job,omitzero"`

	Type        string    `json:"type,omitempty"`        // simple, exec, forking, notify, oneshot, dbus, idle; empty for units that are no service
	Remain      bool      `json:"remain,omitempty"`      // RemainAfterExit
	Restart     string    `json:"restart,omitempty"`     // Restart=
	CanReload   bool      `json:"canReload,omitempty"`   // has an ExecReload
	Result      string    `json:"result,omitempty"`      // success, exit-code, signal, timeout, oom-kill, start-limit-hit, …
	Condition   bool      `json:"condition,omitempty"`   // false: a Condition= was not met at the last start attempt
	ConditionAt time.Time `json:"conditionAt,omitzero"`  // when conditions were last checked; zero: never
	TriggeredBy []string  `json:"triggeredBy,omitempty"` // timers, sockets and paths that start it
	Fragment    string    `json:"fragment,omitempty"`    // the loaded unit file
	DropIns     []string  `json:"dropIns,omitempty"`     // the loaded drop-ins

	Invocation string        `json:"invocation,omitempty"` // empty: never ran, or was unloaded since
	MainPID    uint32        `json:"mainPID,omitempty"`
	Exe        string        `json:"exe,omitempty"`        // identity (device, inode, ctime) of what MainPID executes; empty: unknown
	ExeStale   bool          `json:"exeStale,omitempty"`   // the file was replaced or removed under the process
	Restarts   uint32        `json:"restarts,omitempty"`   // systemd's own NRestarts
	Changed    time.Duration `json:"changed,omitempty"`    // CLOCK_MONOTONIC of the last state change
	Entered    time.Duration `json:"entered,omitempty"`    // …of the last time it became active
	Exited     time.Duration `json:"exited,omitempty"`     // …of the last time it ceased to be
	Rested     time.Duration `json:"rested,omitempty"`     // …of the last time it came to rest, inactive or failed; read of failed units only
	ChangedAt  time.Time     `json:"changedAt,omitzero"`   // wall clock of Changed, for people
	Stop       StopCause     `json:"stop,omitempty"`       // why it is inactive, where somebody looked
	StoppedFor string        `json:"stoppedFor,omitempty"` // with StopByConflict: the unit whose start stopped it
}

// Job is a queued or running job of systemd.
type Job struct {
	ID   uint32 `json:"id,omitempty"`
	Type string `json:"type,omitempty"` // start, stop, restart, reload, …
}

// StopCause is the journal's evidence of why a unit is no longer active.
type StopCause string

// The causes.
const (
	StopUnread StopCause = ""        // nobody looked, or there was nothing to look for
	StopByJob  StopCause = "job"     // a stop job: somebody asked for it
	StopByExit StopCause = "exit"    // it ended by itself
	StopNoSign StopCause = "no-sign" // the journal does not say; counts as somebody's wish

	// StopByConflict: a stop job that systemd added to the start of another unit,
	// which conflicts with it. It may be running still.
	StopByConflict StopCause = "conflict"
)

// Asked tells that there was a stop job, whoever made it.
func (c StopCause) Asked() bool { return c == StopByJob || c == StopByConflict }

// AllNames are the names of a unit, the one under which it was asked for first. An
// alias is the unit that it is another name of: whoever may not touch one may not
// touch the other.
func (u Unit) AllNames(asked string) []string {
	names := []string{asked}
	for _, n := range append([]string{u.ID}, u.Names...) {
		if n != "" && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// Missing tells a unit that systemd has no file for.
func (u Unit) Missing() bool { return u.Load == "not-found" }

// Masked tells a unit that somebody forbade to start.
func (u Unit) Masked() bool {
	return u.Load == "masked" || u.Boot == "masked" || u.Boot == "masked-runtime"
}

// Up tells whether the unit is active, a reload in progress included.
func (u Unit) Up() bool { return u.Active == "active" || u.Active == "reloading" }

// StartLimited tells that systemd refused to start the unit again because there
// were too many starts (StartLimitBurst=). Result says so only where nothing had
// failed before: else it keeps the word of the run that failed. Then the times
// tell: a run that fails comes to rest in the moment in which its state changes;
// a start that is refused changes the state of a unit that rests already.
//
// What systemd cannot even begin to run ("resources") looks the same. It counts
// only where Restart= would have tried again, so that the limit must have
// stopped it.
func (u Unit) StartLimited() bool {
	switch {
	case u.Active != "failed":
		return false
	case u.Result == "start-limit-hit":
		return true
	case u.Result == "resources" && u.Restart != "always" && u.Restart != "on-failure" && u.Restart != "on-abnormal":
		return false
	}
	return u.Rested > 0 && u.Changed > u.Rested
}

// FileKind says what lies at a path.
type FileKind string

// The kinds.
const (
	Absent  FileKind = ""
	Regular FileKind = "file"
	Symlink FileKind = "symlink"
	Folder  FileKind = "dir"
	Other   FileKind = "other"
)

// File is what lies at a path, links not followed.
type File struct {
	Kind    FileKind  `json:"kind"`
	Link    string    `json:"link,omitempty"`   // where a symlink points
	Digest  string    `json:"digest,omitempty"` // Digest of a regular file's content
	Mode    uint32    `json:"mode,omitempty"`   // permission bits, setuid, setgid and sticky included, as chmod(2) takes them
	Owner   string    `json:"owner,omitempty"`  // a name, or the number where there is none
	Group   string    `json:"group,omitempty"`
	UID     uint32    `json:"uid,omitempty"` // of Owner, by number
	GID     uint32    `json:"gid,omitempty"` // of Group, by number
	Size    int64     `json:"size,omitempty"`
	Changed time.Time `json:"changed,omitzero"` // ctime
}

// HasOwner tells whether a user, named or numbered, owns the file.
func (f File) HasOwner(user string) bool { return user == f.Owner || user == number(f.UID) }

// HasGroup is HasOwner for the group.
func (f File) HasGroup(group string) bool { return group == f.Group || group == number(f.GID) }

// Lies names what lies there in one word: the digest of a regular file, and where a
// link leads with an arrow before it. Empty: nothing, or something else.
func (f File) Lies() string {
	if f.Kind == Folder {
		return "" // its Digest is that of a listing
	}
	return lying(f.Digest, f.Link)
}

func lying(digest, link string) string {
	if link != "" {
		return "-> " + link
	}
	return digest
}

func number(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// Dir is the listing of a folder.
type Dir struct {
	Exists  bool      `json:"exists"`
	Names   []string  `json:"names,omitempty"`  // sorted
	Changed time.Time `json:"changed,omitzero"` // ctime
}

// Facts are new readings, to be merged into a World.
type Facts struct {
	Host  *Fact[Host]           `json:"host,omitempty"`
	Units map[string]Fact[Unit] `json:"units,omitempty"`
	Files map[string]Fact[File] `json:"files,omitempty"`
	Dirs  map[string]Fact[Dir]  `json:"dirs,omitempty"`

	Probes map[string]Fact[Probe] `json:"probes,omitempty"`

	Alerts  map[string]Fact[Alerts]      `json:"alerts,omitempty"`
	Queries map[string]Fact[QueryResult] `json:"queries,omitempty"`
}

// Add puts the readings of g into f, g's winning.
func (f *Facts) Add(g Facts) {
	if g.Host != nil {
		f.Host = g.Host
	}
	f.Units = overlay(f.Units, g.Units)
	f.Files = overlay(f.Files, g.Files)
	f.Dirs = overlay(f.Dirs, g.Dirs)
	f.Probes = overlay(f.Probes, g.Probes)
	f.Alerts = overlay(f.Alerts, g.Alerts)
	f.Queries = overlay(f.Queries, g.Queries)
}

// Merge returns the World with newer readings in place of older ones, and
// whether any value, not merely a time, is different. A reading that is older
// than what the World has is dropped: signals arrive out of order.
func (w World) Merge(f Facts) (World, bool) {
	changed := false
	if f.Host != nil && !f.Host.At.Before(w.Host.At) {
		changed = f.Host.Value != w.Host.Value || f.Host.Err != w.Host.Err || w.Host.At.IsZero()
		w.Host = *f.Host
	}
	var c bool
	w.Units, c = merge(w.Units, f.Units, equalUnit)
	changed = changed || c
	w.Files, c = merge(w.Files, f.Files, func(a, b File) bool { return a == b })
	changed = changed || c
	w.Dirs, c = merge(w.Dirs, f.Dirs, equalDir)
	changed = changed || c
	w.Probes, c = merge(w.Probes, f.Probes, Probe.Equal)
	changed = changed || c
	w.Alerts, c = merge(w.Alerts, f.Alerts, Alerts.Equal)
	changed = changed || c
	w.Queries, c = merge(w.Queries, f.Queries, func(a, b QueryResult) bool { return a == b })
	return w, changed || c
}

func merge[T any](old, add map[string]Fact[T], equal func(a, b T) bool) (map[string]Fact[T], bool) {
	if len(add) == 0 {
		return old, false
	}
	next := maps.Clone(old)
	if next == nil {
		next = make(map[string]Fact[T], len(add))
	}
	changed := false
	for name, f := range add {
		prev, had := next[name]
		if had && f.At.Before(prev.At) {
			continue
		}
		changed = changed || !had || f.Err != prev.Err || !equal(f.Value, prev.Value)
		next[name] = f
	}
	return next, changed
}

func overlay[T any](old, add map[string]Fact[T]) map[string]Fact[T] {
	if old == nil && len(add) > 0 {
		old = make(map[string]Fact[T], len(add))
	}
	maps.Copy(old, add)
	return old
}
