package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/cache"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/postgres"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/desired"
)

// roles are the actuators of this program that run as plugins, by name: each in
// a process of its own, which links what the controller need not load.
var roles = map[string]role{
	cache.Name:    {make: func() actuators.Actuator { return cache.New(version) }},
	postgres.Name: {make: func() actuators.Actuator { return postgres.New(version) }, user: "nobody"},
}

// role is one of them.
type role struct {
	make func() actuators.Actuator
	user string // whom it runs as; empty: root, as evenkeel does
}

// play is the main of a plugin process, and returns its exit code.
func play(name string) int {
	r, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "evenkeel has no actuator %q\n", name)
		return exitTrouble
	}
	wire.Serve(r.make())
	return 0
}

// plugins are those of this program and those that the operator declares.
type plugins struct{ *host.Host }

// newPlugins starts none.
func newPlugins(log *slog.Logger) (plugins, error) {
	h, err := host.New(ownPlugins(), host.Options{
		Folder: filepath.Join(defaultRuntime, "plugins"), Cgroup: host.OwnCgroup(), Logger: log,
	})
	return plugins{h}, err
}

func ownPlugins() []host.Spec {
	var specs []host.Spec
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		specs = append(specs, host.Spec{Name: name, Role: name, User: roles[name].user})
	}
	return specs
}

// Declare adds the operator's plugins to those of this program.
func (p plugins) Declare(declared []desired.Actuator) error {
	specs := ownPlugins()
	for _, a := range declared {
		specs = append(specs, host.Spec{Name: a.Name, Path: a.Spec.Path, SHA256: a.Spec.SHA256, Config: a.Spec.Config, User: a.Spec.User})
	}
	return p.Host.Declare(specs)
}

// infos asks the operator's plugins what they can do; those of this program are
// known without a process. One that does not say has no verbs, and the error
// says why.
func (p plugins) infos(ctx context.Context) ([]actuators.Info, error) {
	var out []actuators.Info
	var silent []error
	for _, name := range p.Names() {
		a, err := p.Actuator(name)
		if r, own := roles[name]; own {
			a = r.make()
		} else if err != nil {
			continue // it was taken away meanwhile
		}
		i, err := a.Info(ctx)
		if err != nil {
			silent = append(silent, err)
			i = actuators.Info{Name: name}
		}
		out = append(out, i)
	}
	return out, errors.Join(silent...)
}
