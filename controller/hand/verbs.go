package hand

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// ask has units started, stopped, restarted or reloaded. A stop suspends the
// service for a while, or the next pass would start it again; a start lifts what
// a stop had placed.
func (d *decision) ask(sv *desired.Service) error {
	object, p := sv.Object(), &d.s.Want.Policy
	for _, u := range sv.Units {
		names := d.s.Have.Units[u].Value.AllNames(u) // an alias is what it is another name of
		switch {
		case slices.ContainsFunc(names, p.Protected):
			if len(names) > 1 {
				u += ", also known as " + strings.Join(names[1:], ", ") + ","
			}
			return refused("%s belongs to the protected set, which is never disturbed", u)
		case !p.AllowsUnit(u):
			return refused("the host's policy does not allow managing %s", u)
		}
	}
	switch {
	case p.Mode != desired.Enforce:
		return refused("the host's policy is in mode %s; evenkeel changes nothing", p.Mode)
	case sv.Spec.Management == desired.Observe:
		return refused("%s is declared with management: observe; evenkeel changes nothing of it", sv.Name)
	}
	d.supersede(object)
	a := state.Ask{
		ID: d.s.NewID(), Object: object, Verb: d.r.Verb, Units: slices.Clone(sv.Units), Of: len(sv.Units),
		Actor: d.r.Actor, Why: d.r.Why, At: d.s.Now,
	}
	switch d.r.Verb {
	case Stop:
		if _, woken := d.s.Past.Woken[object]; woken {
			d.note(state.Note{Kind: state.NoteAsDeclared, Object: object, Actor: d.r.Actor, Detail: "stopped by hand, and declared stopped"})
		}
		a.Instead = d.suspend(object, true)
	case Start, Restart:
		d.liftStops(object)
		if sv.Spec.State == desired.Stopped {
			a.Instead = d.suspend(object, true)
		}
	}
	d.note(state.Note{Kind: state.NoteAsked, Object: object, Ask: &a})
	d.answer.Asks = append(d.answer.Asks, Asked{ID: a.ID, Object: object})
	return nil
}

// supersede takes back what was asked for and would undo what is asked for now:
// the last word counts.
func (d *decision) supersede(object string) {
	for _, id := range slices.Sorted(maps.Keys(d.s.Past.Asks)) {
		a := d.s.Past.Asks[id]
		if a.Object == object && a.Kept == nil && (a.Verb == Stop) != (d.r.Verb == Stop) {
			d.note(state.Note{Kind: state.NoteAnswered, Object: object, Detail: d.r.Verb + " was asked for after it", Ask: &state.Ask{ID: id}})
		}
	}
}

// suspend keeps evenkeel's hands off an object. It always ends by itself. What
// a human had suspended before stays so for as long as he said, unless he says
// otherwise by the same verb. It returns what it takes the place of.
func (d *decision) suspend(object string, stop bool) (instead *state.Hold) {
	h := state.Hold{
		Reason: state.Suspended, Object: object, Since: d.s.Now, For: d.length(), Actor: d.r.Actor, Stop: stop,
	}
	name := strings.TrimPrefix(object, "Service/")
	if object == d.hostObject() {
		name = Host
	}
	if old, ok := d.s.Past.Holds[h.Key()]; ok && !old.Ended(d.s.Now) {
		instead = &old
		if left := old.For - d.s.Now.Since(old.Since); left >= h.For && d.r.Verb != Suspend && !old.Stop {
			d.say("%s", old.Detail)
			return nil
		}
		h.Stop = stop && old.Stop
	}
	what := "suspended"
	if stop {
		what = "left as it is after " + d.r.Verb + " by hand"
	}
	h.Detail = name + " is " + what + d.by() + d.because() + "; it ends after " + desired.Duration(h.For).String() + ", or with: evenkeel resume " + name
	d.note(state.Note{Kind: state.NoteHold, Object: object, Hold: &h})
	d.say("%s", h.Detail)
	return instead
}

func (d *decision) by() string {
	if d.r.Actor == "" {
		return ""
	}
	return " by " + d.r.Actor
}

