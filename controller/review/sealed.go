package review

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/controller/report"
)

// Sealed is a file whose source is encrypted.
type Sealed struct {
	Object string // whose it is
	Path   string // where it will lie
}

// sealed adds what changes in encrypted sources: that it does, and that what comes
// of it is known on hosts alone.
func (r *reviewer) sealed() {
	all := slices.SortedFunc(maps.Keys(r.change.SealedAfter), func(a, b Sealed) int {
		return cmp.Or(report.CompareRefs(a.Object, b.Object), strings.Compare(a.Path, b.Path))
	})
	for _, s := range all {
		old, had := r.change.SealedBefore[s]
		if !had || old == r.change.SealedAfter[s] {
			continue
		}
		i := slices.IndexFunc(r.Objects, func(c report.Changed) bool { return c.Object == s.Object })
		if i < 0 {
			o, ok := r.object(s.Object)
			if !ok || !r.concerns(o) {
				continue
			}
			i = len(r.Objects)
			r.Objects = append(r.Objects, report.Unchanged(o))
		}
		r.Objects[i] = r.Objects[i].Secretly("content of " + s.Path)
		r.Gaps = append(r.Gaps, report.Gap{Object: s.Object, Source: "file:" + s.Path, Detail: "only hosts can decrypt what changes: that it is written, and what is restarted for it, is not shown"})
	}
	slices.SortStableFunc(r.Objects, func(a, b report.Changed) int { return report.CompareRefs(a.Object, b.Object) })
	slices.SortStableFunc(r.Gaps[1:], func(a, b report.Gap) int { return report.CompareRefs(a.Object, b.Object) })
}
