package plan

import (
	"fmt"

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
	w := wish{
		unit: unit, reason: state.BootDrift, effect: actuators.Benign,
		detail: fmt.Sprintf("%s is %s at boot, declared %s", unit, u.Boot, want),
		fields: []state.Field{{Path: "boot", Desired: want, Observed: u.Boot}},
		rests:  []state.Ref{unitRef(unit)},
		action: actuators.Action{Actuator: "systemd", Target: unit},
		needs:  sv.changed,
	}
	masked := u.Boot == "masked" || u.Boot == "masked-runtime"
	if !masked && want != desired.Masked && d.maskedByUs(unit) {
		// Somebody lifted the mask that a declaration had asked for: the next
		// one is a human's.
		d.remember(state.Note{Kind: state.NoteDisowned, Object: sv.Object(), Name: state.MaskOf(unit)})
	}
	switch want {
	case desired.Enabled:
		switch {
		case enabledAtBoot(u.Boot):
			return
		case masked && d.maskedByUs(unit):
			w.action.Verb = "unmask"
		case masked:
			w.action.Verb, w.reason = "enable", state.NotEnabled
			w.holds = append(w.holds, hold{state.Masked, unit + " is masked", nil})
		case u.Boot == "static" || u.Boot == "indirect" || u.Boot == "generated" || u.Boot == "transient":
			d.gap(sv.Object(), unitRef(unit), unit+" is "+u.Boot+": it has no [Install] section that would enable it")
			return
		default:
			w.action.Verb, w.reason = "enable", state.NotEnabled
		}
	case desired.Disabled:
		switch u.Boot {
		case "enabled", "linked", "linked-runtime":
			w.action.Verb = "disable"
		case "enabled-runtime", "alias":
			d.gap(sv.Object(), unitRef(unit), unit+" is "+u.Boot+": something other than [Install] starts it at boot")
			return
		case "masked", "masked-runtime":
			if !d.maskedByUs(unit) {
				return // a mask disables more than enough, and it is a human's
			}
			w.action.Verb = "unmask"
		default:
			return
		}
	case desired.Masked:
		if masked || sv.noRoom {
			return
		}
		w.action.Verb = "mask"
	default:
		return
	}
	d.link(sv, w)
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

// maskedByUs tells a mask that a declaration asked for from a human's.
func (d *draft) maskedByUs(unit string) bool {
	_, ours := d.past.Owned[state.MaskOf(unit)]
	return ours
}
