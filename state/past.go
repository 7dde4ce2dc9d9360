package state

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Past is what is remembered: a fold over Entries, and nothing else. Whatever
// can be observed or computed again is not in it.
type Past struct {
	Seq  uint64 `json:"seq"`
	Pass uint64 `json:"pass"`

	Flight    map[string]Flight   `json:"flight,omitempty"`    // by Step ID: begun and not ended
	Tally     map[string]int      `json:"tally,omitempty"`     // by TallyKey: attempts that ended with a known outcome
	Failures  map[string]Failure  `json:"failures,omitempty"`  // by TallyKey: failures in a row
	Ended     map[string]Time     `json:"ended,omitempty"`     // by Ref: the end of our last Step on it; older facts are Gaps
	Charges   map[string][]Time   `json:"charges,omitempty"`   // by unit: remedial Steps begun, oldest first
	Upheaval  []Time              `json:"upheaval,omitempty"`  // remedial Steps begun that were disruptive, whatever the unit, oldest first
	Started   map[string]Time     `json:"started,omitempty"`   // by unit: the end of our last start or restart that succeeded
	Stopped   map[string]Time     `json:"stopped,omitempty"`   // by unit: the end of our last stop, or clearing of a failure, that succeeded or may have
	Ran       map[string]Ran      `json:"ran,omitempty"`       // by unit
	Seen      map[string]string   `json:"seen,omitempty"`      // by unit: the boot in which Ran was noted
	Holds     map[string]Hold     `json:"holds,omitempty"`     // by Hold.Key
	Managed   map[string]Managed  `json:"managed,omitempty"`   // by object
	Owned     map[string]Owned    `json:"owned,omitempty"`     // by path
	Cut       map[string]Step     `json:"cut,omitempty"`       // by ID: Steps with a Key whose effect nobody knows
	Touched   Time                `json:"touched,omitzero"`    // the end of our last Step that changed what systemd loads
	Reloaded  Time                `json:"reloaded,omitzero"`   // the end of our last daemon-reload
	Revision  Revision            `json:"revision,omitzero"`   // the one in force
	Asks      map[string]Ask      `json:"asks,omitempty"`      // by ID: what humans asked for and is not settled
	Answers   []Answer            `json:"answers,omitempty"`   // how the last Asks ended, oldest first
	Approved  map[string]Time     `json:"approved,omitempty"`  // by Step ID: let go by a human
	Let       map[string]Time     `json:"let,omitempty"`       // by unit: a human lets its next repair pass the host's budget
	Accepted  map[string]string   `json:"accepted,omitempty"`  // by path: the digest of a foreign drop-in that a human accepted
	Released  map[string]Time     `json:"released,omitempty"`  // by object: taken out of evenkeel's hands
	Resumed   map[string]Time     `json:"resumed,omitempty"`   // by object: the end of the last suspension
	Version   string              `json:"version,omitempty"`   // of the evenkeel that acted last
	Wished    map[string]Wish     `json:"wished,omitempty"`    // by Step ID: what only mode observe or management holds back; at most MaxWishes
	Cases     map[string]Case     `json:"cases,omitempty"`     // by CaseKey: what is sick, or was until just now
	Closed    map[string]int      `json:"closed,omitempty"`    // by CaseKey: Cases that are over
	Flaps     map[string]Flap     `json:"flaps,omitempty"`     // by unit: since when its restarts are counted
	Failovers map[string]Failover `json:"failovers,omitempty"` // by service: another one stands in for it
	Scales    map[string]Scale    `json:"scales,omitempty"`    // by object: more or fewer instances run than declared
	Woken     map[string]Woken    `json:"woken,omitempty"`     // by object: it runs though it is declared stopped
	Roll      Roll                `json:"roll,omitzero"`       // the change that is restarting units one by one
	Renewed   Time                `json:"renewed,omitzero"`    // since when it is that version, where another had acted before and nobody has approved it

	Provisional *Provisional          `json:"provisional,omitempty"` // Revision, as long as it may yet be taken back
	Confirmed   []Confirmed           `json:"confirmed,omitempty"`   // revisions that have proved themselves here, oldest first
	Quarantined map[string]Quarantine `json:"quarantined,omitempty"` // by revision
	Runs        map[string][]Time     `json:"runs,omitempty"`        // by Runbook: when a Case of it began to change something, oldest first
	Silences    map[string]Silence    `json:"silences,omitempty"`    // by ID: alerts that call nobody for a while; ended ones are passed over
	Pinned      *Pin                  `json:"pinned,omitempty"`      // a human's word on which revision is in force
	Seeing      Seen                  `json:"seeing,omitzero"`       // what of the host the open Cases of alerts rest on; of no use where none is open

	// Known is false where no record of the past could be read, as in a dry
	// run without a store: then nothing is taken for granted.
	Known bool `json:"-"`
	// Distrust says why the record cannot be believed; empty: it can.
	Distrust string `json:"-"`
}

