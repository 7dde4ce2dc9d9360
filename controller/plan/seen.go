package plan

import (
	"cmp"
	"slices"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What the decisions about an alert rest on is noted when it has changed, and only
// while its Case is open: a backtest runs it through another Runbook.

// consult takes in what an expression says that was looked at for an alert. A reading that
// is of no use now, though it was taken, says what the last one said until there is
// another.
func (d *draft) consult(c state.Case, expr string, q state.Fact[state.QueryResult], ofUse bool) {
	id := state.ExprID(expr)
	says, before := c.Seen.Exprs[id]
	switch {
	case q.Err != "":
		says = state.SeenUnknown
	case ofUse && q.Value.Yes:
		says = state.SeenYes
	case ofUse:
		says = state.SeenNo
	case !before:
		return
	}
	if d.consulted == nil {
		d.consulted = make(map[string]string)
	}
	d.consulted[id] = says
}

// saw notes what the alert of a Case is like, where that is otherwise than noted. Of
// one that is over the Case itself tells.
func (d *draft) saw(key, blind string) {
	c, open := d.past.Cases[key]
	if !open {
		return
	}
	seen := state.Seen{Is: state.SeenFiring, Exprs: d.consulted, Waits: d.awaits("Alert/" + c.Unit)}
	switch f := d.have.Alerts[c.Alert]; {
	case !f.Known():
		seen.Is = state.SeenUnknown
	case blind != "":
		seen.Is = state.SeenBlind
	case !c.Well.IsZero():
		return
	}
	if last, _ := c.Last(); seen.Exprs == nil && (c.Ended != "" && c.At == d.now || last.Helped == d.now) {
		seen.Exprs = c.Seen.Exprs // what has just decided is not looked at a second time
	}
	if seen.Held = d.heldByTheHost("Alert/" + c.Unit); seen.Held != nil && d.trying != "" {
		seen.Step = state.ExprID(d.trying)
	}
	if !c.Seen.Equal(seen) {
		d.remember(state.Note{Kind: state.NoteSeen, Object: c.Object, Name: c.Unit, Seen: &seen})
	}
}

// awaits is the ID of the Step for an alert that waits for a human; empty: none does.
func (d *draft) awaits(alert string) string {
	for _, h := range d.held {
		if h.Object == alert && h.Reason == state.AwaitingApproval && len(h.Steps) > 0 {
			return h.Steps[0]
		}
	}
	return ""
}

// heldByTheHost is why a step for an alert waits, as far as the record tells it nowhere
// else.
func (d *draft) heldByTheHost(alert string) []state.Reason {
	var out []state.Reason
	for _, h := range d.held {
		if h.Object != alert {
			continue
		}
		switch h.Reason {
		case state.DependencySick, state.Unobserved, state.TooManySick, state.InProgress, state.Masked, state.ManualStop, state.SystemdActing,
			state.KillSwitch, state.PackageManager, state.HostStarting, state.HostStopping, state.StoreUntrusted, state.Internal:
			out = append(out, h.Reason)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sawHost notes what else the open Cases of alerts rest on.
func (d *draft) sawHost() {
	for _, c := range d.past.Cases {
		if c.Alert == "" {
			continue
		}
		if seen := (state.Seen{Sick: d.unwell(), Host: d.heldAll()}); !d.past.Seeing.Equal(seen) {
			d.remember(state.Note{Kind: state.NoteSeen, Object: d.hostObject(), Seen: &seen})
		}
		return
	}
}

// heldAll is what holds everything, or everything that disturbs; empty: nothing.
func (d *draft) heldAll() state.Reason {
	if len(d.global) > 0 {
		return d.global[0].reason
	}
	if h := d.have.Host.Value; h.Packages || h.PackagesUntil > d.now.Up {
		return state.PackageManager
	}
	return ""
}

// unwell lists what is not well. What a Step of evenkeel's own disturbs at this moment
// is not in it: the record tells of that.
func (d *draft) unwell() map[string]string {
	out := make(map[string]string)
	for _, name := range sortedKeys(d.vitals) {
		if s := d.declaredAs(name); s != nil && s.Spec.State == desired.Stopped {
			continue
		}
		for _, v := range d.vitals[name] {
			how := v.unwell()
			if how == state.SeenDown {
				how = howDown(d.have.Units[v.unit].Value)
			}
			if how != "" && !d.inFlight(v.object) && len(out) < state.MaxSick {
				out[cmp.Or(v.unit, v.object)] = how
			}
		}
	}
	return out
}

func howDown(u state.Unit) string {
	switch u.Active {
	case "failed":
		return state.SeenFailed
	case "inactive":
		return state.SeenDown
	}
	return state.SeenActing
}

func (v vitals) unwell() string {
	switch {
	case v.ready == down:
		return state.SeenDown
	case v.ready == unseen || v.blind != "":
		return state.SeenUnknown
	case v.reason != "":
		return state.SeenFailing
	case v.ready == starting:
		return state.SeenPending
	case v.ready != ready:
		return state.SeenUnready
	case v.failing:
		return state.SeenAiling
	}
	return ""
}
