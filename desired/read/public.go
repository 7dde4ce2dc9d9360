package read

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// publicURL expands and checks the annotation that says where outsiders find a
// service. Where no environment is chosen, what depends on one stays as it was
// written: only those who look from outside need it, and they say so.
func (l *loader) publicURL(o *object) (string, Problems) {
	raw := o.meta.Annotations[desired.PublicURL]
	if raw == "" {
		return "", nil // an overlay takes it away
	}
	vars := l.vars
	vars.Host = "" // it is the same wherever somebody looks from
	later := false
	url, unknown := desired.ExpandKeep(raw, vars.Lookup(o.meta.Name, ""))
	for _, u := range unknown {
		switch {
		case u.Name == "host" || u.Name == "instance":
			return raw, o.badURL("$(" + u.Name + ") is another on each host; a public URL is one for all")
		case vars.Environment == "" && ofEnvironment(u.Name):
			later = true
		default:
			return raw, o.badURL(vars.Why(u.Name))
		}
	}
	if later {
		return raw, o.checkURL(raw)
	}
	return url, o.checkURL(url)
}

// checkURL checks a URL, in which variables that have no value may stand for
// something that would be right: the whole of it, too.
func (o *object) checkURL(url string) Problems {
	if strings.HasPrefix(url, "$(") {
		return nil
	}
	url, _ = desired.Expand(url, func(name string) (string, bool) { return "1", ofEnvironment(name) })
	if why := desired.CheckPublicURL(url); why != "" {
		return o.badURL(why)
	}
	return nil
}

// ofEnvironment tells the variables that an Environment gives a value.
func ofEnvironment(name string) bool {
	return slices.Contains([]string{"environment", "domain"}, name) || strings.HasPrefix(name, "vars.")
}

func (o *object) badURL(why string) Problems {
	return Problems{at(o.urlAt, "metadata.annotations: "+desired.PublicURL+": "+why)}
}
