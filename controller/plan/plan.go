package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Make compares want with have in the light of past, and returns what to do
// about it at now. It changes none of its arguments. Folding its Notes into past
// and calling it again gives the same Plan without Notes.
func Make(want *desired.Set, have *state.World, past *state.Past, now state.Time) state.Plan {
	declared := want
	want = Turned(declared, past)
	d := &draft{
		want: want, have: have, past: past, now: now,
		services: make(map[string]*service, len(want.Services)),
		order:    make([]service, 0, len(want.Services)),
		byKey:    make(map[string]string),
	}
	d.flights()
	d.host()
	d.overdue()
	d.perhaps()
	d.diagnose()
	d.asDeclared(declared)
	d.guarded(d.hostObject(), d.rollout)
	d.guarded(d.hostObject(), d.failOver)
	d.inherit()
	d.undeclaredFiles = undeclaredFiles(want, d.past)
	for i := range d.want.Services {
		sv := d.begin(&d.want.Services[i], d.objects[i])
		if sv.Link != nil {
			d.guarded(sv.object, func() { d.release(sv) })
		}
	}
	for i := range d.order {
		sv := &d.order[i]
		d.guarded(sv.object, func() { d.service(sv) })
	}
	d.guarded(d.hostObject(), d.alerts)
	d.guarded(d.hostObject(), d.outbreak)
	d.guarded(d.hostObject(), d.orphans)
	d.forNobody()
	d.announce()
	d.reload()
	d.handOrder()
	d.guarded(d.hostObject(), d.confirm)
	d.revision()
	return d.finish()
}

// draft is a Plan in the making.
type draft struct {
	want *desired.Set
	have *state.World
	past *state.Past
	now  state.Time

	hostName string // the host's name as Steps and Held have it, once somebody asked

	ownPast bool // past is a copy, with Notes of this Plan in it

	global    []hold              // what holds every Step of this host
	services  map[string]*service // by name, those planned so far
	order     []service           // the same; it has room for all, so that none of them moves
	trying    string              // the action of the step of a runbook that comes next: see saw
	consulted map[string]string   // what the expressions say that were looked at for one alert: see saw
	byKey     map[string]string   // step key → ID, so that one wish makes one Step

	undeclaredFiles map[string][]string // by object: what is declared no longer
	switched        map[string]switched // by path: the links to releases that this Plan switches

	windows []window // the change windows, once somebody asks for them
	rolling []string // units that evenkeel restarts because what they were started with has changed: now, or when what holds them ends
	rolled  string   // the unit of a roll that was restarted last

	objects  []string            // the services' names as Steps and Held have them, in the order of want
	vitals   map[string][]vitals // by the name of the Service or Endpoint: how everything is
	explains map[string]bool     // by service: it is sick because of something that it requires; as far as somebody asked
	alone    []sickAt            // what is sick for no known reason, once somebody asks
	hidden   []sickAt            // what nobody can see, likewise
	probed   int                 // units whose health is probed, likewise
	index    map[string]*desired.Service
	tooMuch  string // why so much is sick at once that nothing is disturbed; empty: it is not

	bad       []broken        // what the provisional revision has broken
	returning map[string]bool // by object: it is not repaired, because the revision that broke it goes back

	unsettled bool // a unit went down, and it is not known whether the host does

	links   []string // IDs of Steps after which systemd must load anew
	loaders []string // objects for whose sake it must
	reloads string   // ID of the daemon-reload, once it is planned

	steps []state.Step
	held  []state.Held
	gaps  []state.Gap
	notes []state.Note
	again *state.Time
}

// service is what planning one service found out, for those that come later.
type service struct {
	*desired.Service
	object   string   // its name as Steps and Held have it
	dirs     []string // where drop-ins of its units may lie
	mode     string   // the management that applies: the stricter of the service's and the host's
	frozen   bool     // a Step on it is in flight
	unsure   bool     // what a new process of it was started with is still being read
	changed  []string // IDs of Steps that change what its units are made of
	mends    []string // paths that a Step of this Plan writes or removes
	written  []string // IDs of Steps that change what its processes read
	link     string   // ID of the Step that switches its release
	noCode   string   // why its release is not there, and will not be; empty: it is, or nobody declared one
	lacks    string   // a file that its processes read, which is not there and cannot be decrypted
	reload   bool     // systemd must load its units anew
	left     bool     // a change by somebody else of what its units are made of stays as it is
	noRoom   bool     // it cannot be masked: a file lies where the mask belongs
	starting []string // IDs of Steps that make it run
	asked    []string // units for which there is a Step by hand
	up       bool     // every unit of it runs
	unknown  bool     // some unit of it could not be observed
	held     bool     // some unit of it is down and held
}

