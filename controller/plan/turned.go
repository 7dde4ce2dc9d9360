package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Turned is what is declared with as many instances of each service as its scale
// says: within the bounds that are declared, whatever the record holds; and with
// those running that are declared stopped and that a human had started for an alert.
func Turned(want *desired.Set, past *state.Past) *desired.Set {
	if len(past.Scales)+len(past.Woken) == 0 {
		return want
	}
	t := *want
	t.Services = slices.Clone(want.Services)
	for i := range t.Services {
		s := &t.Services[i]
		if _, woken := past.Woken[s.Object()]; woken && s.Spec.State == desired.Stopped {
			s.Spec.State = desired.Running
		}
		scale, ok := past.Scales[s.Object()]
		if !ok || s.Template == "" {
			continue
		}
		all := append(slices.Clone(s.Units), s.Spare...)
		n := min(max(scale.To, len(s.Units)), len(all))
		s.Units, s.Spare = all[:n:n], all[n:]
		s.Folders = nil
		s.Folders = s.DropInFolders()
	}
	return &t
}

// asDeclared notes that a service which was woken goes by its declaration again,
// because that no longer says that it is stopped: should it say so once more, that
// counts.
func (d *draft) asDeclared(declared *desired.Set) {
	for _, object := range sortedKeys(d.past.Woken) {
		s, ok := declared.Service(strings.TrimPrefix(object, "Service/"))
		if ok && s.Spec.State != desired.Stopped {
			d.note(state.Note{Kind: state.NoteAsDeclared, Object: object, Detail: "it is declared " + cmp.Or(s.Spec.State, desired.Running) + " now"})
		}
	}
}

// Targets are those that metrics are read from: the declared ones, those of instances
// that a scale has added, of what stands in for another and of what was woken, and not
// those of what another stands in for, once it is stopped.
func Targets(want *desired.Set, past *state.Past) []desired.Target {
	turned := Turned(want, past)
	if turned == want && len(past.Failovers) == 0 {
		return want.Targets
	}
	runs, off := map[string]bool{}, map[string]bool{} // by unit, by service
	for _, s := range turned.Services {
		if s.Spec.State != desired.Stopped {
			for _, u := range s.Units {
				runs[u] = true
			}
		}
	}
	for name, f := range past.Failovers {
		if to, ok := want.Service(f.To); ok {
			for _, u := range to.Units {
				runs[u] = true
			}
		}
		off[name] = f.Phase == state.FailoverDone
	}
	all := slices.DeleteFunc(slices.Clone(want.Targets), func(t desired.Target) bool { return off[strings.TrimPrefix(t.Object, "Service/")] })
	for _, s := range want.Services {
		for _, t := range s.SpareTargets {
			if runs[t.Unit] && !off[s.Name] {
				all = append(all, t)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b desired.Target) int {
		return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Instance, b.Instance))
	})
	return all
}

// standsIn tells whether another service stands in for one, and is ready to.
func (d *draft) standsIn(name string) bool {
	f, ok := d.past.Failovers[name]
	return ok && f.Asks() && d.isReady(f.To)
}

func (d *draft) isReady(name string) bool {
	all := d.vitals[name]
	return len(all) > 0 && !slices.ContainsFunc(all, func(v vitals) bool { return v.ready != ready || v.reason != "" })
}

// standby names the facts that tell whether a service can stand in for another.
func (d *draft) standby(name string) []state.Ref {
	s, ok := d.want.Service(name)
	if !ok {
		return nil
	}
	var refs []state.Ref
	for _, u := range s.Units {
		refs = append(refs, unitRef(u))
	}
	for _, p := range s.Probes {
		refs = append(refs, probeRef(p.Name))
	}
	return refs
}

// switchWithin is how long a service that is to stand in for another one may
// take to be ready.
const switchWithin = 2 * time.Minute

// failOver moves each failover on as far as the facts let it, and has the rest of
// the Plan want what its phase asks for.
func (d *draft) failOver() {
	if len(d.past.Failovers) == 0 {
		return
	}
	t := *d.want
	t.Services = slices.Clone(d.want.Services)
	declared := d.want
	d.want, d.index = &t, nil
	for _, name := range sortedKeys(d.past.Failovers) {
		f := d.past.Failovers[name]
		from, ours := d.want.Service(name)
		to, there := d.want.Service(f.To)
		if !ours || !there {
			d.remember(state.Note{Kind: state.NoteStoodIn, Object: "Service/" + name, Failover: &f, Detail: "one of the two is no longer declared"})
			continue
		}
		f, ok := d.advance(f, declared)
		if !ok {
			continue
		}
		to.Spec.State = desired.Running
		if f.Phase == state.FailoverDone {
			from.Spec.State = desired.Stopped
		}
		if f.Asks() {
			d.redirect(f)
		}
	}
}

