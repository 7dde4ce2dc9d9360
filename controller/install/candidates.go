package install

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Unit is one that was found on the host.
type Unit struct {
	Name        string
	Description string
	Own         bool // its file lies where an administrator puts units, not a package
	Live        bool // systemd has it active, starting, stopping or failed
	Enabled     bool // it is started at boot
}

// Allowed is one line of a policy's units.
type Allowed struct {
	Glob    string // as policy takes it
	Comment string
}

// family is how many units of one prefix are put together as PREFIX-*.
const family = 3

// Candidates proposes what a policy may name: units of an administrator's own,
// and those of packages that are live and enabled; nothing that is protected or
// that is not started as a service, timer, socket or path. Instances of a
// template, and families such as app-api, app-web and app-worker, are one line.
func Candidates(units []Unit) []Allowed {
	var own, vendor []Unit
	for _, u := range units {
		switch {
		case !manageable(u.Name) || desired.BuiltInPolicy().Protected(u.Name):
		case u.Own:
			own = append(own, u)
		case u.Live && u.Enabled:
			vendor = append(vendor, u)
		}
	}
	byName := func(a, b Unit) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(own, byName)
	slices.SortFunc(vendor, byName)
	return slices.Concat(together(own, ownGroup(own)), together(vendor, templateOf))
}

func manageable(unit string) bool {
	for _, kind := range []string{".service", ".timer", ".socket", ".path"} {
		if strings.HasSuffix(unit, kind) {
			return true
		}
	}
	return false
}

// templateOf is "postgresql@" for an instance or template, else empty.
func templateOf(unit string) string {
	if i := strings.IndexByte(unit, '@'); i > 0 {
		return unit[:i+1]
	}
	return ""
}

// ownGroup puts instances together, and families by what stands before the
// first dash. Units of packages are never a family: "systemd-" or "apt-" would
// allow what nobody has looked at.
func ownGroup(own []Unit) func(string) string {
	size := map[string]int{}
	for _, u := range own {
		size[prefixOf(u.Name)]++
	}
	return func(unit string) string {
		if p := prefixOf(unit); p != "" && size[p] >= family {
			return p
		}
		return templateOf(unit)
	}
}

func prefixOf(unit string) string {
	stem, _, _ := strings.Cut(unit, ".")
	if i := strings.IndexByte(stem, '-'); i > 1 {
		return stem[:i+1]
	}
	return ""
}

// together makes lines of units that are sorted by name.
func together(units []Unit, group func(string) string) []Allowed {
	var lines []Allowed
	members := map[string][]Unit{}
	for _, u := range units {
		if g := group(u.Name); g != "" {
			members[g] = append(members[g], u)
		}
	}
	for _, u := range units {
		g := group(u.Name)
		switch all := members[g]; {
		case g == "":
			lines = append(lines, Allowed{escapeGlob(u.Name), u.Description})
		case all[0].Name != u.Name: // said already
		case len(all) == 1:
			lines = append(lines, Allowed{escapeGlob(g) + "*", u.Name + ", " + u.Description})
		default:
			lines = append(lines, Allowed{escapeGlob(g) + "*", fmt.Sprintf("%d units: %s … %s", len(all), all[0].Name, all[len(all)-1].Name)})
		}
	}
	return lines
}

// escapeGlob writes a unit's name so that as a pattern it means itself: a
// systemd-escaped name has backslashes.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `[`, `\[`, `*`, `\*`, `?`, `\?`).Replace(name)
}
