package adopt

import (
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// shareDropIns lets services whose drop-ins are the same, name and content, have
// them from one file.
func shareDropIns(all []*service) {
	users := map[string][]*File{}
	var order []string
	for _, s := range all {
		for i := range s.files {
			f := &s.files[i]
			if dir, name, ok := strings.Cut(strings.TrimPrefix(f.Path, "units/"), "/"); ok && dir != "" {
				key := name + "\x00" + desired.Digest(f.Content)
				if users[key] == nil {
					order = append(order, key)
				}
				users[key] = append(users[key], f)
			}
		}
	}
	taken := names{}
	for _, key := range order {
		if len(users[key]) < fewest {
			continue
		}
		name, _, _ := strings.Cut(key, "\x00")
		moved := "units/shared/" + taken.free(strings.TrimSuffix(name, ".conf")) + ".conf"
		for _, f := range users[key] {
			rename(all, f.Path, moved)
			f.Path = moved
		}
	}
}

func rename(all []*service, from, to string) {
	for _, s := range all {
		for i := range s.spec.DropIns {
			if s.spec.DropIns[i].Source == from {
				s.spec.DropIns[i].Source = to
			}
		}
	}
}
