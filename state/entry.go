package state

import "time"

// Entry is one thing that was written down: exactly one of Intent, Outcome and
// Note is set. Entries are never changed, and their order is their meaning.
type Entry struct {
	Seq     uint64   `json:"seq"`
	At      Time     `json:"at"`
	Pass    uint64   `json:"pass,omitempty"`
	Intent  *Intent  `json:"intent,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
	Note    *Note    `json:"note,omitempty"`
}

// Intent says that a Step is about to be done. It is on disk before the effect.
type Intent struct {
	Step     Step   `json:"step"`
	Revision string `json:"revision,omitempty"`
	Trace    string `json:"trace,omitempty"`
}

// Status is how a Step ended.
type Status string

// The ways in which a Step ends.
const (
	Done        Status = "done"
	StepFailed  Status = "failed"      // carried out without success, or the second reading denies it
	Cut         Status = "interrupted" // nobody knows whether the effect happened
	StepRefused Status = "refused"     // not carried out: the actuator or act's own check said no
)

// Outcome says how a Step ended.
type Outcome struct {
	ID        string        `json:"id"`
	Status    Status        `json:"status"`
	Kind      string        `json:"kind,omitempty"` // the actuators.Kind of an error, Unmet or Canceled
	Detail    string        `json:"detail,omitempty"`
	Displaced string        `json:"displaced,omitempty"`
	Evidence  string        `json:"evidence,omitempty"` // what was gathered, for a human: at most MaxEvidence, escaped, without secrets
	Took      time.Duration `json:"took"`
}

// MaxEvidence bounds what one Step gathers, in bytes.
const MaxEvidence = 8 << 10

// Unmet is the Kind of a start that systemd passed over, because a condition
// that the unit itself states is not met.
const Unmet = "unmet"

// Canceled is the Kind of a Step that somebody else called off while it was under
// way.
const Canceled = "canceled"

// NoteKind says what a Note remembers.
type NoteKind string

// The kinds of Notes: append only.
const (
	NoteRan      NoteKind = "ran"      // what an invocation of a unit was started with
	NoteHold     NoteKind = "hold"     // a hold was placed
	NoteLifted   NoteKind = "lifted"   // a hold was lifted or has ended
	NoteManaged  NoteKind = "managed"  // evenkeel manages this object's units
	NoteForgot   NoteKind = "forgot"   // it no longer does; with Moved: it is declared for other hosts now
	NoteOwned    NoteKind = "owned"    // a file lies where evenkeel wrote it
	NoteDisowned NoteKind = "disowned" // it no longer counts as evenkeel's
	NoteRevision NoteKind = "revision" // a revision was put in force
	NoteAsked    NoteKind = "asked"    // a human asked for something by hand
	NoteAnswered NoteKind = "answered" // what a human asked for is settled without a Step, for some units or for all
	NoteRetried  NoteKind = "retried"  // a human cleared what an object's unit had spent of its limits
	NoteApproved NoteKind = "approved" // a human let a Step go
	NoteAccepted NoteKind = "accepted" // a human accepted a foreign drop-in as it is
	NoteReleased NoteKind = "released" // a human took an object out of evenkeel's hands
	NoteTaken    NoteKind = "taken"    // a released object is managed again
	NoteVersion  NoteKind = "version"  // this version of evenkeel acts for the first time
	NoteSettled  NoteKind = "settled"  // a human approved what a new version wants to do
	NoteTold     NoteKind = "told"     // those who are logged in were told of a hold

	NoteWished    NoteKind = "wished"     // a change that only mode observe or management holds back has a reason
	NoteWishedNot NoteKind = "wished-not" // it no longer has

	NoteCase   NoteKind = "case"   // a sickness was noticed, or stands otherwise
	NoteHealed NoteKind = "healed" // it is over
	NoteFlap   NoteKind = "flap"   // counting a unit's restarts begins anew

	NoteFailover   NoteKind = "failover"    // one stands in for another, or that has come further
	NoteStoodIn    NoteKind = "stood-in"    // it no longer does
	NoteAsDeclared NoteKind = "as-declared" // what ran though it was declared stopped goes by its declaration again
	NoteLet        NoteKind = "let"         // a human lets the next repair of a unit pass the host's budget, once

	NoteRoll NoteKind = "roll" // units that a change restarts one by one; none: it is over

	NoteConfirmed NoteKind = "confirmed" // the revision in force has proved itself
	NoteUnpinned  NoteKind = "unpinned"  // the branch says again which revision is in force

	NoteSilenced   NoteKind = "silenced"   // a human silenced alerts for a while
	NoteUnsilenced NoteKind = "unsilenced" // he ended it before its time

	NoteSeen NoteKind = "seen" // what the Case of an alert rests on is otherwise; without a Name: of the host
)

// Note remembers something though nothing is done.
type Note struct {
	Kind     NoteKind  `json:"kind"`
	Object   string    `json:"object,omitempty"`
	Name     string    `json:"name,omitempty"` // the unit or path that it is about
	Detail   string    `json:"detail,omitempty"`
	Ran      *Ran      `json:"ran,omitempty"`
	Hold     *Hold     `json:"hold,omitempty"`
	Managed  *Managed  `json:"managed,omitempty"`
	Owned    *Owned    `json:"owned,omitempty"`
	Revision *Revision `json:"revision,omitempty"`
	Ask      *Ask      `json:"ask,omitempty"`
	Actor    string    `json:"actor,omitempty"` // the human whose doing it is
	Wish     *Wish     `json:"wish,omitempty"`
	Roll     *Roll     `json:"roll,omitempty"`
	Case     *Case     `json:"case,omitempty"`
	Flap     *Flap     `json:"flap,omitempty"`
	Failover *Failover `json:"failover,omitempty"`
	Silence  *Silence  `json:"silence,omitempty"`
	Seen     *Seen     `json:"seen,omitempty"`

	Provisional *Provisional `json:"provisional,omitempty"` // with a Revision: it has to prove itself
	Moved       bool         `json:"moved,omitempty"`       // of an object that is forgotten: what evenkeel wrote for it stays known as its own
}

// Ran is what one invocation of a unit was started with, by digest.
type Ran struct {
	Invocation string `json:"invocation"`
	Unit       string `json:"unit,omitempty"`    // unit file and declared drop-ins
	Files      string `json:"files,omitempty"`   // what the service reads
	Watch      string `json:"watch,omitempty"`   // what is watched for deploys
	Release    string `json:"release,omitempty"` // where the link to the release led; NoRelease, UnknownRelease; empty: not noted
	Adopted    bool   `json:"adopted,omitempty"` // not seen starting: what lay on disk when it was first seen
}

// What an invocation can have been started with instead of a release.
const (
	NoRelease      = "-" // there was no link
	UnknownRelease = "?" // before where the link led when somebody first looked, which was after it had changed
)

// Hold keeps evenkeel's hands off an object until it ends.
type Hold struct {
	Reason Reason        `json:"reason"`
	Object string        `json:"object"`
	Unit   string        `json:"unit,omitempty"` // empty: all of the object's
	Since  Time          `json:"since"`
	For    time.Duration `json:"for,omitempty"` // zero: until it is lifted
	Actor  string        `json:"actor,omitempty"`
	Detail string        `json:"detail,omitempty"`
	Stop   bool          `json:"stop,omitempty"`   // placed together with a stop by hand: a start by hand lifts it
	Told   bool          `json:"told,omitempty"`   // that it was placed has been announced
	Warned bool          `json:"warned,omitempty"` // that it ends soon has been announced
}

// Key is under what Past.Holds lists the hold: one an object, unit and reason.
func (h Hold) Key() string { return string(h.Reason) + " " + h.Object + " " + h.Unit }

// Ended tells whether the hold's time is over.
func (h Hold) Ended(now Time) bool { return h.For > 0 && now.Since(h.Since) >= h.For }

// Until is when the hold ends, nil if it stands until it is lifted.
func (h Hold) Until(now Time) *Time {
	if h.For == 0 {
		return nil
	}
	t := now.Add(h.For - now.Since(h.Since))
	return &t
}

// Managed is what must be known of an object once its YAML is gone.
type Managed struct {
	Units    []string `json:"units"`
	OnRemove string   `json:"onRemove"` // as declared: release, stop, delete; empty: the default
}

// Owned is a file, or a link, that evenkeel wrote last.
type Owned struct {
	Object  string `json:"object"`
	Digest  string `json:"digest"`
	Link    string `json:"link,omitempty"`    // where it leads, if it is a link
	Created bool   `json:"created,omitempty"` // nothing lay there before evenkeel's first write
	Perhaps string `json:"perhaps,omitempty"` // what a write that was cut short may have left, as File.Lies says it; the next reading tells
}

// Is tells whether what lies there is what evenkeel wrote last.
func (o Owned) Is(f File) bool {
	if o.Link != "" {
		return f.Kind == Symlink && f.Link == o.Link
	}
	return o.Digest != "" && f.Digest == o.Digest
}

// Roll is a change that restarts so much of a host that it is done one by one.
type Roll struct {
	Units []string `json:"units,omitempty"` // sorted; those that were restarted already among them
}