// begin adds a service of which nothing is planned yet.
func (d *draft) begin(s *desired.Service, object string) *service {
	mode := s.Spec.Management
	if d.want.Policy.Mode == desired.Observe {
		mode = desired.Observe
	}
	d.order = append(d.order, d.newService(s, object, mode))
	return &d.order[len(d.order)-1]
}

func (d *draft) newService(s *desired.Service, object, mode string) service {
	return service{Service: s, object: object, dirs: s.DropInFolders(), mode: mode, frozen: d.inFlight(object)}
}

// Object is the service's name in Steps and Held, put together once.
func (s *service) Object() string { return s.object }

// guarded keeps a defect in planning one object from stopping all others.
func (d *draft) guarded(object string, f func()) {
	steps, held, gaps, notes := len(d.steps), len(d.held), len(d.gaps), len(d.notes)
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		d.steps, d.held, d.gaps, d.notes = d.steps[:steps], d.held[:held], d.gaps[:gaps], d.notes[:notes]
		d.held = append(d.held, state.Held{Object: object, Reason: state.Internal, Detail: fmt.Sprint("planning it failed: ", r)})
	}()
	f()
}

// flights puts what is under way into the Plan, under its own ID, so that
// others can wait for it.
func (d *draft) flights() {
	ids := make([]string, 0, len(d.past.Flight))
	for id := range d.past.Flight {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		s := d.past.Flight[id].Intent.Step
		s.Needs = nil
		d.steps = append(d.steps, s)
		d.byKey[stepKey(s.Object, s.Action)] = id
		if loads(s.Action) {
			d.links = append(d.links, id)
		}
		if s.Action.Verb == "daemon-reload" {
			d.reloads = id
		}
	}
}

// inFlight tells whether a Step that may change an object is under way.
func (d *draft) inFlight(object string) bool {
	for _, f := range d.past.Flight {
		if f.Intent.Step.Object == object && f.Intent.Step.Effect != actuators.None {
			return true
		}
	}
	return false
}

func (d *draft) hostObject() string {
	if d.hostName == "" {
		d.hostName = "Host/" + d.want.Host.Name
	}
	return d.hostName
}

func (d *draft) service(sv *service) {
	if sv.Link == nil {
		sv.unsure = d.unsure(sv)
	}
	d.services[sv.Name] = sv
	d.files(sv)
	d.foreign(sv)
	d.codeLast(sv)
	for _, u := range sv.Units {
		d.boot(sv, u)
	}
	d.loaded(sv)
	d.byHand(sv)
	sv.up = true
	for _, u := range sv.Units {
		d.state(sv, u)
		d.heal(sv, u)
	}
	d.managed(sv)
}

// revision notes what is in force, once it is. What takes the place of another
// where a branch is followed is noted when it does: see Adopt.
func (d *draft) revision() {
	is := state.Revision{Name: d.want.Revision, Services: len(d.want.Services), Floor: cmp.Or(d.have.Source.Head, d.past.Revision.Floor)}
	if d.have.Source.Wanted != "" && d.past.Revision.Name != "" && d.past.Revision.Name != is.Name {
		return
	}
	if d.want.Revision != "" && d.past.Known && d.past.Distrust == "" && d.past.Revision != is {
		r := is
		d.note(state.Note{Kind: state.NoteRevision, Revision: &r, Provisional: d.past.Provisional})
	}
}

// managed notes what must be known of a service once its YAML is gone.
func (d *draft) managed(sv *service) {
	if _, released := d.past.Released[sv.object]; released {
		return
	}
	old, ok := d.past.Managed[sv.Object()]
	if ok && old.OnRemove == sv.Spec.OnRemove && slices.Equal(old.Units, sv.Units) {
		return
	}
	if sv.mode == desired.Observe || !d.allowed(sv.Service) {
		return
	}
	m := state.Managed{Units: append(slices.Clone(sv.Units), d.former(sv)...), OnRemove: sv.Spec.OnRemove}
	if ok && old.OnRemove == m.OnRemove && slices.Equal(old.Units, m.Units) {
		return
	}
	d.note(state.Note{Kind: state.NoteManaged, Object: sv.Object(), Managed: &m})
}

