package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// remedies are the rungs of a service's ladder: as declared, else a restart and
// then a human. Where a restart may cost data, or the unit is not evenkeel's
// own, it is a human at once.
func remedies(sv *service) []desired.Do {
	switch {
	case len(sv.Spec.Remedies) > 0:
		return sv.Spec.Remedies
	case sv.Spec.Stateful || sv.UnitFile == nil:
		return []desired.Do{{Do: "escalate"}}
	}
	return []desired.Do{{Do: "restart"}, {Do: "escalate"}}
}

// restarts tells a rung that gives a unit a new process.
func restarts(do string) bool {
	return slices.Contains([]string{"restart", "systemd.restart", "start", "systemd.start"}, do)
}

// rung makes the wish for one remedy, or says why it cannot be.
func (d *draft) rung(sv *service, v vitals, do desired.Do) (w wish, no string) {
	w = wish{
		reason: v.reason, detail: v.detail, effect: actuators.Disruptive, remedial: true, repairs: true,
		rests: []state.Ref{unitRef(v.unit)},
	}
	if do.Do == "" {
		return w, "only do is a remedy"
	}
	c, err := d.want.Call(do)
	switch {
	case err != nil:
		return w, err.Error()
	case c.Actuator == "":
		return w, d.ownDoing(&w, sv, c)
	case c.Actuator == "systemd":
		if restarts(do.Do) {
			c.Verb = "restart" // of what runs; what is down is started without a remedy
		}
		w.unit, c.Target = v.unit, v.unit
		w.needs = append(slices.Clone(sv.changed), sv.written...)
	case c.Actuator == "git":
		q, bad := d.past.Quarantined[d.have.Source.Wanted]
		if !bad || d.have.Source.Testing {
			return w, "no revision was taken back that could be reverted"
		}
		w.effect, w.remedial = actuators.None, false
		w.action, w.key = d.toRevert(q, v.detail)
		return w, ""
	case c.Actuator == "notify":
		w.effect, w.remedial = actuators.None, false
	}
	w.action = actuators.Action{Actuator: c.Actuator, Verb: c.Verb, Target: c.Target, Args: c.Args}
	return w, ""
}

// ownDoing makes the wish for what no actuator does, but evenkeel by what it
// wants from then on.
func (d *draft) ownDoing(w *wish, sv *service, c desired.Call) (no string) {
	switch c.Verb {
	case "rollback":
		return d.toRollBack(w, sv)
	case "failover":
		return d.toFailOver(w, sv, c.Args)
	case "scale":
		return toScale(w, sv, c.Args)
	}
	return "it is no remedy"
}

// toRollBack makes the wish that the revision before is in force again, where the
// one that is has changed the service.
func (d *draft) toRollBack(w *wish, sv *service) (no string) {
	on := d.past.Provisional
	if on == nil {
		last := d.past.Confirmed
		if n := len(last); n > 0 && last[n-1].Name == d.want.Revision {
			on = &state.Provisional{Name: last[n-1].Name, From: last[n-1].From, Touched: last[n-1].Touched, Final: last[n-1].Final}
		}
	}
	if on == nil || on.Name != d.want.Revision || d.have.Source.Wanted == "" {
		return "there is no earlier revision to go back to"
	}
	if why := d.noReturn(on); why != "" {
		return why
	}
	if !slices.Contains(cone(d.want, on.Touched), sv.object) {
		return "revision " + desired.ShortRevision(on.Name) + " changed nothing that it rests on"
	}
	w.effect, w.remedial = actuators.Benign, false
	w.action = toRevision(on.From, on.Name)
	return ""
}

// toFailOver makes the wish that another service stands in for a sick one.
func (d *draft) toFailOver(w *wish, sv *service, args map[string]string) (no string) {
	to, ok := d.want.Service(args["to"])
	switch {
	case !ok || to.Name == sv.Name:
		return fmt.Sprintf("no other service of this host is named %q", args["to"])
	case d.past.Failovers[to.Name].To != "" || d.past.Failovers[sv.Name].To != "":
		return "one of the two is failed over already"
	case !d.allowed(to):
		return "policy does not allow managing " + to.Name
	}
	if up, standby := args["upstream"], args["standby"]; up != "" || standby != "" {
		a, _, ok := d.want.Artifact(up)
		b, _, has := d.want.Artifact(standby)
		if !ok || !has || a.Host || b.Host || a.Sealed != nil || b.Sealed != nil {
			return fmt.Sprintf("upstream %q and standby %q must both be declared files of a service, with their content in plain", up, standby)
		}
	}
	w.action = actuators.Action{Actuator: "failover", Verb: "switch", Target: sv.Name, Args: args}
	w.rests = append(w.rests, d.standby(to.Name)...)
	return ""
}

// toScale makes the wish for more instances, or fewer, within the declared bounds.
func toScale(w *wish, sv *service, args map[string]string) (no string) {
	r, n := sv.Spec.Replicas, len(sv.Units)
	if r == nil || sv.Template == "" || r.Min == r.Max {
		return "replicas leaves no room to scale: write {min, max}"
	}
	to := n + 1
	if by, err := strconv.Atoi(args["by"]); err == nil {
		to = n + by
	}
	if fixed, err := strconv.Atoi(args["to"]); err == nil {
		to = fixed
	}
	to = min(max(to, r.Min), r.Max)
	if to == n {
		return fmt.Sprintf("%d of %d to %d instances run already", n, r.Min, r.Max)
	}
	w.effect, w.remedial = actuators.Benign, false
	w.action = actuators.Action{Actuator: "scale", Verb: "set", Target: sv.Name, Args: map[string]string{"to": strconv.Itoa(to)}}
	return ""
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil // as mostly
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
