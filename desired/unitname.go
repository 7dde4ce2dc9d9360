package desired

import (
	"errors"
	"fmt"
	"strings"
)

// MaxUnitName is systemd's limit on the length of a unit's name.
const MaxUnitName = 255

// unitSuffixes are the types of units that can be declared. The others
// (targets, mounts, slices, …) belong to the host, not to a service.
var unitSuffixes = []string{"service", "socket", "timer", "path"}

// UnitName is the name of a unit, taken apart.
type UnitName struct {
	Prefix   string // before the @, or all but the suffix
	Instance string // between @ and suffix; empty for a template and for a plain unit
	Suffix   string // service, socket, timer or path
	At       bool   // the name holds an @: an instance, or a template if Instance is empty
}

// ParseUnitName takes a name apart, by systemd's grammar.
func ParseUnitName(name string) (UnitName, error) {
	var u UnitName
	if name == "" {
		return u, errors.New("the name of the unit is empty")
	}
	if len(name) > MaxUnitName {
		return u, fmt.Errorf("%q… is %d characters long; systemd allows %d", name[:32], len(name), MaxUnitName)
	}
	for i := 0; i < len(name); i++ {
		if !unitChar(name[i]) {
			return u, fmt.Errorf(`%q: the character %q cannot stand in the name of a unit; systemd knows letters, digits and :-_.\@`, name, firstRune(name[i:]))
		}
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return u, fmt.Errorf("%q has no type; write %s.service", name, name)
	}
	u.Prefix, u.Suffix = name[:dot], name[dot+1:]
	if !knownSuffix(u.Suffix) {
		return u, fmt.Errorf("%q: units of type %q cannot be declared; service, socket, timer and path can", name, u.Suffix)
	}
	if at := strings.IndexByte(u.Prefix, '@'); at >= 0 {
		u.At, u.Instance, u.Prefix = true, u.Prefix[at+1:], u.Prefix[:at]
	}
	if u.Prefix == "" || name[0] == '.' {
		return u, fmt.Errorf("%q: the name must not begin with %q", name, name[:1])
	}
	return u, nil
}

// Template tells the name of a template: x@.service.
func (u UnitName) Template() bool { return u.At && u.Instance == "" }

// With is the name of an instance of the template.
func (u UnitName) With(instance string) string { return u.Prefix + "@" + instance + "." + u.Suffix }

func unitChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(`:-_.\@`, c) >= 0
}

func knownSuffix(s string) bool {
	for _, k := range unitSuffixes {
		if s == k {
			return true
		}
	}
	return false
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
