package files

import "strings"

// unitSuffixes are the types of units that have unit files.
var unitSuffixes = map[string]bool{
	"service": true, "socket": true, "target": true, "device": true, "mount": true, "automount": true,
	"swap": true, "timer": true, "path": true, "slice": true, "scope": true,
}

// validUnit tells whether a name follows systemd's grammar.
func validUnit(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || len(name) > 255 || !unitSuffixes[name[dot+1:]] || name[0] == '@' {
		return false
	}
	for i := range dot {
		if !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@", rune(name[i])) {
			return false
		}
	}
	return true
}

// splitUnit takes a name apart: x@1.service into x, 1 and service; at tells
// whether there is an @ at all.
func splitUnit(name string) (prefix, instance, suffix string, at bool) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return name, "", "", false
	}
	prefix, suffix = name[:dot], name[dot+1:]
	prefix, instance, at = strings.Cut(prefix, "@")
	return prefix, instance, suffix, at
}

// isTemplate tells x@.service.
func isTemplate(name string) bool {
	_, instance, _, at := splitUnit(name)
	return at && instance == ""
}

// isInstance tells x@1.service.
func isInstance(name string) bool {
	_, instance, _, at := splitUnit(name)
	return at && instance != ""
}

// templateOf is x@.service for x@1.service and for itself; empty for a name
// without an @.
func templateOf(name string) string {
	prefix, _, suffix, at := splitUnit(name)
	if !at {
		return ""
	}
	return prefix + "@." + suffix
}

// withInstance is x@1.service for x@.service and 1.
func withInstance(template, instance string) string {
	prefix, _, suffix, _ := splitUnit(template)
	return prefix + "@" + instance + "." + suffix
}