func (d *draft) note(n state.Note) { d.notes = append(d.notes, n) }

// gap says that a fact is missing. What rests on it is left alone, and the loop
// looks again.
func (d *draft) gap(object string, ref state.Ref, detail string) {
	d.gaps = append(d.gaps, state.Gap{Object: object, Source: ref, Detail: detail})
}

// waits asks to plan again at a time at which nothing but time has changed.
func (d *draft) waits(t *state.Time) {
	if t != nil && (d.again == nil || t.Up < d.again.Up) {
		d.again = t
	}
}

// good tells whether a reading can be planned on, or says in a Gap why not:
// never read, read in error, or older than the end of our own last Step on it.
func (d *draft) good(object string, ref state.Ref, at state.Time, err string) bool {
	switch {
	case at.IsZero() && err == "":
		d.gap(object, ref, "not looked at yet")
	case err != "":
		d.gap(object, ref, err)
		d.held = append(d.held, state.Held{Object: object, Reason: state.Unobserved, Detail: ref.Name + " could not be read: " + err})
	case at.Outdated(d.past.EndOf(ref)):
		d.gap(object, ref, "older than evenkeel's own last step on it")
	default:
		return true
	}
	return false
}

// unit fetches what is known of a unit. What systemd had not loaded well before
// our last daemon-reload says nothing about now.
func (d *draft) unit(object, name string) (state.Unit, bool) {
	f := d.have.Units[name]
	if f.Known() && f.At.Outdated(d.past.Reloaded) && (f.Value.NeedReload || f.Value.Load != "loaded") {
		d.gap(object, unitRef(name), "older than the last daemon-reload")
		return state.Unit{}, false
	}
	return f.Value, d.good(object, unitRef(name), f.At, f.Err)
}

func (d *draft) file(object, path string) (state.File, bool) {
	f := d.have.Files[path]
	return f.Value, d.good(object, fileRef(path), f.At, f.Err)
}

func (d *draft) dir(object, path string) (state.Dir, bool) {
	f := d.have.Dirs[path]
	return f.Value, d.good(object, dirRef(path), f.At, f.Err)
}

// finish sorts and completes the Plan.
func (d *draft) finish() state.Plan {
	d.roll()
	d.sequence()
	d.held = joinHeld(d.held)
	d.wishes()
	slices.SortStableFunc(d.gaps, func(a, b state.Gap) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), compareRefs(a.Source, b.Source))
	})
	return state.Plan{
		Steps: nonNil(d.steps), Held: nonNil(d.held), Gaps: nonNil(slices.Compact(d.gaps)), Notes: d.notes, Again: d.again,
	}
}

// joinHeld makes one entry of all with one object and reason, the most
// important reason of each object first.
func joinHeld(in []state.Held) []state.Held {
	slices.SortStableFunc(in, func(a, b state.Held) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason.Rank(), b.Reason.Rank()), cmp.Compare(a.Reason, b.Reason))
	})
	out := in[:0]
	for _, h := range in {
		if n := len(out); n > 0 && out[n-1].Object == h.Object && out[n-1].Reason == h.Reason {
			out[n-1] = join(out[n-1], h)
			continue
		}
		out = append(out, h)
	}
	return out
}

func join(a, b state.Held) state.Held {
	if a.Unit != b.Unit {
		a.Unit = ""
	}
	if !strings.Contains(a.Detail, b.Detail) {
		a.Detail += "; " + b.Detail
	}
	if a.Until != nil && b.Until != nil && b.Until.Up > a.Until.Up {
		a.Until = b.Until
	}
	a.Fields = append(slices.Clip(a.Fields), b.Fields...)
	a.Steps = append(slices.Clip(a.Steps), b.Steps...)
	a.Wishes = append(slices.Clip(a.Wishes), b.Wishes...)
	a.Ask = cmp.Or(a.Ask, b.Ask)
	a.Info = a.Info && b.Info
	return a
}

func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// at is the moment d from now.
func (d *draft) at(in time.Duration) *state.Time {
	t := d.now.Add(max(0, in))
	return &t
}

// loads tells whether systemd must load its units anew after an action.
func loads(a actuators.Action) bool {
	switch a.Actuator {
	case "systemd":
		return slices.Contains([]string{"enable", "disable", "mask", "unmask"}, a.Verb)
	case "file":
		return isUnitPath(a.Target)
	}
	return false
}
