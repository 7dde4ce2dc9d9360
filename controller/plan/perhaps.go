package plan

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// perhaps settles what steps that were cut short have left: a file that has the
// content which was being written, and a mask that was being made, are
// evenkeel's own, and anything else is not. Without this the crash of a moment
// would make evenkeel's own deed a human's for ever.
func (d *draft) perhaps() {
	var names []string
	for name, o := range d.past.Owned {
		if o.Perhaps != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		o := d.past.Owned[name]
		there, known := d.left(name, &o)
		switch {
		case !known:
		case there:
			o.Perhaps = ""
			d.remember(state.Note{Kind: state.NoteOwned, Object: o.Object, Name: name, Owned: &o})
		default:
			d.remember(state.Note{Kind: state.NoteDisowned, Object: o.Object, Name: name})
		}
	}
}

// left tells whether something of evenkeel's is there, and what, and whether
// that can be told yet.
func (d *draft) left(name string, o *state.Owned) (there, known bool) {
	if unit, ok := strings.CutPrefix(name, state.MaskOf("")); ok {
		f := d.have.Units[unit]
		return f.Value.Boot == "masked" || f.Value.Boot == "masked-runtime", d.fresh(f.At, f.Err, unitRef(unit))
	}
	f := d.have.Files[name]
	if f.Value.Lies() == o.Perhaps {
		o.Digest, o.Link = f.Value.Digest, f.Value.Link
	}
	return f.Value.Kind != state.Absent && o.Digest+o.Link != "", d.fresh(f.At, f.Err, fileRef(name))
}

// fresh tells a reading that shows what our own last step on it has left.
func (d *draft) fresh(at state.Time, err string, ref state.Ref) bool {
	return err == "" && !at.IsZero() && !at.Outdated(d.past.EndOf(ref))
}
