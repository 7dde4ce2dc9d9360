package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

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
	return do == "restart" || do == "systemd.restart" || do == "start" || do == "systemd.start"
}

// rung makes the wish for one remedy, or says why it cannot be.
func (d *draft) rung(sv *service, v vitals, do desired.Do) (w wish, no string) {
	w = wish{
		reason: v.reason, detail: v.detail, effect: actuators.Disruptive, remedial: true, repairs: true,
		rests: []state.Ref{unitRef(v.unit)},
	}
	actuator, verb, _ := strings.Cut(longName(do.Do), ".")
	switch longName(do.Do) {
	case "systemd.restart", "systemd.reload":
		w.unit = v.unit
		w.action = actuators.Action{Actuator: actuator, Verb: verb, Target: v.unit}
		w.needs = append(slices.Clone(sv.changed), sv.written...)
		return w, ""
	case "rollback":
		return w, "there is no earlier revision to go back to"
	case "failover.switch":
		return w, d.toFailOver(&w, sv, do)
	case "scale.set":
		return w, toScale(&w, sv, do)
	}
	if do.Do == "" {
		return w, "only do is a remedy"
	}
	w.action = actuators.Action{Actuator: actuator, Verb: verb, Args: arguments(do.With)}
	if actuator == "notify" {
		w.effect, w.remedial = actuators.None, false
	}
	return w, d.aim(&w, do)
}

// longName is an action with its actuator.
func longName(do string) string {
	switch do {
	case "start", "restart":
		return "systemd.restart"
	case "reload":
		return "systemd.reload"
	case "failover":
		return "failover.switch"
	case "scale":
		return "scale.set"
	}
	return do
}

// aim gives an action its target, and what is declared of it by digest.
func (d *draft) aim(w *wish, do desired.Do) (no string) {
	key := "target"
	switch w.action.Actuator {
	case "cache":
		key = "cache"
	case "postgres":
		key = "database"
	case "exec":
		return d.command(w, do)
	}
	name := w.action.Args[key]
	delete(w.action.Args, key)
	w.action.Target = name
	switch digest, ok := d.declaredDigest(key, name); {
	case !ok:
		return fmt.Sprintf("no %s is named %q", key, name)
	case digest != "":
		w.action.Args["declared"] = digest
	}
	return ""
}

// declaredDigest names what is declared of the object that an action is aimed at.
func (d *draft) declaredDigest(key, name string) (digest string, ok bool) {
	switch key {
	case "cache":
		if c, ok := d.want.Cache(name); ok {
			return c.Digest, true
		}
	case "database":
		if db, ok := d.want.Database(name); ok {
			return db.Digest, true
		}
	default:
		return "", true
	}
	return "", false
}

// toFailOver makes the wish that another service stands in for a sick one.
func (d *draft) toFailOver(w *wish, sv *service, do desired.Do) (no string) {
	args := arguments(do.With)
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
		if !ok || !has || a.Host || b.Host {
			return fmt.Sprintf("upstream %q and standby %q must both be declared files of a service, with their content", up, standby)
		}
	}
	w.action = actuators.Action{Actuator: "failover", Verb: "switch", Target: sv.Name, Args: args}
	w.rests = append(w.rests, d.standby(to.Name)...)
	return ""
}

// toScale makes the wish for more instances, or fewer, within the declared bounds.
func toScale(w *wish, sv *service, do desired.Do) (no string) {
	r, n := sv.Spec.Replicas, len(sv.Units)
	if r == nil || sv.Template == "" || r.Min == r.Max {
		return "replicas leaves no room to scale: write {min, max}"
	}
	args := arguments(do.With)
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

// command aims an action at a program: its path is the target, and the rest of
// its words are one argument.
func (d *draft) command(w *wish, do desired.Do) (no string) {
	words, ok := do.With["argv"].([]any)
	if !ok || len(words) == 0 {
		return "argv is missing"
	}
	rest := make([]string, 0, len(words))
	for _, word := range words {
		rest = append(rest, fmt.Sprint(word))
	}
	w.action.Target = rest[0]
	b, err := json.Marshal(rest[1:])
	if err != nil {
		return err.Error()
	}
	w.action.Args["argv"] = string(b)
	return ""
}

// arguments are what stands behind with, as plain words.
func arguments(with map[string]any) map[string]string {
	args := make(map[string]string, len(with)+1)
	for k, v := range with {
		switch v := v.(type) {
		case string:
			args[k] = v
		case float64:
			args[k] = strconv.FormatFloat(v, 'f', -1, 64)
		case nil, bool, int, int64:
			args[k] = fmt.Sprint(v)
		default:
			b, err := json.Marshal(v)
			if err == nil {
				args[k] = string(b)
			}
		}
	}
	return args
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