// advance notes the next phase of a failover once the facts allow it.
func (d *draft) advance(f state.Failover, declared *desired.Set) (state.Failover, bool) {
	to := func(p state.Phase) state.Failover {
		f.Phase, f.Since = p, d.now
		d.remember(state.Note{Kind: state.NoteFailover, Object: "Service/" + f.Service, Failover: &f})
		return f
	}
	over := func(why string) {
		d.remember(state.Note{Kind: state.NoteStoodIn, Object: "Service/" + f.Service, Failover: &f, Detail: why})
	}
	left := switchWithin - d.now.Since(f.Since)
	switch f.Phase {
	case state.FailoverStarting:
		switch {
		case d.isReady(f.To):
			return to(state.FailoverSwitched), true
		case left <= 0:
			over(f.To + " did not become ready, so nothing was switched")
			return f, false
		}
		d.waits(d.at(left))
	case state.FailoverSwitched:
		if d.asked(f, f.Standby, declared) && d.drained(f) {
			return to(state.FailoverDone), true
		}
	case state.FailoverReturning:
		if d.isReady(f.Service) {
			return to(state.FailoverReturned), true
		}
	case state.FailoverReturned:
		if d.asked(f, f.Upstream, declared) && d.drained(f) {
			over("it was taken back")
			return f, false
		}
	}
	return f, true
}

// asked tells whether those who are to be asked are: the upstream file has the
// content of another one, and whoever reads it has read it.
func (d *draft) asked(f state.Failover, content string, declared *desired.Set) bool {
	if f.Upstream == "" {
		return true
	}
	a, s, ok := declared.Artifact(f.Upstream)
	want, _, has := declared.Artifact(content)
	if !ok || !has {
		return false
	}
	have := d.have.Files[a.Path]
	if !have.Known() || have.Value.Digest != want.Digest || have.At.Outdated(d.past.Ended[fileRef(a.Path).String()]) {
		return false
	}
	for _, u := range s.Units {
		ran, known := d.past.Ran[u]
		if !known || !d.have.Units[u].Value.Up() || ran.Files != d.filesOf(s) || d.busy(s.Object()) {
			return false
		}
	}
	return true
}

// filesOf is the digest of what lies on disk of what a service reads.
func (d *draft) filesOf(s *desired.Service) string {
	sum, _, _ := d.onDisk(nil, fileArtifacts(s), nil)
	return sum
}

func (d *draft) busy(object string) bool { return d.inFlight(object) }

// drained tells whether the one that is no longer asked had its time to end what
// it was doing, counted from when the phase began or its reader read it.
func (d *draft) drained(f state.Failover) bool {
	since := d.now.Since(f.Since)
	if _, s, ok := d.want.Artifact(f.Upstream); ok {
		for _, u := range s.Units {
			if at, ok := d.past.Ended[unitRef(u).String()]; ok {
				since = min(since, d.now.Since(at))
			}
		}
	}
	left := f.Drain - since
	if left > 0 {
		d.waits(d.at(left))
	}
	return left <= 0
}

// redirect gives the upstream file the content that names the one that stands in.
func (d *draft) redirect(f state.Failover) {
	standby, _, ok := d.want.Artifact(f.Standby)
	if !ok {
		return
	}
	for i := range d.want.Services {
		s := &d.want.Services[i]
		at := slices.IndexFunc(s.Files, func(a desired.Artifact) bool { return a.Path == f.Upstream })
		if at < 0 {
			continue
		}
		s.Files = slices.Clone(s.Files)
		s.Files[at].Digest, s.Files[at].Content = standby.Digest, standby.Content
	}
}

// failedOver shows that another service stands in for one, and tells that there
// is nothing else to be done for it.
func (d *draft) failedOver(sv *service) bool {
	f, ok := d.past.Failovers[sv.Name]
	if !ok {
		return false
	}
	text := fmt.Sprintf("%s stands in for it (%s); to take it back: evenkeel resume %s", f.To, f.Phase, sv.Name)
	reason := state.Escalated
	if f.Phase != state.FailoverDone {
		reason = state.Verifying
	}
	d.held = append(d.held, state.Held{Object: sv.object, Reason: reason, Detail: text})
	return true
}