// Flight is a Step that has begun.
type Flight struct {
	Intent Intent `json:"intent"`
	At     Time   `json:"at"`
}

// Failure counts failures in a row.
type Failure struct {
	Count  int    `json:"count"`
	At     Time   `json:"at"`
	Kind   string `json:"kind,omitempty"` // of the last one: see Outcome
	Detail string `json:"detail,omitempty"`
}

// maxCharges bounds what is remembered a unit; limits are far smaller.
const maxCharges = 64

// NewPast returns a Past in which nothing has happened yet, and that is known.
func NewPast() *Past {
	p := &Past{Known: true}
	p.init()
	return p
}

// UnknownPast returns the Past of somebody who has no record.
func UnknownPast() *Past {
	p := NewPast()
	p.Known = false
	return p
}

// TallyKey names what is counted: one object, actuator, verb and target.
func TallyKey(object string, a actuators.Action) string {
	return strings.Join([]string{object, a.Actuator, a.Verb, a.Target}, " ")
}

// StartKey is the TallyKey of starts of a unit.
func StartKey(object, unit string) string {
	return TallyKey(object, actuators.Action{Actuator: "systemd", Verb: "start", Target: unit})
}

// RestartKey is the TallyKey of restarts of a unit.
func RestartKey(object, unit string) string {
	return TallyKey(object, actuators.Action{Actuator: "systemd", Verb: "restart", Target: unit})
}

func (p *Past) init() {
	set(&p.Flight)
	set(&p.Tally)
	set(&p.Failures)
	set(&p.Ended)
	set(&p.Charges)
	set(&p.Started)
	set(&p.Stopped)
	set(&p.Ran)
	set(&p.Seen)
	set(&p.Holds)
	set(&p.Managed)
	set(&p.Owned)
	set(&p.Cut)
	set(&p.Asks)
	set(&p.Approved)
	set(&p.Let)
	set(&p.Accepted)
	set(&p.Released)
	set(&p.Resumed)
	set(&p.Wished)
	set(&p.Cases)
	set(&p.Closed)
	set(&p.Flaps)
	set(&p.Failovers)
	set(&p.Scales)
	set(&p.Woken)
	set(&p.Quarantined)
	set(&p.Runs)
	set(&p.Silences)
}

func set[K comparable, V any](m *map[K]V) {
	if *m == nil {
		*m = make(map[K]V)
	}
}

