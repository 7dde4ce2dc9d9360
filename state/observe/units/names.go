package units

import "strings"

// badName says why a name cannot be looked up, or "". systemd leaves a name
// without a known suffix out of its answer, and refuses all names together with
// a template that has no instance.
func badName(name string) string {
	dot := strings.LastIndexByte(name, '.')
	switch {
	case name == "" || dot <= 0 || len(name) > 255:
		return "not a unit name"
	case !suffixes[name[dot+1:]]:
		return "not a unit name: unknown suffix " + name[dot:]
	}
	prefix, instance, templ := strings.Cut(name[:dot], "@")
	switch {
	case prefix == "" || !legal(prefix) || templ && !legal(instance):
		return "not a unit name: it may hold letters, digits and :-_.\\ and one @"
	case templ && instance == "":
		return "a template, not a unit: name an instance"
	}
	return ""
}

var suffixes = map[string]bool{
	"service": true, "socket": true, "device": true, "mount": true, "automount": true, "swap": true,
	"target": true, "path": true, "timer": true, "slice": true, "scope": true,
}

func legal(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(`:-_.\@`, c) >= 0 {
			continue
		}
		return false
	}
	return true
}
