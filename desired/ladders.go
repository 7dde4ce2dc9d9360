package desired

import (
	"encoding/json"
	"slices"
	"strings"
)

// ladders holds what rungs name against the objects that there are: plugins,
// caches, databases, services. Objects that could not be read excuse it.
func (c *compiler) ladders(set *Set) {
	if c.in.Partial {
		return
	}
	names := map[string][]string{}
	for _, o := range set.Objects {
		names[o.Kind] = append(names[o.Kind], o.Metadata.Name)
	}
	for _, s := range c.in.Services {
		c.rungs(set, s.Object(), "spec.remedies", s.Spec.Remedies, names)
	}
	for _, o := range set.Objects {
		if o.Kind != "Runbook" && o.Kind != "Task" {
			continue
		}
		var spec struct {
			Steps []Do `json:"steps"`
		}
		if json.Unmarshal(o.Spec, &spec) == nil {
			if o.Kind == "Runbook" {
				c.wakes(o.Ref(), spec.Steps)
			}
			c.rungs(set, o.Ref(), "spec.steps", spec.Steps, names)
		}
	}
}

// wakes holds that what is declared stopped is started by a Runbook only where a
// human says so.
func (c *compiler) wakes(object string, steps []Do) {
	for i, d := range steps {
		call := d.Call()
		if d.Approve != "" || call.Actuator != "systemd" || call.Verb != "start" {
			continue
		}
		name := d.Service()
		if slices.ContainsFunc(c.in.Services, func(s *Service) bool { return s.Name == name && s.Spec.State == Stopped }) {
			at := index("spec.steps", i)
			c.add(Finding{Object: object, Field: at + ".do", Message: at + ".do: " + name + " is declared stopped, so that only a human's word starts it: write approve: always beside it"})
		}
	}
}

func (c *compiler) rungs(set *Set, object, field string, steps []Do, names map[string][]string) {
	for i, d := range steps {
		at := index(field, i)
		if name, _, ok := ofPlugin(d.Do); ok && !strings.Contains(d.Do, "$(") && !slices.Contains(names["Actuator"], name) {
			c.add(Finding{Object: object, Field: at + ".do", Message: at + ".do: there is no action " + shorten(d.Do) + ", and no Actuator is named " +
				shorten(name) + DidYouMean(d.Do, c.actions(names["Actuator"], d.Do))})
		}
		c.unnamed(set, object, at, d)
		c.asksUndeclared(set, object, at, d)
		v := d.words()
		for _, k := range v.keys(false) {
			kind := map[wordKind]string{cacheName: "Cache", dbName: "Database", svcName: "Service", endpointName: "Endpoint"}[k.kind]
			name, ok := d.With[k.name].(string)
			if kind == "" || !ok || name == "" || strings.Contains(name, "$(") || slices.Contains(names[kind], name) {
				continue
			}
			here := at + ".with." + k.name
			c.add(Finding{Object: object, Field: here, Message: here + ": no " + kind + " is named " + shorten(name) + DidYouMean(name, names[kind])})
		}
	}
}

// actions are what somebody may have meant: evenkeel's own, and the same verb of
// the plugins that there are.
func (c *compiler) actions(plugins []string, do string) []string {
	all := sorted(doVerbs)
	_, verb, _ := strings.Cut(do, ".")
	for _, p := range plugins {
		all = append(all, p+"."+verb)
	}
	return all
}
