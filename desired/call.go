package desired

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Call is what a rung asks of an actuator, as plain data. A Call without an
// Actuator is evenkeel's own doing: rollback, failover, scale, escalate.
type Call struct {
	Actuator string
	Verb     string
	Target   string            // empty for what acts on the service whose rung it is
	Args     map[string]string // nil: none
}

// words are what the rung may be given; of a plugin's nothing is known.
func (d Do) words() doVerb {
	if d.Gather != "" {
		return gatherVerbs[d.Gather]
	}
	return doVerbs[d.Do]
}

// Service is whom the rung of a runbook or a task acts on; empty: whom the alert is
// about.
func (d Do) Service() string {
	if !d.words().whose {
		return ""
	}
	return word(d.With[whoseKey.name])
}

// Call translates a rung with `do` or `gather`, whose words must have been checked.
// What a Cache or a Database is, only a Set knows: see Set.Call.
func (d Do) Call() Call {
	v := d.words()
	if v.actuator == "" && v.verb == "" {
		name, verb, _ := strings.Cut(d.Do, ".")
		v = doVerb{actuator: name, verb: verb, target: "target"}
	}
	c := Call{Actuator: v.actuator, Verb: v.verb}
	for _, key := range sorted(d.With) {
		value := d.With[key]
		switch {
		case v.whose && key == whoseKey.name:
		case key == v.target && key == "argv":
			c.Target, value = argv(value)
			c.arg(key, words(value))
		case key == v.target:
			c.Target = word(value)
		case v.kind(key) == states:
			c.arg(key, strings.Join(texts(value), ","))
		case v.kind(key) == span:
			c.arg(key, duration(value))
		default:
			c.arg(key, word(value))
		}
	}
	return c
}

func (c *Call) arg(name, value string) {
	if c.Args == nil {
		c.Args = make(map[string]string)
	}
	c.Args[name] = value
}

// Call translates a rung and adds what the host is told of the object that it
// names: the digest of its spec, and the folder of an nginx cache, which the
// host's policy governs; the units of a Service, and the address of an Endpoint.
func (s *Set) Call(d Do) (Call, error) {
	c := d.Call()
	switch d.words().target {
	case "cache":
		if err := s.whole(&c, "Cache"); err != nil {
			return c, err
		}
		o, ok := s.Cache(c.Target)
		if !ok {
			return c, fmt.Errorf("no Cache is named %s", shorten(c.Target))
		}
		c.arg("declared", o.Digest)
		if o.Spec.Nginx != nil {
			c.arg("path", o.Spec.Nginx.Path)
		}
	case "database":
		if err := s.whole(&c, "Database"); err != nil {
			return c, err
		}
		o, ok := s.Database(c.Target)
		if !ok {
			return c, fmt.Errorf("no Database is named %s", shorten(c.Target))
		}
		c.arg("declared", o.Digest)
	}
	return c, s.gathers(&c, d)
}

// whole names what a collector reads where its rung does not.
func (s *Set) whole(c *Call, kind string) (err error) {
	if c.Actuator == Gatherer && c.Target == "" {
		c.Target, err = s.theOnly(kind)
	}
	return err
}

// duration is a length of time as Go writes it, which actuators read.
func duration(v any) string {
	d, err := ParseDuration(word(v))
	if err != nil {
		return word(v) // Check has said so
	}
	return d.Std().String()
}

// argv parts a command in its program and the rest.
func argv(v any) (program string, rest []any) {
	list, _ := v.([]any)
	if len(list) == 0 {
		return "", nil
	}
	return word(list[0]), list[1:]
}

// word is a value as an argument has it.
func word(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case int, int64, uint64, json.Number:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// words is a list of texts as an argument has it.
func words(v any) string {
	b, err := json.Marshal(texts(v))
	if err != nil {
		return "[]" // texts can always be encoded
	}
	return string(b)
}

// texts are the items of a list, or the one text that stands for a list.
func texts(v any) []string {
	list, ok := v.([]any)
	if !ok {
		if one := word(v); one != "" {
			return []string{one}
		}
		return []string{}
	}
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = word(one)
	}
	return out
}
