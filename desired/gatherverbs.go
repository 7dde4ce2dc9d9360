package desired

import (
	"fmt"
	"regexp"
	"strings"
)

// gatherVerbs are the collectors of evidence, by what is written after `gather`.
// Each reads and changes nothing. A cache or a database need not be named where there
// is only one.
var gatherVerbs = map[string]doVerb{
	"redis.ttls":        evidence("redis.ttls", "cache", withKey{"cache", cacheName, false}),
	"redis.info":        evidence("redis.info", "cache", withKey{"cache", cacheName, false}),
	"postgres.activity": evidence("postgres.activity", "database", withKey{"database", dbName, false}),
	"postgres.slow":     evidence("postgres.slow", "database", withKey{"database", dbName, false}),
	"logs.search": evidence("logs.search", "",
		withKey{"service", svcName, false}, withKey{"trace", written, false}, withKey{"grep", written, false},
		withKey{"since", span, false}, withKey{"priority", written, false}, withKey{"field", written, false}),
	"http.status":       evidence("http.status", "", withKey{"url", written, false}, withKey{"endpoint", endpointName, false}),
	"metrics.query":     evidence("metrics.query", "", withKey{"expr", written, true}, withKey{"title", written, false}),
	"metrics.exemplars": evidence("metrics.exemplars", "", withKey{"expr", written, true}),
	"changes.recent":    evidence("changes.recent", "", withKey{"since", span, false}),
}

func evidence(name, target string, with ...withKey) doVerb {
	return doVerb{actuator: Gatherer, verb: name, target: target, with: with}
}

// Gatherer is the actuator that collects evidence.
const Gatherer = "gather"

// collector checks a rung that gathers, and what it is given.
func (c *checker) collector(at string, d Do) {
	v, known := gatherVerbs[d.Gather]
	if !known {
		hint := DidYouMean(d.Gather, sorted(gatherVerbs))
		if hint == "" {
			hint = "; there are " + list(sorted(gatherVerbs))
		}
		c.bad(at+".gather", "there is no collector %s%s", shorten(d.Gather), hint)
		return
	}
	c.given(at, d.Gather, v, d.With, false)
	if d.Gather == "logs.search" {
		c.expression(at+".with.grep", d.With["grep"])
	}
	if d.Gather == "http.status" && (d.With["url"] == nil) == (d.With["endpoint"] == nil) {
		c.bad(at+".with", "http.status needs url or endpoint, and not both")
	}
}

// maxGrep bounds a regular expression over logs, in bytes, as its collector does.
const maxGrep = 1000

// expression checks a regular expression over logs: one that is none would be found out
// when it is needed. A label in it is a word, see patterned.
func (c *checker) expression(at string, value any) {
	text, _ := value.(string)
	text, _ = Expand(text, func(string) (string, bool) { return "x", true })
	if len(text) > maxGrep {
		c.bad(at, "is longer than %d bytes", maxGrep)
	} else if _, err := regexp.Compile(text); err != nil {
		c.bad(at, "is no regular expression of RE2: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// theOnly finds what a collector reads where its rung does not say: the one Redis,
// the one database.
func (s *Set) theOnly(kind string) (string, error) {
	var names []string
	switch kind {
	case "Cache":
		for _, c := range s.Caches {
			if c.Spec.Redis != nil {
				names = append(names, c.Name)
			}
		}
	case "Database":
		for _, d := range s.Databases {
			names = append(names, d.Name)
		}
	}
	switch len(names) {
	case 0:
		return "", fmt.Errorf("no %s is declared that it could read", kind)
	case 1:
		return names[0], nil
	}
	return "", fmt.Errorf("say which %s it reads: %s", kind, list(names))
}

// unnamed checks that a collector which does not say what it reads can read only one
// thing.
func (c *compiler) unnamed(set *Set, object, at string, d Do) {
	target := gatherVerbs[d.Gather].target
	kind := map[string]string{"cache": "Cache", "database": "Database"}[target]
	if kind == "" || d.With[target] != nil {
		return
	}
	if _, err := set.theOnly(kind); err != nil {
		c.add(Finding{Object: object, Field: at + ".gather", Message: at + ".with." + target + ": " + err.Error()})
	}
}
