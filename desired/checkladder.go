package desired

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// ladder checks the rungs of remedies, runbooks and tasks by themselves: what
// they name of other objects is held against those when all are known.
func (c *checker) ladder(kind, field string, steps []Do) {
	for i, d := range steps {
		at := index(field, i)
		c.belongs(kind, at, d)
		switch {
		case d.Do == "" || strings.Contains(d.Do, "$("):
		case !doName().MatchString(d.Do):
			c.bad(at+".do", "%q is not an action; write ACTUATOR.VERB or a short name like restart", shorten(d.Do))
		default:
			c.rung(kind, at, d)
		}
		if d.Gather != "" && !strings.Contains(d.Gather, "$(") {
			c.collector(at, d)
		}
	}
}

// belongs checks what a rung may have beside what it does: by what it is, and by
// the kind of the object whose ladder it is part of.
func (c *checker) belongs(kind, at string, d Do) {
	if d.Owner != "" && d.Ask == "" {
		c.bad(at+".owner", "belongs to ask")
	}
	if d.Verify != nil && d.Ask != "" {
		c.bad(at+".verify", "an answer cannot be verified")
	}
	if d.Verify != nil && d.Gather != "" {
		c.bad(at+".verify", "gathering changes nothing that could be verified")
	}
	if d.Approve != "" && d.Do == "" && d.Gather+d.Ask != "" {
		c.bad(at+".approve", "belongs to do")
	}
	if d.When != "" && kind != "Runbook" {
		c.bad(at+".when", "belongs to the rungs of a Runbook")
	}
	if d.Approve != "" && kind == "Service" {
		c.bad(at+".approve", "belongs to the rungs of a Runbook or a Task; what remedies wait for, the host's policy says (actions)")
	}
}

// rung checks the action of a rung and what it is given.
func (c *checker) rung(kind, at string, d Do) {
	v, known := doVerbs[d.Do]
	if !known {
		if _, _, plugin := ofPlugin(d.Do); !plugin {
			c.bad(at+".do", "there is no action %s%s", shorten(d.Do), DidYouMean(d.Do, sorted(doVerbs)))
		}
		return // of a plugin only the plugin knows more
	}
	own := kind == "Service"
	with := d.With
	if own && v.whose && with["service"] != nil {
		c.bad(at+".with.service", "a Service's own remedies act on itself; leave it out, or write a Runbook")
		with = maps.Clone(with)
		delete(with, "service")
	}
	c.given(at, d.Do, v, with, own)
}

// given checks what a rung is given, by the keys that its verb takes.
func (c *checker) given(at, verb string, v doVerb, with map[string]any, own bool) {
	var keys []string
	for _, k := range v.keys(own) {
		keys = append(keys, k.name)
		if k.need && with[k.name] == nil {
			c.bad(at+".with", "%s needs %s", verb, k.name)
		}
	}
	for _, key := range sorted(with) {
		field, value := at+".with."+key, with[key]
		switch {
		case slices.Contains(keys, key):
			if value != nil && !v.kind(key).takes(value) {
				c.bad(field, "want %s", v.kind(key).wants())
			}
		case v.open:
		case len(keys) == 0:
			c.bad(field, "%s takes nothing", verb)
		default:
			c.bad(field, "%s does not know %s; it takes %s%s", verb, shorten(key), list(keys), DidYouMean(key, keys))
		}
	}
}

func list(words []string) string { return strings.Join(words, ", ") }

// ofPlugin parts the action of an operator's plugin; any other is evenkeel's own
// to know.
func ofPlugin(do string) (name, verb string, ok bool) {
	name, verb, ok = strings.Cut(do, ".")
	return name, verb, ok && !slices.Contains(OwnActuators, name)
}

var (
	shareForm = lazily(`^(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)%$`)
	sizeForm  = lazily(`^[1-9][0-9]*[KMGT]?$`)
)

// takes tells whether a value makes sense; one with a variable in it may.
func (k wordKind) takes(value any) bool {
	s, isText := value.(string)
	if isText && strings.Contains(s, "$(") {
		return true
	}
	switch k {
	case written, cacheName, dbName, svcName, endpointName:
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
		return shareForm().MatchString(s) && strings.Trim(s, "0.%") != ""
	case span:
		d, err := ParseDuration(s)
		return err == nil && d > 0
	case size:
		return sizeForm().MatchString(s)
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
	case endpointName:
		return "the name of an Endpoint"
	}
	return "a text"
}