// Clone returns an independent copy.
func (p *Past) Clone() *Past {
	c := *p
	c.Flight, c.Tally, c.Failures, c.Ended = maps.Clone(p.Flight), maps.Clone(p.Tally), maps.Clone(p.Failures), maps.Clone(p.Ended)
	c.Started, c.Stopped, c.Ran, c.Seen = maps.Clone(p.Started), maps.Clone(p.Stopped), maps.Clone(p.Ran), maps.Clone(p.Seen)
	c.Holds, c.Managed, c.Owned, c.Cut = maps.Clone(p.Holds), maps.Clone(p.Managed), maps.Clone(p.Owned), maps.Clone(p.Cut)
	c.Charges = make(map[string][]Time, len(p.Charges))
	for u, t := range p.Charges {
		c.Charges[u] = slices.Clone(t)
	}
	c.Upheaval, c.Answers = slices.Clone(p.Upheaval), slices.Clone(p.Answers)
	c.Asks, c.Approved, c.Let = maps.Clone(p.Asks), maps.Clone(p.Approved), maps.Clone(p.Let)
	c.Accepted, c.Released, c.Resumed = maps.Clone(p.Accepted), maps.Clone(p.Released), maps.Clone(p.Resumed)
	c.Wished = maps.Clone(p.Wished)
	c.Failovers, c.Scales, c.Woken = maps.Clone(p.Failovers), maps.Clone(p.Scales), maps.Clone(p.Woken)
	c.Cases, c.Closed, c.Flaps = maps.Clone(p.Cases), maps.Clone(p.Closed), maps.Clone(p.Flaps)
	c.Roll.Units, c.Runs = slices.Clone(p.Roll.Units), maps.Clone(p.Runs)
	c.Confirmed, c.Quarantined = slices.Clone(p.Confirmed), maps.Clone(p.Quarantined)
	c.Silences = maps.Clone(p.Silences)
	c.init()
	return &c
}

// Draft returns a copy into which the Notes of a Plan in the making may be folded,
// and nothing else: what they do not touch is shared with p.
func (p *Past) Draft() *Past {
	c := *p
	c.Ran, c.Seen, c.Failures = maps.Clone(p.Ran), maps.Clone(p.Seen), maps.Clone(p.Failures)
	c.Holds, c.Resumed, c.Owned = maps.Clone(p.Holds), maps.Clone(p.Resumed), maps.Clone(p.Owned)
	c.Cases, c.Closed, c.Flaps = maps.Clone(p.Cases), maps.Clone(p.Closed), maps.Clone(p.Flaps)
	c.Failovers, c.Scales, c.Woken = maps.Clone(p.Failovers), maps.Clone(p.Scales), maps.Clone(p.Woken)
	c.Charges = maps.Clone(p.Charges)
	return &c
}

// Fold takes one Entry into account. It is the only way in which a Past
// changes, here, in the store, in simulations and in replays alike; entries
// must come in the order of their Seq, and one that was folded already is
// passed over.
func (p *Past) Fold(e Entry) {
	if e.Seq != 0 && e.Seq <= p.Seq {
		return
	}
	p.init()
	p.Seq = max(p.Seq, e.Seq)
	p.Pass = max(p.Pass, e.Pass)
	switch {
	case e.Intent != nil:
		p.intent(*e.Intent, e.At)
	case e.Outcome != nil:
		p.outcome(*e.Outcome, e.At)
	case e.Note != nil:
		p.note(*e.Note, e.At)
	}
}

func (p *Past) intent(i Intent, at Time) {
	s := i.Step
	p.Flight[s.ID] = Flight{Intent: i, At: at}
	p.climb(s, at)
	if s.Remedial {
		// Charged now, not at the end: a crash can only over-count.
		c := append(slices.Clone(p.Charges[s.Action.Target]), at)
		p.Charges[s.Action.Target] = c[max(0, len(c)-maxCharges):]
		delete(p.Let, s.Action.Target)
		if s.Effect == actuators.Disruptive {
			u := append(slices.Clone(p.Upheaval), at)
			p.Upheaval = u[max(0, len(u)-maxCharges):]
		}
	}
}

