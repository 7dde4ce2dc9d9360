package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// elsewhere finds a service that is declared, and not for this host; nil: there is
// none.
func (d *draft) elsewhere(name string) *desired.Object {
	for i := range d.want.Objects {
		if o := &d.want.Objects[i]; o.Kind == "Service" && o.Metadata.Name == name && d.services[name] == nil {
			return o
		}
	}
	return nil
}

// moveAway lets go of a service that is declared for other hosts now. Nothing on
// this one changes, for the new one may not be ready yet, and onRemove is about
// what leaves git. What evenkeel wrote for it stays known as its own: if it comes
// back, that is no human's.
func (d *draft) moveAway(object string, holds []hold) {
	switch {
	case d.inFlight(object):
		return // its end belongs to what is remembered of it
	case len(holds) > 0:
		d.held = append(d.held, state.Held{Object: object, Reason: holds[0].reason, Detail: holds[0].detail})
		return
	}
	d.note(state.Note{Kind: state.NoteForgot, Object: object, Moved: true, Detail: d.whither(object) + "; what it is on this host stays as it is, and nobody looks after it here"})
}

// whither says for which hosts a service is declared.
func (d *draft) whither(object string) string {
	var spec struct {
		Hosts []string `json:"hosts"`
	}
	o := d.elsewhere(strings.TrimPrefix(object, "Service/"))
	if err := json.Unmarshal(o.Spec, &spec); err != nil || d.want.Chooses(spec.Hosts) {
		return "this host no longer belongs to environment " + d.want.Environment
	}
	return "it is declared for other hosts now (" + strings.Join(spec.Hosts, ", ") + ")"
}

// neverBack forgets what evenkeel wrote for services that moved away, once nobody
// declares them for any host. Where nothing at all is declared that says nothing.
func (d *draft) neverBack() {
	if len(d.want.Objects) == 0 {
		return
	}
	var objects []string
	for _, o := range d.past.Owned {
		name, ok := strings.CutPrefix(o.Object, "Service/")
		if _, managed := d.past.Managed[o.Object]; !ok || managed || d.services[name] != nil || o.Perhaps != "" || slices.Contains(objects, o.Object) {
			continue
		}
		if d.elsewhere(name) == nil && !d.inFlight(o.Object) {
			objects = append(objects, o.Object)
		}
	}
	if len(objects) == 0 || d.unread() {
		return
	}
	slices.Sort(objects)
	for _, object := range objects {
		d.note(state.Note{Kind: state.NoteForgot, Object: object, Detail: "no longer declared for any host: what is left of it here stays as it is"})
	}
}
