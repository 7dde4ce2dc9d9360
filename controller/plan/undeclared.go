package plan

import (
	"path/filepath"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// undeclared removes the files that a service declared once and declares no
// longer, if evenkeel created them. One that was there before stays as it is,
// and is no longer evenkeel's business; so does the link to a release, without
// which nothing of it might run.
func (d *draft) undeclared(sv *service) {
	for _, path := range d.undeclaredFiles[sv.object] {
		o := d.past.Owned[path]
		have, ok := d.file(sv.Object(), path)
		if !ok {
			continue
		}
		if have.Kind != state.Regular || !o.Created || o.Link != "" {
			d.note(state.Note{Kind: state.NoteDisowned, Object: sv.Object(), Name: path})
			continue
		}
		w := wish{
			path: path, reason: state.NotDeclared, detail: path + " is no longer declared", effect: actuators.Benign,
			rests: []state.Ref{fileRef(path)},
			// It may have held a secret, of which a digest would tell too much.
			fields: []state.Field{{Path: path, Desired: "absent", Observed: string(have.Kind)}},
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

// undeclaredFiles lists, by object and sorted, the files that evenkeel wrote and
// that nobody declares: neither the service for which it did nor another one to
// which the file moved. What units are made of is foreign's business.
func undeclaredFiles(want *desired.Set, past *state.Past) map[string][]string {
	if len(past.Owned) == 0 {
		return nil
	}
	declared := make(map[string]bool)
	for i := range want.Services {
		for _, a := range want.Services[i].Files {
			declared[a.Path] = true
		}
		if l := want.Services[i].Link; l != nil {
			declared[l.Path] = true
		}
	}
	out := make(map[string][]string)
	for path, o := range past.Owned {
		if o.Perhaps == "" && filepath.IsAbs(path) && !isUnitPath(path) && !declared[path] {
			out[o.Object] = append(out[o.Object], path)
		}
	}
	for _, paths := range out {
		slices.Sort(paths)
	}
	return out
}
