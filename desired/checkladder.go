package desired

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ladder checks the rungs of remedies, runbooks and tasks by themselves: what
// they name of other objects is held against those when all are known.
func (c *checker) ladder(field string, steps []Do) {
	for i, d := range steps {
		at := index(field, i)
		switch {
		case d.Do == "" || strings.Contains(d.Do, "$("):
		case !doName.MatchString(d.Do):
			c.bad(at+".do", "%q is not an action; write ACTUATOR.VERB or a short name like restart", shorten(d.Do))
		default:
			c.rung(at, d)
		}
		if d.Gather != "" && !doName.MatchString(d.Gather) {
			c.bad(at+".gather", "%q is not the name of a collector", shorten(d.Gather))
		}
		if d.Owner != "" && d.Ask == "" {
			c.bad(at+".owner", "belongs to ask")
		}
		if d.Verify != nil && d.Ask != "" {
			c.bad(at+".verify", "an answer cannot be verified")
		}
	}
}

// rung checks the action of a rung and what it is given.
func (c *checker) rung(at string, d Do) {
	v, known := doVerbs[d.Do]
	if !known {
		if _, _, plugin := ofPlugin(d.Do); !plugin {
			c.bad(at+".do", "there is no action %s%s", shorten(d.Do), DidYouMean(d.Do, sorted(doVerbs)))
		}
		return // of a plugin only the plugin knows more
	}
	var keys []string
	for _, k := range v.with {
		keys = append(keys, k.name)
		if k.need && d.With[k.name] == nil {
			c.bad(at+".with", "%s needs %s", d.Do, k.name)
		}
	}
	for _, key := range sorted(d.With) {
		field, value := at+".with."+key, d.With[key]
		switch {
		case slices.Contains(keys, key):
			if value != nil && !v.kind(key).takes(value) {
				c.bad(field, "want %s", v.kind(key).wants())
			}
		case v.open:
		case len(keys) == 0:
			c.bad(field, "%s takes nothing", d.Do)
		default:
			c.bad(field, "%s does not know %s; it takes %s%s", d.Do, shorten(key), strings.Join(keys, ", "), DidYouMean(key, keys))
		}
	}
}

// ofPlugin parts the action of an operator's plugin; any other is evenkeel's own
// to know.
func ofPlugin(do string) (name, verb string, ok bool) {
	name, verb, ok = strings.Cut(do, ".")
	return name, verb, ok && !slices.Contains(OwnActuators, name)
}

var (
	shareForm = regexp.MustCompile(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`)
	sizeForm  = regexp.MustCompile(`^[1-9][0-9]*[KMGT]?$`)
)

// takes tells whether a value makes sense; one with a variable in it may.
func (k wordKind) takes(value any) bool {
	s, isText := value.(string)
	if isText && strings.Contains(s, "$(") {
		return true
	}
	switch k {
	case written, cacheName, dbName, svcName:
		return s != ""
	case number:
		n, ok := wholeNumber(value)
		return ok && n >= 1
	case whole:
		n, ok := wholeNumber(value)
		return ok && n != 0
	case flag:
		_, ok := value.(bool)
		return ok
	case share:
		return shareForm.MatchString(s) && strings.Trim(s, "0.%") != ""
	case span:
		d, err := ParseDuration(s)
		return err == nil && d > 0
	case size:
		return sizeForm.MatchString(s)
	case command:
		list, ok := value.([]any)
		if !ok || len(list) == 0 {
			return false
		}
		for _, one := range list {
			if _, ok := one.(string); !ok {
				return false
			}
		}
		program := list[0].(string)
		return strings.Contains(program, "$(") || path.IsAbs(program) && path.Clean(program) == program && program != "/"
	case states:
		for _, one := range texts(value) {
			if one != "idle" && one != "idle in transaction" {
				return false
			}
		}
		return len(texts(value)) > 0
	}
	return true
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == float64(int(v))
	}
	return 0, false
}

// wants says what a value should be.
func (k wordKind) wants() string {
	switch k {
	case number:
		return "a whole number, 1 or more"
	case whole:
		return "a whole number other than 0"
	case flag:
		return "true or false"
	case share:
		return "a share like 20%"
	case span:
		return "a duration like 10m"
	case size:
		return "a size like 500M or 1G"
	case command:
		return "a list: the absolute path of a program, and its arguments as texts"
	case states:
		return "idle, idle in transaction, or a list of both"
	case cacheName:
		return "the name of a Cache"
	case dbName:
		return "the name of a Database"
	case svcName:
		return "the name of a Service"
	}
	return "a text"
}
