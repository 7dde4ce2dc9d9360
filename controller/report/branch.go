package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The types of the conditions of the Environment that this host follows.
const (
	Followed      = "Followed"  // what the branch says is in force
	ConfirmedType = "Confirmed" // the revision in force has proved itself
)

// follows are the conditions of an Environment whose branch this host follows; none
// where it follows none.
func (v View) follows(o desired.Object) []Condition {
	src := v.Have.Source
	if o.Kind != "Environment" || o.Metadata.Name != environment(v.Want) || src.Wanted == "" {
		return []Condition{}
	}
	followed := Condition{Type: Followed, Status: True, Reason: "Current", Message: strings.TrimSuffix(src.Subject+" ("+src.Author+")", " ()")}
	switch q, bad := v.Past.Quarantined[src.Wanted]; {
	case src.Refused != "":
		followed.Status, followed.Reason, followed.Message = False, string(src.Refused), src.Detail
	case v.Past.Pinned != nil:
		followed.Status, followed.Reason, followed.Message = False, "Pinned", "pinned by "+cmp.Or(v.Past.Pinned.Actor, "a human")+" until: evenkeel resume host"
	case bad:
		followed.Status, followed.Reason, followed.Message = False, string(state.Quarantined), q.Why
	case src.Silent != "":
		followed.Status, followed.Reason, followed.Message = Unknown, "Unreachable", src.Silent
	case v.Want.Revision != src.Wanted:
		followed.Status, followed.Reason, followed.Message = False, string(state.InProgress), "it is being put in force"
	}
	confirmed := Condition{Type: ConfirmedType, Status: True, Reason: "Proved"}
	if all := v.Past.Confirmed; len(all) > 0 && all[len(all)-1].Name == v.Want.Revision {
		confirmed.Message = all[len(all)-1].Unjudged
	}
	if on := v.Past.Provisional; on != nil {
		confirmed.Status, confirmed.Reason = False, "Provisional"
		i := slices.IndexFunc(v.Plan.Held, func(h state.Held) bool { return h.Object == "Host/"+v.Want.Host.Name && h.Reason == state.Verifying })
		if i >= 0 {
			confirmed.Message = v.Plan.Held[i].Detail
		}
	}
	out := []Condition{followed, confirmed}
	for i := range out {
		out[i].ObservedGeneration = v.Want.Revision
	}
	return out
}
