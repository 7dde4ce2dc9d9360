package adopt

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// names gives units the names of their Services.
type names map[string]bool

// maxName leaves room for a number below the limit on names of objects.
const maxName = 190

var notInNames = regexp.MustCompile(`[^-a-z0-9@._]+`)

// of is the name of a unit's Service: that of the unit without .service, and for
// other types with a dash: once.timer is once-timer. What cannot stand in a name
// becomes a dash, and a name that is taken gets a number.
func (n names) of(id string) string {
	u, _ := desired.ParseUnitName(id)
	name := strings.TrimSuffix(id, "."+u.Suffix)
	if u.Suffix != "service" {
		name += "-" + u.Suffix
	}
	name = strings.Trim(notInNames.ReplaceAllString(strings.ToLower(name), "-"), "-@._")
	return n.free(name)
}

func (n names) free(name string) string {
	if name = name[:min(len(name), maxName)]; name == "" {
		name = "unit"
	}
	free := name
	for i := 2; n[free]; i++ {
		free = name + "-" + strconv.Itoa(i)
	}
	n[free] = true
	return free
}

// fileName is the name of a unit or drop-in as a file in the folder: what other
// systems could not hold becomes a dash.
func fileName(s string) string { return strings.NewReplacer(`\`, "-", ":", "-").Replace(s) }
