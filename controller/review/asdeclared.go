package review

import (
	"path"
	"slices"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Host is what evenkeel would know of a host at one moment.
type Host struct {
	Have state.World
	Past *state.Past
	Now  state.Time
}

// The made-up host has been up for a day; all that it runs was started an hour
// ago, from files that had lain there for an hour.
const (
	bootID  = "as-declared"
	uptime  = 24 * time.Hour
	running = time.Hour
	lying   = 2 * time.Hour
)

// AsDeclared is a host on which all is as the Set declares, by evenkeel's own
// hand: it runs or rests, starts at boot or does not, files lie as they should,
// every probe succeeds, and nothing is left to do.
//
// What the Set leaves to the host is made up as well as can be: what is ignored
// runs (a plain oneshot rests) and does not start at boot, a file whose content is
// the host's has some content.
func AsDeclared(want *desired.Set, now time.Time) Host {
	return AsDeclaredAt(want, state.Time{Wall: now, Up: uptime, Boot: bootID})
}

// AsDeclaredAt is such a host at a moment of a boot that there was.
func AsDeclaredAt(want *desired.Set, now state.Time) Host {
	h := Host{Past: state.NewPast(), Now: now}
	h.Have = state.World{
		Host: state.Fact[state.Host]{At: h.Now, Value: state.Host{
			Name: want.Host.Name, System: "running", Systemd: 255, UnitsLoaded: now.Wall.Add(-running),
		}},
		Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{},
		Dirs: map[string]state.Fact[state.Dir]{}, Probes: map[string]state.Fact[state.Probe]{}, Alerts: map[string]state.Fact[state.Alerts]{},
	}
	for i := range want.Services {
		h.add(&want.Services[i])
	}
	h.answer(want)
	h.settle(want)
	return h
}

// settle has evenkeel know the host: what the planner would note, it has noted.
func (h *Host) settle(want *desired.Set) {
	for range 5 {
		p := plan.Make(want, &h.Have, h.Past, h.Now)
		if len(p.Notes) == 0 {
			return
		}
		for i := range p.Notes {
			h.Past.Fold(state.Entry{At: h.Now, Note: &p.Notes[i]})
		}
	}
}

// since is when what runs was started: an hour ago, or when the host came up.
func (h *Host) since() state.Time { return h.Now.Add(-min(running, h.Now.Up)) }

func (h *Host) add(s *desired.Service) {
	masked := s.Spec.Boot == desired.Masked
	for _, a := range s.Artifacts() {
		if masked && s.UnitFile != nil && a.Path == s.UnitFile.Path {
			continue // the mask lies in its place
		}
		h.lies(a)
		if s.Spec.Management == desired.Enforce && !a.Host {
			h.Past.Owned[a.Path] = state.Owned{Object: s.Object(), Digest: a.Digest, Created: true}
		}
	}
	for _, unit := range s.Units {
		u := unitOf(s, unit)
		if u.Up() {
			u.Invocation, u.MainPID = "as-declared-"+unit, 1000
			u.Entered, u.Changed = h.since().Up, h.since().Up
			h.Past.Started[unit] = h.since()
		}
		h.Have.Units[unit] = state.Fact[state.Unit]{At: h.Now, Value: u}
		if masked {
			h.Past.Owned[state.MaskOf(unit)] = state.Owned{Object: s.Object()}
			h.Have.Files[unitFolder+unit] = state.Fact[state.File]{At: h.Now, Value: state.File{Kind: state.Symlink, Link: "/dev/null"}}
		}
	}
	h.current(s)
	for _, p := range s.Spec.Watch {
		h.watched(p)
	}
	h.folders(s)
}

// current has the declared release lie there, and be the current one.
func (h *Host) current(s *desired.Service) {
	l := s.Link
	if l == nil {
		return
	}
	h.released(l)
	h.Have.Files[l.Path] = state.Fact[state.File]{At: h.Now, Value: state.File{Kind: state.Symlink, Link: l.Target, Changed: h.Now.Wall.Add(-lying)}}
	if s.Spec.Management == desired.Enforce {
		h.Past.Owned[l.Path] = state.Owned{Object: s.Object(), Link: l.Target, Created: true}
	}
}

// released puts a release where releases lie; false: one lies there already.
func (h *Host) released(l *desired.Link) bool {
	if _, known := h.Have.Files[l.Folder()]; known {
		return false
	}
	h.Have.Files[l.Folder()] = state.Fact[state.File]{At: h.Now, Value: state.File{Kind: state.Folder, Digest: state.Digest([]byte(bootID)), Changed: h.Now.Wall.Add(-lying)}}
	return true
}

const unitFolder = "/etc/systemd/system/"

// unitOf is a unit as the service declares it.
func unitOf(s *desired.Service, unit string) state.Unit {
	u := state.Unit{
		ID: unit, Names: []string{unit}, Load: "loaded", Active: "active", Sub: "running", Result: "success", Condition: true,
		Type: "simple", CanReload: s.Spec.Reload, Boot: bootOf(s),
	}
	if s.UnitFile != nil {
		u.Fragment = s.UnitFile.Path
	}
	if s.Install != nil && s.UnitFile != nil {
		if s.Install.Type != "" {
			u.Type, u.Remain = s.Install.Type, s.Install.Remain
		}
		u.CanReload = reloads(s)
	}
	rests := s.Spec.State == desired.Ignored && u.Type == "oneshot" && !u.Remain
	if s.Spec.State == desired.Stopped || s.Spec.Boot == desired.Masked || rests {
		u.Active, u.Sub = "inactive", "dead"
	}
	if s.Spec.Boot == desired.Masked {
		u.Load = "masked"
	}
	return u
}

// bootOf is how `systemctl is-enabled` calls what is declared.
func bootOf(s *desired.Service) string {
	switch s.Spec.Boot {
	case desired.Enabled, desired.Disabled, desired.Masked:
		return s.Spec.Boot
	case "":
		return desired.Enabled // the file is not ours, and presumably it can be
	}
	if s.Install != nil && !s.Install.Present {
		return "static"
	}
	return desired.Disabled
}

// reloads tells whether the declared unit file says how to reload.
func reloads(s *desired.Service) bool {
	for _, a := range append([]desired.Artifact{*s.UnitFile}, s.DropIns...) {
		f, _ := desired.ParseUnitFile(a.Content)
		if len(f.Values("Service", "ExecReload")) > 0 {
			return true
		}
	}
	return false
}

// lies puts a declared file on the host.
func (h *Host) lies(a desired.Artifact) {
	f := state.File{
		Kind: state.Regular, Digest: a.Digest, Mode: a.Mode, Owner: a.Owner, Group: a.Group, Size: int64(len(a.Content)), Changed: h.Now.Wall.Add(-lying),
	}
	if a.Host {
		f.Digest = state.Digest([]byte(bootID + a.Path))
	}
	h.Have.Files[a.Path] = state.Fact[state.File]{At: h.Now, Value: f}
}

// watched puts something where a service watches for deploys.
func (h *Host) watched(p string) {
	if _, known := h.Have.Files[p]; !known {
		h.Have.Files[p] = state.Fact[state.File]{At: h.Now, Value: state.File{Kind: state.Symlink, Link: bootID, Changed: h.Now.Wall.Add(-lying)}}
	}
}

// folders lists what lies in the service's folders of drop-ins: what it declares.
func (h *Host) folders(s *desired.Service) {
	for _, dir := range s.DropInFolders() {
		d := h.Have.Dirs[dir].Value
		for _, a := range s.DropIns {
			if path.Dir(a.Path) == dir {
				d.Names = append(d.Names, path.Base(a.Path))
			}
		}
		slices.Sort(d.Names)
		d.Names = slices.Compact(d.Names)
		if len(d.Names) > 0 {
			d.Exists, d.Changed = true, h.Now.Wall.Add(-lying)
		}
		h.Have.Dirs[dir] = state.Fact[state.Dir]{At: h.Now, Value: d}
	}
}

// answer has every probe of a Set succeed on what runs.
func (h *Host) answer(want *desired.Set) {
	for _, p := range want.Probings() {
		v := state.Probe{Verdict: state.ProbeSuccess, Since: h.since().Up}
		if p.Unit != "" {
			if v.Invocation = h.Have.Units[p.Unit].Value.Invocation; v.Invocation == "" {
				v = state.Probe{} // nobody is there to be asked
			}
		}
		h.Have.Probes[p.Name] = state.Fact[state.Probe]{At: h.Now, Value: v}
	}
}