func (p *Past) outcome(o Outcome, at Time) {
	f, ok := p.Flight[o.ID]
	if !ok {
		return
	}
	delete(p.Flight, o.ID)
	s := f.Intent.Step
	for _, r := range s.Rests {
		p.Ended[r.String()] = at
	}
	key := TallyKey(s.Object, s.Action)
	p.answer(s, o)
	p.climbed(s, o, at)
	p.caused(f.Intent, o, at)
	switch o.Status {
	case Done:
		p.Tally[key]++
		delete(p.Failures, key)
		p.done(s, at)
		p.turn(s, at)
	case StepFailed, StepRefused:
		p.Tally[key]++
		p.Failures[key] = Failure{Count: p.Failures[key].Count + 1, At: at, Kind: o.Kind, Detail: o.Detail}
	case Cut:
		// The attempt keeps its ID: what is not known to have ended is not counted.
		if s.Key != "" {
			p.Cut[s.ID] = s
		}
		p.perhaps(s, at)
	}
}

// answer settles what a human asked for, and uses up his approval.
func (p *Past) answer(s Step, o Outcome) {
	if o.Status == Cut {
		return // it is done again, or seen to be done
	}
	delete(p.Approved, s.ID)
	if s.Ask == "" || s.Action.Verb == "reset-failed" && o.Status == Done {
		return // the start that was asked for comes after the reset
	}
	failed := ""
	if o.Status != Done {
		failed = s.Action.String() + " " + string(o.Status)
		if o.Detail != "" {
			failed += ": " + o.Detail
		}
	}
	p.settle(s.Ask, []string{s.Action.Target}, failed)
}

// perhaps remembers what a Step may have done that was cut short: what lies
// there, or is down, after it must not be taken for a human's.
func (p *Past) perhaps(s Step, at Time) {
	target := s.Action.Target
	name, left := target, ""
	switch s.Action.Actuator + "." + s.Action.Verb {
	case "systemd.stop", "systemd.reset-failed":
		p.Stopped[target] = at
		return
	case "systemd.mask", "systemd.unmask":
		name, left = MaskOf(target), "mask"
	case "file.write":
		left = lying(s.Action.Args["digest"], s.Action.Args["link"])
	case "file.remove":
		left = lying(s.Action.Args["was"], s.Action.Args["wasLink"])
	default:
		return
	}
	o, had := p.Owned[name]
	if !had && (s.Action.Verb == "unmask" || s.Action.Verb == "remove") {
		return // it was nothing of evenkeel's
	}
	if !had {
		o = Owned{Object: s.Object, Created: s.Action.Verb == "write" && nothingLay(s.Action)}
	}
	o.Perhaps = left
	p.Owned[name] = o
	p.touch(target, at)
}

// done remembers what a Step that succeeded means for later.
func (p *Past) done(s Step, at Time) {
	target := s.Action.Target
	switch s.Action.Actuator + "." + s.Action.Verb {
	case "systemd.start", "systemd.restart":
		p.Started[target] = at
	case "systemd.reload":
		r := p.Ran[target]
		r.Files = s.Action.Args["declared"]
		p.Ran[target] = r
	case "systemd.daemon-reload":
		p.Reloaded = at
	case "systemd.enable", "systemd.disable":
		p.Touched = at
	case "systemd.mask":
		p.Touched = at
		p.Owned[MaskOf(target)] = Owned{Object: s.Object}
	case "systemd.unmask":
		p.Touched = at
		delete(p.Owned, MaskOf(target))
	case "systemd.stop", "systemd.reset-failed":
		p.Stopped[target] = at
	case "file.write":
		prev, had := p.Owned[target]
		p.Owned[target] = Owned{
			Object: s.Object, Digest: s.Action.Args["digest"], Link: s.Action.Args["link"],
			Created: nothingLay(s.Action) || had && prev.Created,
		}
		p.touch(target, at)
	case "file.remove":
		delete(p.Owned, target)
		p.touch(target, at)
	}
}

// nothingLay tells a write where nothing was seen.
func nothingLay(a actuators.Action) bool { return lying(a.Args["was"], a.Args["wasLink"]) == "" }

// touch notes a change of what systemd loads its units from.
func (p *Past) touch(path string, at Time) {
	if strings.HasPrefix(path, "/etc/systemd/system/") || strings.HasPrefix(path, "/run/systemd/system/") {
		p.Touched = at
	}
}

