package units

import (
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// prop is one property and where its value goes.
type prop struct {
	iface, name string
	set         func(*state.Unit, any)
}

const (
	unitIface    = bus.UnitInterface
	serviceIface = bus.ServiceInterface
)

// The properties that are read of any unit, by what they are for.
var (
	needReload = prop{unitIface, "NeedDaemonReload", func(u *state.Unit, v any) { u.NeedReload, _ = v.(bool) }}
	invocation = prop{unitIface, "InvocationID", func(u *state.Unit, v any) { u.Invocation = invocationID(v) }}

	condition   = prop{unitIface, "ConditionResult", func(u *state.Unit, v any) { u.Condition, _ = v.(bool) }}
	conditionAt = prop{unitIface, "ConditionTimestamp", func(u *state.Unit, v any) { u.ConditionAt = wall(v) }}

	canReload = prop{unitIface, "CanReload", func(u *state.Unit, v any) { u.CanReload, _ = v.(bool) }}
	entered   = prop{unitIface, "ActiveEnterTimestampMonotonic", func(u *state.Unit, v any) { u.Entered = monotonic(v) }}
	changed   = prop{unitIface, "StateChangeTimestampMonotonic", func(u *state.Unit, v any) { u.Changed = monotonic(v) }}
	dropIns   = prop{unitIface, "DropInPaths", func(u *state.Unit, v any) { u.DropIns, _ = v.([]string) }}
	details   = []prop{
		{unitIface, "Names", func(u *state.Unit, v any) { u.Names = sorted(v) }},
		{unitIface, "FragmentPath", func(u *state.Unit, v any) { u.Fragment, _ = v.(string) }},
		dropIns,
		condition,
		conditionAt,
		{unitIface, "TriggeredBy", func(u *state.Unit, v any) { u.TriggeredBy = sorted(v) }},
		{unitIface, "StateChangeTimestamp", func(u *state.Unit, v any) { u.ChangedAt = wall(v) }},
		changed,
		{unitIface, "ActiveExitTimestampMonotonic", func(u *state.Unit, v any) { u.Exited = monotonic(v) }},
	}
	// rested tells something of a failed unit only, and is left empty of others.
	rested = prop{unitIface, "InactiveEnterTimestampMonotonic", func(u *state.Unit, v any) {
		if u.Active == "failed" {
			u.Rested = monotonic(v)
		}
	}}
	mainPID        = prop{serviceIface, "MainPID", func(u *state.Unit, v any) { u.MainPID, _ = v.(uint32) }}
	serviceDetails = []prop{
		{serviceIface, "Type", func(u *state.Unit, v any) { u.Type, _ = v.(string) }},
		{serviceIface, "RemainAfterExit", func(u *state.Unit, v any) { u.Remain, _ = v.(bool) }},
		{serviceIface, "Restart", func(u *state.Unit, v any) { u.Restart, _ = v.(string) }},
		{serviceIface, "Result", func(u *state.Unit, v any) { u.Result, _ = v.(string) }},
		{serviceIface, "NRestarts", func(u *state.Unit, v any) { u.Restarts, _ = v.(uint32) }},
	}
)

// everything reads all properties in one call. systemd forgets a unit that is
// idle and that nothing refers to as soon as it has answered, and reads its
// files again for the next call: then one dear call is cheaper than many.
var everything = prop{set: func(u *state.Unit, v any) {
	all, _ := v.(map[string]any)
	for _, p := range properties(u.ID) {
		p.set(u, all[p.name])
	}
}}

// properties lists all that is ever read of a unit.
func properties(id string) []prop {
	ps := append([]prop{needReload, invocation, canReload, entered, rested}, details...)
	if isService(id) {
		ps = append(append(ps, mainPID), serviceDetails...)
	}
	return ps
}

func isService(id string) bool { return strings.HasSuffix(id, ".service") }

// rechecks lists what may have changed of a unit although its state has not, and
// when that did.
func rechecks(u state.Unit, fresh freshness) []prop {
	ps := []prop{changed, dropIns}
	if !fresh.covers(u.ID) {
		ps = append(ps, needReload)
	}
	if isService(u.ID) {
		ps = append(ps, mainPID)
	}
	if u.Active != "active" {
		ps = append(ps, condition, conditionAt)
	}
	return ps
}

// wants lists the properties that matter for the state a unit is in. It takes
// from disk what lies there.
func (o *Observer) wants(u *state.Unit, fresh freshness, loaded bool) []prop {
	if u.Active == "inactive" && u.Job.ID == 0 {
		if u.Load == "not-found" || u.Load == "masked" {
			return nil
		}
		if !loaded {
			return []prop{everything}
		}
	}
	ps := make([]prop, 0, 20)
	if !fresh.covers(u.ID) {
		ps = append(ps, needReload)
	}
	if u.Invocation = o.invocationLink(u.ID); u.Invocation == "" {
		ps = append(ps, invocation)
	}
	ps = append(ps, canReload, entered)
	if isService(u.ID) {
		ps = append(ps, mainPID)
		if o.opts.Lean && u.Active == "active" && u.Sub == "running" {
			return ps
		}
		ps = append(ps, serviceDetails...)
	}
	if u.Active == "failed" {
		ps = append(ps, rested)
	}
	return append(ps, details...)
}

func sorted(v any) []string {
	list, _ := v.([]string)
	slices.Sort(list)
	return list
}

// wall turns systemd's microseconds since 1970 into a time; 0 means never.
func wall(v any) time.Time {
	if us, _ := v.(uint64); us != 0 && us != ^uint64(0) {
		return time.UnixMicro(int64(us)).UTC()
	}
	return time.Time{}
}

// monotonic turns systemd's microseconds of CLOCK_MONOTONIC into a duration.
func monotonic(v any) time.Duration {
	if us, _ := v.(uint64); us != ^uint64(0) {
		return time.Duration(us) * time.Microsecond
	}
	return 0
}
