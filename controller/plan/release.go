package plan

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// release compares where the link to a service's release leads with what is
// declared. It is planned for all services before anything else of one, so that
// whoever watches the link of another knows what comes of it.
func (d *draft) release(sv *service) {
	l := sv.Link
	sv.unsure = d.unsure(sv)
	have, ok := d.file(sv.object, l.Path)
	folder, seen := d.file(sv.object, l.Folder())
	if !ok || !seen {
		return
	}
	missing := d.missing(l, folder)
	if have.Kind == state.Symlink && have.Link == l.Target {
		d.current(sv, missing)
		return
	}
	w := wish{
		path: l.Path, reason: state.ReleaseDrift, effect: actuators.Benign, detail: leading(l, have),
		rests: []state.Ref{fileRef(l.Path)}, heeds: []state.Ref{fileRef(l.Folder())},
		fields: []state.Field{{Path: path.Base(l.Path), Desired: path.Base(l.Target), Observed: observedAs(l, have)}},
		action: linkAction(sv.object, l, have, d.past.Owned[l.Path]),
	}
	switch {
	case have.Kind == state.Folder:
		w.holds = append(w.holds, hold{state.NotAllowed, l.Path + " is a folder, and evenkeel removes none; move it away, and it becomes the link to the release", nil})
	case have.Kind == state.Other:
		w.holds = append(w.holds, hold{state.NotAllowed, l.Path + " is neither a link nor a file; evenkeel replaces nothing else", nil})
	case !d.drift(sv, &w, have, movedOn(have, d.past.Owned[l.Path])):
		return
	}
	if !d.want.Policy.AllowsPath(l.Folder()) {
		w.holds = append(w.holds, hold{state.NotAllowed, "policy does not allow " + l.Folder() + ", to which " + l.Path + " would lead", nil})
	}
	if missing != "" {
		w.holds = append(w.holds, hold{state.ReleaseDrift, missing + "; " + w.detail, nil})
	}
	id, ok := d.wish(sv, w)
	switch {
	case ok:
		sv.link, sv.written = id, append(sv.written, id)
		if d.switched == nil {
			d.switched = make(map[string]switched)
		}
		d.switched[l.Path] = switched{l.Target, id}
	case have.Kind == state.Absent && (len(w.holds) > 0 || !d.want.Policy.AllowsPath(l.Path)):
		sv.noCode = w.detail
	}
}

// switched is where a link leads once a Step of this Plan is done.
type switched struct{ to, id string }

// current takes note of a link that leads where it should, so that the next
// version is known for a change of the declaration and not taken for a human's.
func (d *draft) current(sv *service, missing string) {
	l := sv.Link
	if missing != "" {
		sv.noCode = missing
		d.held = append(d.held, state.Held{Object: sv.object, Reason: state.ReleaseDrift, Detail: missing + "; " + l.Path + " leads to nothing"})
	}
	owned, had := d.past.Owned[l.Path]
	if had && owned.Link == l.Target || !d.past.Known || d.past.Distrust != "" || sv.mode != desired.Enforce || !d.want.Policy.AllowsPath(l.Path) {
		return
	}
	if _, released := d.past.Released[sv.object]; released {
		return
	}
	d.note(state.Note{Kind: state.NoteOwned, Object: sv.object, Name: l.Path, Owned: &state.Owned{Object: sv.object, Link: l.Target, Created: owned.Created}})
}

// emptyFolder is the digest of a listing with nothing in it.
var emptyFolder = state.Digest(nil)

// missing says why a release cannot be switched to; empty: it can.
func (d *draft) missing(l *desired.Link, folder state.File) string {
	how := "put the release there, whole at once: unpack it beside and rename it"
	switch {
	case folder.Kind == state.Absent:
		return l.Folder() + " does not exist; " + how
	case folder.Kind == state.Symlink:
		return l.Folder() + " is itself a link, to " + folder.Link + ", and evenkeel follows none; declare where it leads"
	case folder.Kind != state.Folder:
		return l.Folder() + " is a " + string(folder.Kind) + "; " + how
	case folder.Digest == emptyFolder:
		return l.Folder() + " is empty; " + how
	}
	return ""
}

// movedOn tells that a link differs because what is declared is another release
// than before, and not because somebody else switched it.
func movedOn(have state.File, owned state.Owned) bool {
	return have.Kind == state.Absent && owned.Link == "" || owned.Link != "" && owned.Is(have)
}

// observedAs is the release that is current, in a word.
func observedAs(l *desired.Link, have state.File) string {
	if have.Kind == state.Symlink {
		return l.Version(have.Link)
	}
	return cmp.Or(string(have.Kind), "absent")
}