// resume lifts whatever a human placed on an object.
func (d *decision) resume(object string) {
	name := strings.TrimPrefix(object, "Service/")
	n := d.lift(object, func(h state.Hold) bool { return h.Reason == state.Suspended || h.Reason == state.ManualStop })
	if _, ok := d.s.Past.Released[object]; ok {
		d.note(state.Note{Kind: state.NoteTaken, Object: object})
		n++
	}
	if f, ok := d.s.Past.Failovers[name]; ok && f.Phase != state.FailoverReturning && f.Phase != state.FailoverReturned {
		f.Phase, f.Since = state.FailoverReturning, d.s.Now
		d.note(state.Note{Kind: state.NoteFailover, Object: object, Failover: &f, Actor: d.r.Actor})
		d.say("%s is started again; once it is ready it is asked instead of %s, and that is stopped", name, f.To)
		return
	}
	if pin := d.s.Past.Pinned; pin != nil && object == d.hostObject() {
		d.note(state.Note{Kind: state.NoteUnpinned, Object: object, Name: pin.Name})
		d.say("%s is no longer pinned; the branch says again what is in force", pin.Name)
		n++
	}
	if n == 0 {
		d.say("%s was not suspended", name)
		return
	}
	d.say("%s is in evenkeel's hands again", name)
}

// liftStops lifts what a stop had placed: the human has changed his mind.
func (d *decision) liftStops(object string) {
	d.lift(object, func(h state.Hold) bool { return h.Reason == state.ManualStop || h.Reason == state.Suspended && h.Stop })
}

func (d *decision) lift(object string, which func(state.Hold) bool) (n int) {
	var keys []string
	for k, h := range d.s.Past.Holds {
		if h.Object == object && which(h) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		h := d.s.Past.Holds[k]
		note := state.Note{Kind: state.NoteLifted, Object: object, Name: h.Unit, Hold: &h, Detail: "lifted by hand"}
		if h.Reason == state.ManualStop && !d.s.Have.Units[h.Unit].Value.Up() {
			note.Ran = &state.Ran{} // the same stop must not be taken for a new one
		}
		d.note(note)
	}
	return len(keys)
}

// retry clears what the units of a service had spent of their limits, once. What all
// services together have spent stays spent; but where that is what holds the service,
// its next repair passes it.
func (d *decision) retry(sv *desired.Service) {
	for _, u := range sv.Units {
		d.note(state.Note{Kind: state.NoteRetried, Object: sv.Object(), Name: u})
	}
	d.say("%s: its limits and pauses begin anew", sv.Name)
	b := d.s.Want.Policy.Budgets
	if b.Disruptive == 0 || state.Recent(d.s.Past.Upheaval, d.s.Now, b.Per.Std()) < b.Disruptive {
		return
	}
	for _, u := range sv.Units {
		d.note(state.Note{Kind: state.NoteLet, Object: sv.Object(), Name: u})
	}
	d.say("%s: this host's %d disruptive repairs within %s are used up, and hold the others; its next repair passes that, once, within %s",
		sv.Name, b.Disruptive, b.Per, desired.Duration(state.LetFor))
}

// release takes a service out of evenkeel's hands. Nothing on the host changes.
func (d *decision) release(sv *desired.Service) {
	d.note(state.Note{Kind: state.NoteReleased, Object: sv.Object()})
	d.say("%s is no longer managed; nothing on the host has changed; evenkeel takes it back with: evenkeel resume %s", sv.Name, sv.Name)
}

// accept has the foreign drop-ins of a service stay as they are now.
func (d *decision) accept(sv *desired.Service) error {
	n := 0
	for _, path := range d.foreign(sv) {
		f := d.s.Have.Files[path]
		if !f.Known() || f.Value.Digest == "" {
			return refused("%s could not be read, so that it cannot be accepted as it is", path)
		}
		d.note(state.Note{Kind: state.NoteAccepted, Object: sv.Object(), Name: path, Detail: f.Value.Digest})
		d.say("%s: %s is accepted as it is; declare it with acceptDropIns to keep it so for good", sv.Name, path)
		n++
	}
	if n == 0 {
		return refused("%s has no foreign drop-in", sv.Name)
	}
	return nil
}

