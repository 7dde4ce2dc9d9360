package adopt

import (
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// boot is what must be declared for the unit to start at boot as it does now;
// empty where that is the default.
func (s *service) boot(u state.Unit) string {
	enabledByDefault := u.Boot == "disabled" || startsAtBoot(u.Boot)
	if s.spec.UnitFile != nil {
		enabledByDefault = desired.InstallOf(s.parts...).Present
		if startsAtBoot(u.Boot) && !enabledByDefault {
			s.note("a link in a .wants folder starts it at boot, and its [Install] section does not ask for one")
		}
	}
	switch {
	case u.Boot == "masked":
		return desired.Masked
	case u.Boot == "masked-runtime":
		s.note("it is masked until the next boot only")
		return desired.Ignored
	case !enabledByDefault || startsAtBoot(u.Boot):
		return ""
	case u.Boot == "disabled":
		return desired.Disabled
	}
	return desired.Ignored
}

// startsAtBoot counts a generator's links and an alias, too.
func startsAtBoot(boot string) bool {
	return slices.Contains([]string{"enabled", "enabled-runtime", "alias"}, boot)
}

// state is what must be declared for the unit to stay as it is; empty where that
// is the default, running. What ends by itself and what something else starts is
// nobody's to keep running, and what is neither well nor stopped is for a human
// to decide.
func (s *service) state(u state.Unit) string {
	ignored := func(format string, args ...any) string {
		s.note(format+"; declare state: running once it should", args...)
		return desired.Ignored
	}
	switch {
	case u.Load != "loaded" && u.Load != "masked":
		return desired.Ignored
	case s.endsByItself(u):
		return desired.Ignored
	case u.Job.ID != 0 || u.Active == "activating" || u.Active == "deactivating":
		return ignored("it was %s (%s) when it was imported", u.Active, u.Sub)
	case u.Up():
		return ""
	case u.Active == "failed":
		return ignored("it had failed (%s) when it was imported", u.Result)
	case len(u.TriggeredBy) > 0:
		return desired.Ignored
	case !u.Condition && !u.ConditionAt.IsZero():
		return ignored("a condition for its start was not met when it was imported")
	}
	return desired.Stopped
}

// endsByItself tells a plain oneshot, by what is loaded and by what lies on disk.
func (s *service) endsByItself(u state.Unit) bool {
	if u.Type == "oneshot" && !u.Remain {
		return true
	}
	in := desired.InstallOf(s.parts...)
	return s.spec.UnitFile != nil && in.Type == "oneshot" && !in.Remain
}
