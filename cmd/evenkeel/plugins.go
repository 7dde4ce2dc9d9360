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
	"github.com/pakashop/evenkeel/actuators/exec"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/git"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/postgres"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/desired"
)

// roles are the actuators of this program that run as plugins, by name: each in
// a process of its own, started when it is needed.
var roles = map[string]role{
	cache.Name:    {make: func(settings) actuators.Actuator { return cache.New(version) }},
	postgres.Name: {make: func(settings) actuators.Actuator { return postgres.New(version) }, user: "nobody"},
	gather.Name:   {make: func(settings) actuators.Actuator { return gather.New(version) }, user: "nobody"},
	git.Name:      {make: func(settings) actuators.Actuator { return git.New(version) }, user: "nobody"},
	exec.Name:     {make: func(s settings) actuators.Actuator { return exec.New(exec.Options{Version: version, State: s.Exec}) }},
}

// role is one of them.
type role struct {
	make func(settings) actuators.Actuator
	user string // whom it runs as; empty: root, as evenkeel does
}

// settings are what roles get as their config.
type settings struct {
	Exec string `json:"exec,omitempty"` // the folder of what exec did by Key
}

// play is the main of a plugin process, and returns its exit code.
func play(name string) int {
	r, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "evenkeel has no actuator %q\n", name)
		return exitTrouble
	}
	var s settings
	if err := wire.Config(&s); err != nil {
		fmt.Fprintln(os.Stderr, "evenkeel:", err)
		return exitTrouble
	}
	wire.Serve(r.make(s))
	return 0
}

// plugins are those of this program and those that the operator declares.
type plugins struct {
	*host.Host
	own []host.Spec
}

// newPlugins starts none. What they must remember lies in the state folder, their
// sockets in the other.
func newPlugins(stateDir, folder string, log *slog.Logger) (plugins, error) {
	stateDir, err := filepath.Abs(stateDir)
	if err != nil {
		return plugins{}, err
	}
	var own []host.Spec
	for _, name := range slices.Sorted(maps.Keys(roles)) {
		spec := host.Spec{Name: name, Role: name, User: roles[name].user}
		switch name {
		case exec.Name:
			spec.Config = map[string]any{"exec": filepath.Join(stateDir, "exec")}
		case git.Name:
			spec.User = gitUser()
		}
		own = append(own, spec)
	}
	h, err := host.New(own, host.Options{Folder: folder, Cgroup: host.OwnCgroup(), Logger: log})
	return plugins{h, own}, err
}

// Declare adds the operator's plugins to those of this program.
func (p plugins) Declare(declared []desired.Actuator) error {
	specs := slices.Clone(p.own)
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
			a = r.make(settings{})
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