func leading(l *desired.Link, have state.File) string {
	version := path.Base(l.Target)
	switch have.Kind {
	case state.Absent:
		return fmt.Sprintf("%s does not exist, and %s is declared", l.Path, version)
	case state.Symlink:
		return fmt.Sprintf("%s is %s, and %s is declared", l.Path, l.Version(have.Link), version)
	}
	return fmt.Sprintf("%s is a %s, and no link to %s", l.Path, have.Kind, version)
}

// linkAction is the write that switches the link. It carries what was seen there,
// and whether that is a human's and is to be kept.
func linkAction(object string, l *desired.Link, have state.File, owned state.Owned) actuators.Action {
	args := map[string]string{"object": object, "link": l.Target}
	switch have.Kind {
	case state.Symlink:
		args["wasLink"] = have.Link
	case state.Regular:
		args["was"] = have.Digest
	}
	if have.Kind != state.Absent && !owned.Is(have) {
		args["keep"] = "1"
	}
	return actuators.Action{Actuator: "file", Verb: "write", Target: l.Path, Args: args}
}

// codeLast has the link be switched after everything else that the service reads
// was written: a new release finds the configuration that came with it.
func (d *draft) codeLast(sv *service) {
	if sv.link == "" {
		return
	}
	for i := range d.steps {
		if s := &d.steps[i]; s.ID == sv.link && !sv.frozen {
			s.Needs = append(slices.Clip(s.Needs), slices.DeleteFunc(slices.Concat(sv.changed, sv.written), func(id string) bool { return id == s.ID })...)
		}
	}
}

// rightCode has a restart wait for the switch of what its process runs, or watches
// of another service, and look at it once more.
func (d *draft) rightCode(sv *service, w *wish) {
	if sv.Link != nil {
		w.heeds = append(w.heeds, fileRef(sv.Link.Path))
	}
	for _, p := range sv.Spec.Watch {
		if s, ok := d.switched[p]; ok {
			w.needs = append(w.needs, s.id)
		}
	}
	d.withoutCode(sv, w)
}

// withoutCode holds what would start a process whose release is not there.
func (d *draft) withoutCode(sv *service, w *wish) {
	if sv.noCode != "" {
		w.holds = append(w.holds, hold{state.ReleaseDrift, sv.noCode + ": " + w.detail, nil})
	}
}

// runs is what the link says that a process which starts now is started with.
func runs(have state.File) string {
	if have.Kind == state.Symlink {
		return have.Link
	}
	return state.NoRelease
}

// sinceReleased notes which release a process runs that was running when its
// release was first declared: the one that is current, unless the link is
// younger than the process.
func (d *draft) sinceReleased(sv *service, unit string, u state.Unit, ran state.Ran) state.Ran {
	f := d.have.Files[sv.Link.Path]
	if !f.Known() {
		return ran
	}
	ran.Release = runs(f.Value)
	if ran.Release != state.NoRelease && d.after(f.Value.Changed, u) {
		ran.Release = state.UnknownRelease + ran.Release
	}
	d.note(state.Note{Kind: state.NoteRan, Object: sv.Object(), Name: unit, Ran: &ran})
	return ran
}

// releaseAfter is where the link leads after this Plan.
func (d *draft) releaseAfter(sv *service) (string, bool) {
	if sv.Link == nil {
		return "", false
	}
	if s, ok := d.switched[sv.Link.Path]; ok {
		return s.to, true
	}
	f := d.have.Files[sv.Link.Path]
	return runs(f.Value), f.Known()
}

// olderRelease says that a process runs another release than the one which is
// current once this Plan is done; empty: it does not.
func (d *draft) olderRelease(sv *service, ran state.Ran) string {
	after, ok := d.releaseAfter(sv)
	if !ok || ran.Release == "" || ran.Release == after || after == state.NoRelease {
		return ""
	}
	is := path.Base(sv.Link.Path) + " is " + sv.Link.Version(after)
	if notBefore, unknown := strings.CutPrefix(ran.Release, state.UnknownRelease); unknown && notBefore == after {
		return is + ", and was switched after it started, nobody knows from what"
	} else if unknown {
		return is + ", and was switched after it started"
	}
	if ran.Release == state.NoRelease {
		return is + ", and there was no release when it started"
	}
	return is + ", and it was started with " + sv.Link.Version(ran.Release)
}

// whichRelease tells that it is not known whether a process runs the release that
// is current: that is for a human to say.
func (d *draft) whichRelease(sv *service, ran state.Ran) bool {
	after, _ := d.releaseAfter(sv)
	return ran.Release == state.UnknownRelease+after
}
