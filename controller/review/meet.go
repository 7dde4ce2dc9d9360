package review

import (
	"strings"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// meet makes up what the new Set asks for and the old one said nothing of, and
// tells in Gaps what is only made up. A unit or a file that the new Set brings
// along is not there yet; a unit that is not ours is taken to be installed, and
// neither to run nor to start at boot: that shows the most steps.
func (h *Host) meet(base, head *desired.Set) []report.Gap {
	var gaps []report.Gap
	gap := func(s *desired.Service, source, detail string) {
		gaps = append(gaps, report.Gap{Object: s.Object(), Source: source, Detail: detail})
	}
	for i := range head.Services {
		s := &head.Services[i]
		for _, unit := range s.Units {
			if _, known := h.Have.Units[unit]; known {
				continue
			}
			h.Have.Units[unit] = state.Fact[state.Unit]{At: h.Now, Value: h.newUnit(s, unit)}
			if s.UnitFile == nil {
				gap(s, "unit:"+unit, "whether it is installed, runs and starts at boot is not known; shown is what is done if it only is installed")
			}
		}
		for _, a := range s.Artifacts() {
			if _, known := h.Have.Files[a.Path]; known {
				continue
			}
			h.Have.Files[a.Path] = state.Fact[state.File]{At: h.Now}
			if a.Host {
				h.lies(a)
				gap(s, "file:"+a.Path, "what lies there is the host's; it is taken to be as declared")
			}
		}
		if l := s.Link; l != nil {
			if h.released(l) {
				gap(s, "file:"+l.Folder(), "whether the release lies there is not known; shown is what is done if it does")
			}
			if _, known := h.Have.Files[l.Path]; !known {
				h.Have.Files[l.Path] = state.Fact[state.File]{At: h.Now}
			}
		}
		for _, p := range s.Spec.Watch {
			h.watched(p)
		}
		for _, dir := range s.DropInFolders() {
			if _, known := h.Have.Dirs[dir]; !known {
				h.Have.Dirs[dir] = state.Fact[state.Dir]{At: h.Now}
			}
		}
		h.unsaid(base, s, gap)
	}
	h.answer(head)
	return gaps
}

// newUnit is a unit of which the old Set said nothing.
func (h *Host) newUnit(s *desired.Service, unit string) state.Unit {
	u := unitOf(s, unit)
	u.Active, u.Sub, u.Load, u.Boot = "inactive", "dead", "loaded", desired.Disabled
	if s.UnitFile != nil && h.Have.Files[s.UnitFile.Path].Value.Kind != state.Regular {
		u.Load, u.Boot, u.Fragment = "not-found", "not-found", ""
	}
	return u
}

// unsaid tells of what the old Set left to the host and the new one does not.
func (h *Host) unsaid(base *desired.Set, s *desired.Service, gap func(s *desired.Service, source, detail string)) {
	old, ok := base.Service(s.Name)
	if !ok {
		return
	}
	var what []string
	if old.Spec.State == desired.Ignored && s.Spec.State != desired.Ignored {
		what = append(what, "whether it runs")
	}
	if old.Spec.Boot == desired.Ignored && s.Spec.Boot != desired.Ignored {
		what = append(what, "whether it starts at boot")
	}
	if len(what) > 0 {
		gap(s, "unit:"+s.Units[0], "so far "+strings.Join(what, " and ")+" was left to the host, and is not known")
	}
}
