package plan

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// undeclared removes the files that a service declared once and declares no
// longer, if evenkeel created them. One that was there before stays as it is,
// and is no longer evenkeel's business.
func (d *draft) undeclared(sv *service) {
	for _, path := range slices.Sorted(maps.Keys(d.past.Owned)) {
		o := d.past.Owned[path]
		if o.Object != sv.Object() || o.Perhaps != "" || !filepath.IsAbs(path) || isUnitPath(path) || d.declaresFile(sv, path) {
			continue
		}
		have, ok := d.file(sv.Object(), path)
		if !ok {
			continue
		}
		if have.Kind != state.Regular || !o.Created {
			d.note(state.Note{Kind: state.NoteDisowned, Object: sv.Object(), Name: path})
			continue
		}
		w := wish{
			path: path, reason: state.NotDeclared, detail: path + " is no longer declared", effect: actuators.Benign,
			rests:  []state.Ref{fileRef(path)},
			fields: []state.Field{{Path: path, Desired: "absent", Observed: short(have.Digest)}},
			action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: map[string]string{"object": sv.Object(), "was": have.Digest}},
		}
		if have.Digest != o.Digest {
			w.action.Args["keep"] = "1"
		}
		if id, ok := d.wish(sv, w); ok {
			sv.written = append(sv.written, id)
		}
	}
}

// declaresFile tells whether this service, or the one to which the file moved,
// declares it.
func (d *draft) declaresFile(sv *service, path string) bool {
	if slices.ContainsFunc(sv.Files, func(a desired.Artifact) bool { return a.Path == path }) {
		return true
	}
	_, _, ok := d.want.Artifact(path)
	return ok
}
