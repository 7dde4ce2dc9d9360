package desired

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
)

// Rollout is how the chosen environment wants new revisions to prove themselves.
type Rollout struct {
	Branch       string   `json:"branch,omitempty"`       // the one that the environment says it follows
	ConfirmAfter Duration `json:"confirmAfter,omitempty"` // zero: not said
	Verify       *Argv    `json:"verify,omitempty"`
}

// Irreversible is the annotation of what cannot be taken back once it was put in
// force: a migration of a database, say. Its only value is "true".
const Irreversible = "evenkeel.dev/irreversible"

// ShortRevision is a revision as people write it: the first part of a commit's name,
// and anything else as it is.
func ShortRevision(name string) string {
	if len(name) >= 40 && strings.Trim(name, "0123456789abcdef") == "" {
		return name[:12]
	}
	return name
}

// Touched lists, by KIND/NAME and sorted, the Services and Endpoints of this host
// that differ between two revisions: declared, removed, or with other effective
// values, content or labels. Where something was written does not matter.
func Touched(old, next *Set) []string {
	was := bearings(old)
	is := bearings(next)
	var out []string
	for name, n := range is {
		if o, ok := was[name]; !ok || !reflect.DeepEqual(o, n) {
			out = append(out, name)
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// bearings are the Services and Endpoints of a host without the places where they
// were written.
func bearings(set *Set) map[string]any {
	all := make(map[string]any, len(set.Services)+len(set.Endpoints))
	for _, s := range set.Services {
		s.Pos, s.Folders = Pos{}, nil
		s.DropIns, s.Files = unplaced(s.DropIns), unplaced(s.Files)
		if s.UnitFile != nil {
			s.UnitFile = &unplaced([]Artifact{*s.UnitFile})[0]
		}
		all[s.Object()] = s
	}
	for _, e := range set.Endpoints {
		all[e.Object()] = e
	}
	return all
}

func unplaced(in []Artifact) []Artifact {
	out := slices.Clone(in)
	for i := range out {
		out[i].From = Pos{}
	}
	return out
}

// Final lists, by KIND/NAME and sorted, the objects marked irreversible that a
// revision adds or changes.
func Final(old, next *Set) []string {
	was := make(map[string]Object, len(old.Objects))
	for _, o := range old.Objects {
		was[o.Ref()] = o
	}
	var out []string
	for _, o := range next.Objects {
		if o.Metadata.Annotations[Irreversible] != "true" {
			continue
		}
		before, ok := was[o.Ref()]
		if !ok || !bytes.Equal(before.Spec, o.Spec) || before.Metadata.Annotations[Irreversible] != "true" {
			out = append(out, o.Ref())
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
