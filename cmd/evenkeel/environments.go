package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
)

// environmentKind is the kind that says where everything else is; it is looked at
// without a host, and without one of them being chosen.
const environmentKind = "Environment"

// environments reads each environment of desired state as a whole, by its name.
func (a *app) environments(paths []string) ([]string, map[string]api.View, error) {
	o := read.Options{Policy: desired.BuiltInPolicy(), Everywhere: true, Origins: true}
	names, problems := read.Environments(paths, o)
	views := make(map[string]api.View, len(names))
	for _, name := range names {
		o.Environment = name
		set, found := read.Load(paths, o)
		problems = problems.With(found)
		if set != nil {
			declare(set, name)
			views[name] = api.View{Want: set, Past: state.UnknownPast(), Now: state.Time{Wall: time.Now()}}
		}
	}
	bad := problems.Errors()
	for _, p := range bad {
		a.say("%s", p)
	}
	if len(bad) > 0 {
		return nil, nil, trouble(errors.New(strings.TrimSuffix(many(len(bad), "the desired state", paths), " and") + ", so that its environments are not known"))
	}
	return names, views, nil
}

// getEnvironments lists them.
func (a *app) getEnvironments() (report.List, error) {
	l := report.List{Items: []report.Object{}}
	names, views, err := a.environments(a.defaultPaths())
	for _, name := range names {
		for _, o := range views[name].Get(environmentKind).Items {
			if o.Metadata.Name == name {
				l.Items = append(l.Items, o)
			}
		}
	}
	return l, err
}

// declare adds an environment of which there are only overlays.
func declare(set *desired.Set, name string) {
	o := desired.Object{APIVersion: desired.APIVersion, Kind: environmentKind, Metadata: desired.Meta{Name: name}, Spec: json.RawMessage("{}")}
	if !slices.ContainsFunc(set.Objects, func(d desired.Object) bool { return d.Ref() == o.Ref() }) {
		set.Objects = append(set.Objects, o)
	}
}

// describeEnvironment shows one in full.
func (a *app) describeEnvironment(object string) (report.Description, error) {
	_, views, err := a.environments(a.defaultPaths())
	if err != nil {
		return report.Description{}, err
	}
	name := strings.TrimPrefix(object, environmentKind+"/")
	if v, ok := views[name]; ok {
		if d, ok := v.Describe(object, nil); ok {
			return d, nil
		}
	}
	return report.Description{}, &exit{exitUnknown, fmt.Errorf("unknown object %s", object)}
}
