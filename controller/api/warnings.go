package api

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

var place = regexp.MustCompile(`^(.+):(\d+):\d+: `)

// warningsOf are the warnings about one object: those that were written in its
// document, or in that of the Defaults from which it has a value.
func (v View) warningsOf(object string) []string {
	docs := map[string]bool{object: true}
	for _, o := range v.Want.Objects {
		if o.Ref() != object {
			continue
		}
		for _, origin := range o.Origin {
			if strings.HasPrefix(origin, "Defaults/") {
				docs[origin] = true
			}
		}
	}
	out := []string{}
	for _, w := range v.Warnings {
		if docs[v.document(w)] {
			out = append(out, w)
		}
	}
	return out
}

// document names the object in whose document a warning lies: the last that
// begins at or before it.
func (v View) document(warning string) string {
	m := place.FindStringSubmatch(warning)
	if m == nil {
		return ""
	}
	line, _ := strconv.Atoi(m[2])
	var best desired.Object
	for _, o := range v.Want.Objects {
		if o.Pos.File == m[1] && o.Pos.Line <= line && o.Pos.Line >= best.Pos.Line {
			best = o
		}
	}
	return best.Ref()
}
