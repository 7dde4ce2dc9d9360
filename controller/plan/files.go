package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Folders in which systemd looks for what an administrator wrote.
const (
	unitDir    = "/etc/systemd/system/"
	runtimeDir = "/run/systemd/system/"
)

func isUnitPath(path string) bool {
	return strings.HasPrefix(path, unitDir) || strings.HasPrefix(path, runtimeDir)
}

// files compares the unit file, the drop-ins and the files of a service with
// what lies on the host.
func (d *draft) files(sv *service) {
	unit := sv.fileUnit()
	switch {
	case sv.UnitFile == nil:
	case sv.Spec.Boot == desired.Masked:
		d.makeRoom(sv, *sv.UnitFile)
	default:
		d.artifact(sv, *sv.UnitFile, wish{unit: unit, reason: state.UnitFileDrift})
	}
	for _, a := range sv.DropIns {
		d.artifact(sv, a, wish{unit: unit, reason: state.UnitFileDrift})
	}
	for _, a := range sv.Files {
		d.artifact(sv, a, wish{path: a.Path, reason: state.FileDrift})
	}
	d.undeclared(sv)
}

// makeRoom removes the unit file of a service that is declared masked: the mask
// lies where the file does. A file that is not evenkeel's stays, and holds it.
func (d *draft) makeRoom(sv *service, a desired.Artifact) {
	have, ok := d.file(sv.Object(), a.Path)
	if !ok || have.Kind != state.Regular {
		return
	}
	w := wish{
		unit: sv.fileUnit(), reason: state.BootDrift, effect: actuators.Benign,
		detail: a.Path + " lies where the mask belongs", rests: []state.Ref{fileRef(a.Path)},
		fields: []state.Field{{Path: a.Path, Desired: "symlink to /dev/null", Observed: short(have.Digest)}},
		action: actuators.Action{Actuator: "file", Verb: "remove", Target: a.Path, Args: map[string]string{"object": sv.Object(), "was": have.Digest}},
	}
	if owned := d.past.Owned[a.Path]; !owned.Created || owned.Digest != have.Digest {
		w.holds = append(w.holds, hold{state.NotAllowed, w.detail + ", and is not what evenkeel wrote; remove it to let the unit be masked", nil})
	}
	id, ok := d.wish(sv, w)
	if !ok {
		sv.noRoom = true
		return
	}
	d.links, sv.changed, sv.reload = append(d.links, id), append(sv.changed, id), true
}

// fileUnit is the unit whose name the files on disk carry: the template where
// there are instances.
func (s *service) fileUnit() string {
	if s.Template != "" {
		return s.Template
	}
	return s.Units[0]
}

func (d *draft) artifact(sv *service, a desired.Artifact, w wish) {
	have, ok := d.file(sv.Object(), a.Path)
	if !ok {
		return
	}
	if a.Locked != "" {
		d.locked(sv, a, have)
		return
	}
	a = keeping(a, have)
	w.fields = differences(a, have)
	if len(w.fields) == 0 {
		return
	}
	w.detail = explain(a, have, w.fields)
	w.effect = actuators.Benign
	w.rests = []state.Ref{fileRef(a.Path)}
	w.action = writeAction(sv.Object(), a, have, d.past.Owned[a.Path])
	switch {
	case have.Kind == state.Symlink && have.Link == "/dev/null" && w.unit != "":
		w.holds = append(w.holds, hold{state.Masked, w.unit + " is masked by " + a.Path, nil})
	case have.Kind == state.Absent && a.Host:
		d.gap(sv.Object(), fileRef(a.Path), a.Path+" belongs to the host and is missing")
		return
	case have.Kind != state.Absent && have.Kind != state.Regular:
		w.holds = append(w.holds, hold{state.NotAllowed, fmt.Sprintf("%s is a %s; evenkeel replaces regular files only", a.Path, have.Kind), nil})
	default:
		if !d.drift(sv, &w, have, redeclared(a, have, d.past.Owned[a.Path])) {
			return
		}
	}
	id, ok := d.wish(sv, w)
	if !ok {
		return
	}
	sv.mends = append(sv.mends, a.Path)
	if w.unit != "" {
		d.links, sv.changed, sv.reload = append(d.links, id), append(sv.changed, id), true
	} else {
		sv.written = append(sv.written, id)
	}
}

// redeclared tells that a file differs because the declaration moved, or was never
// written before.
func redeclared(a desired.Artifact, have state.File, owned state.Owned) bool {
	return have.Kind == state.Absent && owned.Digest == "" ||
		owned.Digest != "" && have.Digest == owned.Digest && have.Digest != a.Digest
}

// drift applies the service's drift mode. What differs because the declaration
// moved is no drift and is applied in any mode; drift is what somebody else did
// to a file that lay there.
func (d *draft) drift(sv *service, w *wish, have state.File, declared bool) bool {
	if sv.Spec.Drift == nil || declared {
		return true
	}
	left := func() { sv.left = sv.left || w.unit != "" }
	switch sv.Spec.Drift.Mode {
	case desired.Ignore:
		left()
		return false
	case desired.Warn:
		left()
		d.held = append(d.held, state.Held{Object: sv.Object(), Unit: w.unit, Reason: w.reason, Detail: "drift is warn: " + w.detail, Fields: w.fields})
		return false
	}
	if h := sv.Spec.Drift.Hold.Std(); h > 0 {
		if age := d.now.Wall.Sub(have.Changed); have.Kind != state.Absent && age >= 0 && age < h {
			left()
			w.holds = append(w.holds, hold{state.DriftHold, "a change by hand is tolerated for " + sv.Spec.Drift.Hold.String() + ": " + w.detail, d.at(h - age)})
		}
	}
	return true
}

