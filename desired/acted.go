package desired

import (
	"encoding/json"
	"slices"
	"strings"
)

// Cache is a Cache object as this host may act on it.
type Cache struct {
	Name   string    `json:"name"`
	Spec   CacheSpec `json:"spec"`
	Digest string    `json:"digest"` // of the spec
}

// Database is a Database object as this host may act on it.
type Database struct {
	Name   string       `json:"name"`
	Spec   DatabaseSpec `json:"spec"`
	Digest string       `json:"digest"` // of the spec, in which a secret is a reference
}

// Actuator is a plugin of the operator's own.
type Actuator struct {
	Name string       `json:"name"`
	Spec ActuatorSpec `json:"spec"`
}

// Cache finds a Cache by its name.
func (s *Set) Cache(name string) (*Cache, bool) {
	return named(s.Caches, name, func(c *Cache) string { return c.Name })
}

// Database finds a Database by its name.
func (s *Set) Database(name string) (*Database, bool) {
	return named(s.Databases, name, func(d *Database) string { return d.Name })
}

func named[T any](all []T, name string, of func(*T) string) (*T, bool) {
	for i := range all {
		if of(&all[i]) == name {
			return &all[i], true
		}
	}
	return nil, false
}

// acted takes what actuators act on, and the plugins, from the objects, which
// are sorted. One whose spec could not be read has been complained of.
func (set *Set) acted() {
	for _, o := range set.Objects {
		switch name := o.Metadata.Name; o.Kind {
		case "Cache":
			if spec, ok := spec[CacheSpec](o); ok {
				set.Caches = append(set.Caches, Cache{name, spec, brief(o.Spec)})
			}
		case "Database":
			if spec, ok := spec[DatabaseSpec](o); ok {
				set.Databases = append(set.Databases, Database{name, spec, brief(o.Spec)})
			}
		case "Actuator":
			if spec, ok := spec[ActuatorSpec](o); ok {
				set.Actuators = append(set.Actuators, Actuator{name, spec})
			}
		}
	}
}

// brief is a digest that only has to change with the spec, and is read by people.
func brief(spec []byte) string { return Digest(spec)[:12] }

func spec[T any](o Object) (T, bool) {
	var s T
	err := json.Unmarshal(o.Spec, &s) // one that could not be read is empty, which is an error
	return s, err == nil
}

// OwnActuators are the names that no plugin may take: evenkeel's actuators,
// those that a later version brings among them.
var OwnActuators = []string{"systemd", "file", "cache", "postgres", "exec", "git", "notify", "journal", "failover", "scale", "state", "revision", "ask", Gatherer}

// goodPlugin tells what the name of a plugin may be: it is part of a program's
// life on the host, and stands before the dot in NAME.VERB.
func goodPlugin(name string) bool {
	return len(name) <= 32 && name != "" && name[0] >= 'a' && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (c *checker) plugin(name string) {
	switch {
	case slices.Contains(OwnActuators, name):
		c.errorf("metadata.name", "evenkeel has an actuator %s of its own; choose another name", name)
	case !goodPlugin(name):
		c.errorf("metadata.name", "an actuator's name has lower-case letters, digits and -, at most 32, and begins with a letter")
	}
}
