package plan

import (
	"fmt"
	"slices"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// boot compares whether a unit starts at boot with what is declared.
func (d *draft) boot(sv *service, unit string) {
	u, ok := d.unit(sv.Object(), unit)
	if !ok {
		return
	}
	if u.Missing() && len(sv.changed) == 0 {
		return // there is nothing to enable, and running says so
	}
	if u.Boot == "bad" {
		if len(sv.changed) == 0 {
			d.gap(sv.Object(), unitRef(unit), unit+" is broken on disk; see systemctl status "+unit)
		}
		return // what its links mean shows once its file is mended
	}
	want := sv.Spec.Boot
	if want == "" {
		want = defaultBoot(sv.Service, u)
	}
	masked := maskedAtBoot(u.Boot)
	if !masked && want != desired.Masked && d.maskedByUs(unit) {
		// Somebody lifted the mask that a declaration had asked for: the next
		// one is a human's.
		d.remember(state.Note{Kind: state.NoteDisowned, Object: sv.Object(), Name: state.MaskOf(unit)})
	}
	verb := d.bootVerb(sv, unit, u.Boot, want)
	if verb == "" {
		return
	}
	w := wish{
		unit: unit, reason: state.BootDrift, effect: actuators.Benign,
		detail: fmt.Sprintf("%s is %s at boot, declared %s", unit, u.Boot, want),
		fields: []state.Field{{Path: "boot", Desired: want, Observed: u.Boot}},
		rests:  []state.Ref{unitRef(unit)},
		action: actuators.Action{Actuator: "systemd", Verb: verb, Target: unit},
		needs:  sv.changed,
	}
	if verb == "enable" {
		w.reason = state.NotEnabled
		if masked {
			w.holds = []hold{{state.Masked, unit + " is masked", nil}}
		}
	}
	d.link(sv, w)
}

// bootVerb is what makes a unit start at boot, or not, as declared; empty where
// it does, or where nothing of ours could make it so.
func (d *draft) bootVerb(sv *service, unit, have, want string) string {
	masked := maskedAtBoot(have)
	switch {
	case want == desired.Enabled && enabledAtBoot(have):
		return ""
	case want == desired.Enabled && masked && d.maskedByUs(unit):
		return "unmask"
	case want == desired.Enabled && slices.Contains([]string{"static", "indirect", "generated", "transient"}, have):
		d.gap(sv.Object(), unitRef(unit), unit+" is "+have+": it has no [Install] section that would enable it")
		return ""
	case want == desired.Enabled:
		return "enable"
	case want == desired.Disabled && masked && d.maskedByUs(unit):
		return "unmask" // another mask disables more than enough, and it is a human's
	case want == desired.Disabled && slices.Contains([]string{"enabled", "linked", "linked-runtime"}, have):
		return "disable"
	case want == desired.Disabled && slices.Contains([]string{"enabled-runtime", "alias"}, have):
		d.gap(sv.Object(), unitRef(unit), unit+" is "+have+": something other than [Install] starts it at boot")
		return ""
	case want == desired.Masked && !masked && !sv.noRoom:
		return "mask"
	}
	return ""
}

// link wishes a change of links, within the service's drift mode.
func (d *draft) link(sv *service, w wish) {
	if dr := sv.Spec.Drift; dr != nil && d.past.Tally[state.TallyKey(sv.Object(), w.action)] > 0 {
		// Done before: now it is drift, and not a first declaration.
		switch dr.Mode {
		case desired.Ignore:
			return
		case desired.Warn:
			d.held = append(d.held, state.Held{Object: sv.Object(), Unit: w.unit, Reason: w.reason, Detail: "drift is warn: " + w.detail, Fields: w.fields})
			return
		}
	}
	if id, ok := d.wish(sv, w); ok {
		d.links = append(d.links, id)
		// A link changes what happens at boot; only an unmask changes whether
		// the unit can be started now.
		sv.reload = sv.reload || w.action.Verb == "unmask"
	}
}

// defaultBoot is enabled where the unit has an [Install] section and else
// ignored. Of a file that is not ours, its state says whether it has one.
func defaultBoot(s *desired.Service, u state.Unit) string {
	if s.Install != nil {
		if s.Install.Present {
			return desired.Enabled
		}
		return desired.Ignored
	}
	if u.Boot == "disabled" || enabledAtBoot(u.Boot) {
		return desired.Enabled
	}
	return desired.Ignored
}

// enabledAtBoot counts a generator's links and an alias as enabled.
func enabledAtBoot(boot string) bool {
	return boot == "enabled" || boot == "enabled-runtime" || boot == "alias"
}

func maskedAtBoot(boot string) bool { return boot == "masked" || boot == "masked-runtime" }

// maskedByUs tells a mask that a declaration asked for from a human's.
func (d *draft) maskedByUs(unit string) bool {
	_, ours := d.past.Owned[state.MaskOf(unit)]
	return ours
}
