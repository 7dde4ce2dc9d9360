package read

import (
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// variables are what the strings of one object may name.
type variables struct {
	desired.Vars
	object   string
	instance string // empty: none; $(instance): it differs from unit to unit
	labels   bool   // those of an alert have a value later: a Runbook
	used     bool
	none     bool // there are none here: an Environment declares them
}

func environmentVars() *variables { return &variables{none: true} }

// nowhere looks up variables where there are none.
func nowhere(string) (string, bool) { return "", false }

// perUnit are the fields of a Service that are read once a unit, where
// $(instance) may therefore stand though the service has many.
var perUnit = []string{"files", "watch", "livenessProbe", "readinessProbe", "startupProbe", "metrics", "remedies"}

// expand replaces the variables of a text, except $(instance) where it differs
// and $$(…), which package desired replaces when it makes the units.
func (d *decoder) expand(n *node) string {
	if d.vars == nil || !strings.Contains(n.text, "$(") {
		return n.text
	}
	if d.vars.none {
		if _, unknown := desired.Expand(n.text, nowhere); len(unknown) > 0 {
			d.report(n, "%s: an Environment declares variables and cannot use any; write $$(%s) for the text itself", d.where(), unknown[0].Name)
		}
		return n.text
	}
	d.vars.used = true
	instance := d.vars.instance
	lookup := d.vars.Lookup(d.vars.object, instance)
	if d.vars.labels && d.words() {
		lookup = desired.KeepLabels(lookup)
	}
	s, unknown := desired.ExpandKeep(n.text, lookup)
	for _, u := range unknown {
		d.report(n, "%s: %s", d.where(), d.vars.Why(u.Name))
	}
	if instance == "$(instance)" && strings.Contains(s, instance) && !slices.Contains(perUnit, d.area()) {
		d.report(n, "%s: $(instance) has many values here, one for each replica; it can stand in %s", d.where(), strings.Join(perUnit, ", "))
	}
	return s
}

// words tells whether the value at hand is what a step is given.
func (d *decoder) words() bool {
	return len(d.path) > 4 && d.path[1] == "steps" && d.path[3] == "with"
}

// area is the field of spec that the value at hand lies in.
func (d *decoder) area() string {
	if len(d.path) < 2 {
		return ""
	}
	return d.path[1]
}

// instanceOf finds what $(instance) means for a service.
func instanceOf(unit string) string {
	u, err := desired.ParseUnitName(unit)
	switch {
	case err != nil:
		return ""
	case u.Template():
		return "$(instance)"
	}
	return u.Instance
}
