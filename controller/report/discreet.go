package report

import (
	"slices"
	"strings"
)

// Discreet is the diff without the digests of what is sensitive: in a comment on a
// change somebody could tell from them whether he has guessed right.
func (d Diff) Discreet(sensitive func(path string) bool) Diff {
	d.Steps, d.Held = slices.Clone(d.Steps), slices.Clone(d.Held)
	for i := range d.Steps {
		s := &d.Steps[i]
		if s.Actuator != "file" || !sensitive(s.Target) {
			continue
		}
		if s.Diff != "" {
			s.Diff = "changed, sensitive"
		}
		s.Fields = discreet(s.Fields, sensitive)
	}
	for i := range d.Held {
		h := &d.Held[i]
		h.Fields = discreet(h.Fields, sensitive)
		h.Diffs = slices.Clone(h.Diffs)
		for j, text := range h.Diffs {
			if strings.HasSuffix(text, ", sensitive") || strings.HasSuffix(text, ", not shown") {
				h.Diffs[j] = "changed, sensitive"
			}
		}
	}
	return d
}

func discreet(fields []Field, sensitive func(path string) bool) []Field {
	out := slices.Clone(fields)
	for i := range out {
		path, _, _ := strings.Cut(out[i].Path, ":")
		for _, v := range []*string{&out[i].Desired, &out[i].Observed} {
			if sensitive(path) && strings.HasPrefix(*v, "sha256:") {
				*v = hidden
			}
		}
	}
	return out
}
