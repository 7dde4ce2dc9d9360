package report

import (
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// moment is so long after noon, twelve hours after boot.
func moment(d time.Duration) state.Time {
	return state.Time{Wall: noon.Add(d), Up: 12*time.Hour + d, Boot: "boot-1"}
}

func until(d time.Duration) *state.Time {
	t := moment(d)
	return &t
}

// host is a small estate that a test bends: everything in it is as declared.
type host struct {
	View
	disk map[string]string // what lies at a path
	deny map[string]error  // what reading it says instead
}

func newHost(services ...desired.Service) *host {
	h := &host{disk: map[string]string{}, deny: map[string]error{}}
	h.Want = &desired.Set{
		Revision: "3f2a1b9c0d4e5f60718293a4b5c6d7e8f9012345", Environment: "production",
		Host: desired.Host{Name: "app-1", Environment: "production"}, Services: services,
	}
	h.Have = state.World{
		Host:  state.Fact[state.Host]{Value: state.Host{Name: "app-1", System: "running"}, At: moment(0)},
		Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{},
	}
	h.Past, h.Now = state.NewPast(), moment(0)
	for _, s := range services {
		for _, u := range s.Units {
			h.unit(u, up())
		}
		for _, a := range artifacts(s) {
			h.file(a.Path, string(a.Content), a.Mode)
		}
		spec, err := json.Marshal(s.Spec)
		if err != nil {
			panic(err)
		}
		h.Want.Objects = append(h.Want.Objects, desired.Object{
			APIVersion: desired.APIVersion, Kind: "Service", Metadata: desired.Meta{Name: s.Name, Labels: s.Labels}, Spec: spec,
			Pos: desired.Pos{File: "services/" + s.Name + ".yaml", Line: 1, Col: 1},
		})
	}
	return h
}

func artifacts(s desired.Service) []desired.Artifact {
	var out []desired.Artifact
	if s.UnitFile != nil {
		out = append(out, *s.UnitFile)
	}
	return append(append(out, s.DropIns...), s.Files...)
}

func up() state.Unit {
	return state.Unit{
		Load: "loaded", Active: "active", Sub: "running", Boot: "enabled", Type: "simple", Result: "success",
		MainPID: 4711, ChangedAt: noon.Add(-3*time.Hour - 12*time.Minute),
	}
}

func (h *host) unit(name string, u state.Unit) {
	u.ID = name
	h.Have.Units[name] = state.Fact[state.Unit]{Value: u, At: moment(0)}
}

func (h *host) file(path, content string, mode uint32) {
	h.disk[path] = content
	h.Have.Files[path] = state.Fact[state.File]{At: moment(0), Value: state.File{
		Kind: state.Regular, Digest: state.Digest([]byte(content)), Mode: mode, Owner: "root", Group: "root", Size: int64(len(content)),
	}}
}

func (h *host) absent(path string) {
	delete(h.disk, path)
	h.Have.Files[path] = state.Fact[state.File]{At: moment(0)}
}

func (h *host) content(path string) ([]byte, error) {
	if err := h.deny[path]; err != nil {
		return nil, err
	}
	c, ok := h.disk[path]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return []byte(c), nil
}

func (h *host) diff() Diff   { return NewDiff(h.Want, h.Have, h.Past, h.Plan, h.content) }
func (h *host) board() Board { return NewBoard(h.Want, h.Have, h.Past, h.Plan, h.Now) }

func (h *host) steps(s ...state.Step) { h.Plan.Steps = append(h.Plan.Steps, s...) }
func (h *host) hold(s ...state.Held)  { h.Plan.Held = append(h.Plan.Held, s...) }

// app is a service of the platform: its unit file is ours.
func app(name string, needs ...string) desired.Service {
	unit := name + ".service"
	content := []byte("[Unit]\nDescription=" + name + "\n\n[Service]\nExecStart=/opt/" + name + "\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n")
	return desired.Service{
		Name: name, Units: []string{unit}, Requires: needs,
		Labels:   map[string]string{"tier": "core"},
		UnitFile: artifact("/etc/systemd/system/"+unit, content, 0o644),
		Install:  &desired.Install{Present: true},
		Spec: desired.ServiceSpec{
			Management: "enforce", State: "running", Boot: "enabled",
			Limits: &desired.Limits{Restarts: 3, Per: desired.Duration(30 * time.Minute), Backoff: []desired.Duration{desired.Duration(10 * time.Second)}},
		},
	}
}

func artifact(path string, content []byte, mode uint32) *desired.Artifact {
	return &desired.Artifact{Path: path, Content: content, Digest: state.Digest(content), Mode: mode, Owner: "root", Group: "root"}
}

// vendor is a service whose unit file is the distribution's.
func vendor(name, unit string) desired.Service {
	return desired.Service{Name: name, Units: []string{unit}, Spec: desired.ServiceSpec{Management: "enforce", State: "running", Boot: "enabled"}}
}

func write(s desired.Service, a desired.Artifact, reason state.Reason, was string) state.Step {
	args := map[string]string{"digest": a.Digest, "mode": octal(a.Mode), "owner": a.Owner, "group": a.Group}
	detail := a.Path + " is absent"
	if was != "" {
		args["was"], detail = was, a.Path+" differs in content"
	}
	return state.Step{
		ID: "w-" + s.Name, Object: s.Object(), Reason: reason, Detail: detail, Effect: actuators.Benign,
		Action: actuators.Action{Actuator: "file", Verb: "write", Target: a.Path, Args: args},
	}
}

func systemd(id, object, verb, unit string, reason state.Reason, effect actuators.Effect, needs ...string) state.Step {
	return state.Step{
		ID: id, Object: object, Reason: reason, Effect: effect, Needs: needs,
		Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit},
	}
}

var errDenied = errors.New("permission denied")