// foreign lists the paths of drop-ins that the Plan calls foreign.
func (d *decision) foreign(sv *desired.Service) []string {
	var out []string
	add := func(fields []state.Field) {
		for _, f := range fields {
			if strings.HasPrefix(f.Path, "/") && !slices.Contains(out, f.Path) {
				out = append(out, f.Path)
			}
		}
	}
	for _, s := range d.s.Plan.Steps {
		if s.Object == sv.Object() && s.Reason == state.ForeignDropIn {
			add(s.Fields)
		}
	}
	for _, h := range d.s.Plan.Held {
		if h.Object == sv.Object() && h.Reason == state.ForeignDropIn {
			add(h.Fields)
		}
	}
	return out
}

// approve lets Steps go that wait for it, by their IDs as diff and why show
// them. One that a new version of evenkeel wants lets all of its Steps go.
func (d *decision) approve() error {
	for _, id := range d.r.Names {
		reason, ok := d.waiting(id)
		switch {
		case !ok:
			return unknown("no step %s waits to be approved; see: evenkeel diff", id)
		case reason == state.NewVersion:
			d.note(state.Note{Kind: state.NoteSettled, Name: id})
			d.say("evenkeel %s may act on this host", d.s.Past.Version)
		default:
			d.note(state.Note{Kind: state.NoteApproved, Name: id})
			d.say("%s is approved", id)
		}
	}
	return nil
}

// waiting finds why a Step waits to be approved.
func (d *decision) waiting(id string) (state.Reason, bool) {
	for _, h := range d.s.Plan.Held {
		if slices.Contains(h.Steps, id) {
			return h.Reason, true // AwaitingApproval or NewVersion; a Step that waits for both asks twice
		}
	}
	return "", false
}

// restore puts displaced versions back where they lay. Their services are
// suspended, or what is declared would displace them again.
func (d *decision) restore() error {
	for _, id := range d.r.Names {
		k, err := d.s.Kept(id)
		if err != nil {
			return unknown("%v", err)
		}
		sv, ok := d.s.Want.Service(strings.TrimPrefix(k.Object, "Service/"))
		if !ok {
			return refused("%s is no longer declared; print it with: evenkeel displaced show %s", k.Object, id)
		}
		if mode := d.s.Want.Policy.Mode; mode != desired.Enforce {
			return refused("the host's policy is in mode %s; evenkeel changes nothing", mode)
		}
		instead := d.suspend(sv.Object(), false)
		a := state.Ask{
			ID: d.s.NewID(), Object: sv.Object(), Verb: Restore, Units: []string{k.Path}, Of: 1, Kept: &k, Instead: instead,
			Actor: d.r.Actor, Why: cmp.Or(d.r.Why, "displaced restore "+id), At: d.s.Now,
		}
		d.note(state.Note{Kind: state.NoteAsked, Object: sv.Object(), Ask: &a})
		d.answer.Asks = append(d.answer.Asks, Asked{ID: a.ID, Object: sv.Object()})
	}
	return nil
}

// withdraw takes back what was asked for and has not begun, and with it the
// suspension that came with it.
func (d *decision) withdraw() error {
	for _, id := range d.r.Names {
		a, ok := d.s.Past.Asks[id]
		if !ok {
			continue
		}
		name := strings.TrimPrefix(a.Object, "Service/")
		switch n, ok := d.s.Past.Recall(a, d.s.Now); {
		case ok && n.Kind == state.NoteHold:
			d.note(n)
			d.say("%s is suspended as it was before: %s", name, n.Hold.Detail)
		case ok:
			d.note(n)
			d.say("%s is not suspended: nothing of its %s had begun", name, a.Verb)
		case a.Verb == Stop && d.s.Past.Begun(a):
			d.say("its %s has begun: %s stays suspended; evenkeel takes it back with: evenkeel resume %s", a.Verb, name, name)
		}
		d.note(state.Note{Kind: state.NoteAnswered, Object: a.Object, Detail: "withdrawn", Ask: &state.Ask{ID: id}})
	}
	return nil
}