// keeping completes a file that belongs to the host: what is not declared of
// its owner and mode stays as it is.
func keeping(a desired.Artifact, have state.File) desired.Artifact {
	if !a.Host {
		return a
	}
	if a.Mode == 0 {
		a.Mode = have.Mode
	}
	a.Owner, a.Group = cmp.Or(a.Owner, have.Owner), cmp.Or(a.Group, have.Group)
	return a
}

// differences lists in what a file is not as declared. Of content only digests
// are told.
func differences(a desired.Artifact, have state.File) []state.Field {
	var f []state.Field
	add := func(path, want, got string) {
		if want != got {
			f = append(f, state.Field{Path: a.Path + ":" + path, Desired: want, Observed: got})
		}
	}
	if have.Kind != state.Regular {
		add("kind", string(state.Regular), absent(have))
		return f
	}
	if !a.Host && a.Digest != have.Digest {
		d := state.Field{Path: a.Path + ":content", Desired: short(a.Digest), Observed: short(have.Digest)}
		if a.Sensitive {
			d.Desired, d.Observed = "(sensitive)", "(changed)"
		}
		f = append(f, d)
	}
	if a.Mode != have.Mode {
		add("mode", fmt.Sprintf("%04o", a.Mode), fmt.Sprintf("%04o", have.Mode))
	}
	if !have.HasOwner(a.Owner) {
		add("owner", a.Owner, have.Owner)
	}
	if !have.HasGroup(a.Group) {
		add("group", a.Group, have.Group)
	}
	return f
}

func absent(f state.File) string {
	if f.Kind == state.Absent {
		return "absent"
	}
	if f.Kind == state.Symlink {
		return "symlink to " + f.Link
	}
	return string(f.Kind)
}

func explain(a desired.Artifact, have state.File, f []state.Field) string {
	if have.Kind != state.Regular {
		return a.Path + " is " + absent(have)
	}
	var what []string
	for _, d := range f {
		what = append(what, strings.TrimPrefix(d.Path, a.Path+":"))
	}
	return a.Path + " differs in " + strings.Join(what, ", ")
}

func short(digest string) string {
	if len(digest) > 12 {
		return "sha256:" + digest[:12]
	}
	return digest
}

// writeAction is the write that makes a file as declared. It carries what was
// seen there, so that a newer change by somebody else is not overwritten
// unseen; and whether a human's version is to be kept.
func writeAction(object string, a desired.Artifact, have state.File, owned state.Owned) actuators.Action {
	args := map[string]string{"object": object, "mode": fmt.Sprintf("%04o", a.Mode), "owner": a.Owner, "group": a.Group, "digest": a.Digest}
	if a.Host {
		args["digest"] = have.Digest
	}
	if have.Digest != "" {
		args["was"] = have.Digest
		if have.Digest != owned.Digest && !a.Sensitive {
			args["keep"] = "1"
		}
	}
	return actuators.Action{Actuator: "file", Verb: "write", Target: a.Path, Args: args}
}

// foreign looks for drop-ins that nobody declared. Those of vendors, of
// `systemctl set-property` and of generators lie elsewhere and are nobody's
// business.
func (d *draft) foreign(sv *service) {
	if sv.Spec.ForeignDropIns == desired.Ignore {
		return
	}
	for _, dir := range sv.dirs {
		listing, ok := d.dir(sv.Object(), dir)
		if !ok {
			continue
		}
		for _, name := range listing.Names {
			if path := filepath.Join(dir, name); strings.HasSuffix(name, ".conf") && !sv.declares(path) {
				d.foreignDropIn(sv, path)
			}
		}
	}
}

func (d *draft) foreignDropIn(sv *service, path string) {
	have, ok := d.file(sv.Object(), path)
	if !ok || have.Kind == state.Absent || have.Digest != "" && d.past.Accepted[path] == have.Digest {
		return
	}
	w := wish{
		unit: sv.fileUnit(), reason: state.ForeignDropIn, detail: path + " was not declared", effect: actuators.Benign,
		rests:  []state.Ref{fileRef(path), dirRef(filepath.Dir(path))},
		fields: []state.Field{{Path: path, Desired: "absent", Observed: short(have.Digest)}},
		action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: map[string]string{"object": sv.Object(), "was": have.Digest, "keep": "1"}},
	}
	if owned, ours := d.past.Owned[path]; ours && owned.Object == sv.Object() && owned.Created {
		// Once declared, and evenkeel's own: it leaves with its declaration.
		w.reason, w.detail = state.NotDeclared, path+" is no longer declared"
		if owned.Digest == have.Digest {
			delete(w.action.Args, "keep")
		}
	} else if sv.Spec.ForeignDropIns != desired.Enforce {
		sv.left = true
		d.held = append(d.held, state.Held{Object: sv.Object(), Unit: w.unit, Reason: w.reason, Detail: "foreignDropIns is warn: " + w.detail, Fields: w.fields})
		return
	}
	if have.Kind == state.Symlink {
		w.holds = append(w.holds, hold{state.NotAllowed, path + " is a symlink; evenkeel removes regular files only", nil})
	}
	if id, ok := d.wish(sv, w); ok {
		sv.mends = append(sv.mends, path)
		d.links, sv.changed, sv.reload = append(d.links, id), append(sv.changed, id), true
	}
}

// declares tells whether a drop-in is the service's own or accepted.
func (s *service) declares(path string) bool {
	name := filepath.Base(path)
	if slices.Contains(s.Spec.AcceptDropIns, name) || slices.Contains(s.Spec.AcceptDropIns, strings.TrimSuffix(name, ".conf")) {
		return true
	}
	return slices.ContainsFunc(s.DropIns, func(a desired.Artifact) bool { return a.Path == path })
}