// MaskOf is the name under which Past.Owned lists a mask that a declaration
// asked for.
func MaskOf(unit string) string { return "mask:" + unit }

func (p *Past) note(n Note, at Time) {
	if !n.whole() {
		return // from a newer evenkeel, or from somebody who never asked Check
	}
	switch n.Kind {
	case NoteRan:
		p.Ran[n.Name] = *n.Ran
		p.Seen[n.Name] = at.Boot
	case NoteHold:
		p.Holds[n.Hold.Key()] = *n.Hold
	case NoteLifted:
		delete(p.Holds, n.Hold.Key())
		if n.Hold.Reason == Suspended {
			p.Resumed[n.Hold.Object] = at
		}
		if n.Ran != nil {
			p.Ran[n.Name] = *n.Ran
			delete(p.Failures, StartKey(n.Object, n.Name))
			delete(p.Failures, RestartKey(n.Object, n.Name))
		}
	case NoteManaged:
		p.Managed[n.Object] = *n.Managed
	case NoteForgot:
		p.forget(n.Object, n.Moved)
	case NoteOwned:
		p.Owned[n.Name] = *n.Owned
	case NoteDisowned:
		delete(p.Owned, n.Name)
	case NoteRevision:
		p.putInForce(*n.Revision, n.Provisional, at)
	case NoteConfirmed:
		p.proved(at, n.Detail)
	case NoteUnpinned:
		p.Pinned = nil
	case NoteRoll:
		p.Roll = *n.Roll
	case NoteCase:
		p.Cases[n.Case.Key()] = *n.Case
	case NoteHealed:
		p.closeCase(n.Case.Key())
	case NoteSeen:
		p.see(n)
	case NoteFailover:
		p.Failovers[n.Failover.Service] = *n.Failover
	case NoteStoodIn:
		delete(p.Failovers, n.Failover.Service)
	case NoteAsDeclared:
		delete(p.Woken, n.Object)
	case NoteFlap:
		p.Flaps[n.Name] = *n.Flap
	case NoteWished, NoteWishedNot:
		p.wish(n, at)
	default:
		p.hand(n, at)
	}
}

// forget drops all that was remembered because an object was managed, but not
// how often things were done: an ID must never come back with another meaning.
// What another object manages now, as after a change of name, is not forgotten, and
// neither is what evenkeel wrote for one that moved to another host and may be back.
func (p *Past) forget(object string, moved bool) {
	others := make(map[string]bool)
	for o, m := range p.Managed {
		for _, u := range m.Units {
			others[u] = others[u] || o != object
		}
	}
	for _, u := range p.Managed[object].Units {
		if others[u] {
			continue
		}
		delete(p.Ran, u)
		delete(p.Seen, u)
		delete(p.Charges, u)
		delete(p.Started, u)
		delete(p.Stopped, u)
		delete(p.Flaps, u)
		p.closeCase(CaseKey(object, u))
		delete(p.Let, u)
	}
	delete(p.Managed, object)
	delete(p.Released, object)
	delete(p.Resumed, object)
	delete(p.Scales, object)
	delete(p.Woken, object)
	delete(p.Failovers, strings.TrimPrefix(object, "Service/"))
	maps.DeleteFunc(p.Owned, func(_ string, o Owned) bool { return o.Object == object && !moved })
	maps.DeleteFunc(p.Holds, func(_ string, h Hold) bool { return h.Object == object })
	for _, id := range slices.Sorted(maps.Keys(p.Asks)) {
		if p.Asks[id].Object == object {
			p.settle(id, nil, object+" is no longer managed")
		}
	}
	maps.DeleteFunc(p.Failures, func(k string, _ Failure) bool { return strings.HasPrefix(k, object+" ") })
}

// Recent counts the instants within the window before now.
func Recent(at []Time, now Time, window time.Duration) int {
	n := 0
	for _, t := range at {
		if now.Since(t) < window {
			n++
		}
	}
	return n
}
