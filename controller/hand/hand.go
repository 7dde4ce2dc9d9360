// Package hand decides what a human's word means: which Notes are written when
// somebody asks for a restart, suspends a service or approves a Step.
//
// It is pure: it neither acts nor waits. Its Notes are folded into the Past like
// all others, and the next Plan follows from them; so a human's wish is never a
// side path around what protects the host. It imports desired and state.
package hand

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The verbs.
const (
	Start    = "start"
	Stop     = "stop"
	Restart  = "restart"
	Reload   = "reload"
	Suspend  = "suspend"
	Resume   = "resume"
	Retry    = "retry"
	Accept   = "accept"
	Approve  = "approve"
	Release  = "release"
	Restore  = "restore"
	Withdraw = "withdraw"
	Rollback = "rollback"

	Silence   = "silence"
	Unsilence = "unsilence"
)

// Request is what a human wants. Actor is the server's word, never his own.
type Request struct {
	Verb    string        `json:"verb"`
	Objects []string      `json:"objects,omitempty"` // KIND/NAME; "host" for the host itself
	Select  string        `json:"select,omitempty"`  // matchers over the labels of services, beside Objects
	All     bool          `json:"all,omitempty"`     // every service
	Pending bool          `json:"pending,omitempty"` // restart: those whose restart waits
	For     time.Duration `json:"for,omitempty"`     // suspend, stop: how long; 0: an hour; silence: how long, and it must be said
	Why     string        `json:"why,omitempty"`
	Names   []string      `json:"names,omitempty"` // approve: Step IDs; restore: IDs of displaced versions; withdraw: IDs of asks; rollback: the revision, none: the one before; silence: matchers; unsilence: IDs of silences
	Actor   string        `json:"-"`
}

// Answer is what came of a Request at once. What has to be done is in Asks.
type Answer struct {
	Asks []Asked  `json:"asks,omitempty"`
	Done []string `json:"done,omitempty"` // in plain words
}

// Asked is something that is to be done.
type Asked struct {
	ID     string `json:"id"`
	Object string `json:"object"`
}

// ErrUnknown says that something named does not exist.
var ErrUnknown = errors.New("unknown object")

// ErrRefused says that what was asked for must not be.
var ErrRefused = errors.New("refused")

// ErrInvalid says that what was asked for makes no sense.
var ErrInvalid = errors.New("invalid")

func unknown(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnknown, fmt.Sprintf(format, args...))
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Bounds of a suspension.
const (
	DefaultFor = time.Hour
	MaxFor     = 30 * 24 * time.Hour
)

// Scene is what a decision rests on.
type Scene struct {
	Want  *desired.Set
	Have  state.World
	Past  *state.Past
	Plan  state.Plan
	Now   state.Time
	NewID func() string                       // of an ask; must never repeat
	Kept  func(id string) (state.Kept, error) // a displaced version
}

// Decide returns the Notes that carry a Request out, and what to tell the human.
// Either all of the Request is possible, or nothing of it is done.
func Decide(r Request, s Scene) (Answer, []state.Note, error) {
	if s.Past.Distrust != "" && r.Verb != Withdraw {
		return Answer{}, nil, refused("the record cannot be written, so that nothing by hand would be remembered: %s", s.Past.Distrust)
	}
	if r.For < 0 || r.For > MaxFor {
		return Answer{}, nil, invalid("--for must be between 1s and %s", desired.Duration(MaxFor))
	}
	d := &decision{r: r, s: s}
	switch r.Verb {
	case Approve:
		return d.end(d.approve())
	case Restore:
		return d.end(d.restore())
	case Withdraw:
		return d.end(d.withdraw())
	case Rollback:
		return d.end(d.rollback())
	case Silence:
		return d.end(d.silence())
	case Unsilence:
		return d.end(d.unsilence())
	}
	objects, err := d.objects()
	if err != nil {
		return Answer{}, nil, err
	}
	for _, o := range objects {
		if err := d.one(o); err != nil {
			return Answer{}, nil, err
		}
	}
	return d.end(nil)
}

// decision gathers what comes of a Request.
type decision struct {
	r      Request
	s      Scene
	answer Answer
	notes  []state.Note
}

func (d *decision) end(err error) (Answer, []state.Note, error) {
	if err != nil {
		return Answer{}, nil, err
	}
	return d.answer, d.notes, nil
}

func (d *decision) note(n state.Note) {
	n.Actor = d.r.Actor
	d.notes = append(d.notes, n)
}

func (d *decision) say(format string, args ...any) {
	d.answer.Done = append(d.answer.Done, fmt.Sprintf(format, args...))
}

// Host is how the host itself is named in a Request.
const Host = "host"

func (d *decision) hostObject() string { return "Host/" + d.s.Want.Host.Name }

// objects resolves what was named, each once, in the order of dependencies.
func (d *decision) objects() ([]string, error) {
	chosen := make(map[string]bool)
	for _, o := range d.r.Objects {
		if o == Host || o == d.hostObject() {
			chosen[d.hostObject()] = true
			continue
		}
		name, ok := strings.CutPrefix(o, "Service/")
		if !ok {
			return nil, invalid("%s: only services and the host have verbs by hand", o)
		}
		if _, ok := d.s.Want.Service(name); !ok {
			return nil, unknown("%s%s", o, d.near(name))
		}
		chosen[o] = true
	}
	if err := d.selected(chosen); err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, d.none()
	}
	var out []string
	if chosen[d.hostObject()] {
		out = append(out, d.hostObject())
	}
	for i := range d.s.Want.Services {
		if o := d.s.Want.Services[i].Object(); chosen[o] {
			out = append(out, o)
		}
	}
	return out, nil
}

// none says why nothing is chosen.
func (d *decision) none() error {
	switch {
	case d.r.Pending:
		d.say("no service waits to be restarted")
		return nil
	case d.r.Select != "":
		return unknown("no service has labels that match %s", d.r.Select)
	}
	return invalid("name a service, or choose some by -l or --all")
}

// selected adds what is chosen by labels, by --all and by --pending.
func (d *decision) selected(chosen map[string]bool) error {
	matchers, err := desired.ParseMatchers(d.r.Select)
	if d.r.Select != "" && err != nil {
		return invalid("-l %s: %v", d.r.Select, err)
	}
	for i := range d.s.Want.Services {
		sv := &d.s.Want.Services[i]
		switch {
		case d.r.All, d.r.Select != "" && desired.MatchAll(matchers, sv.Labels):
			chosen[sv.Object()] = true
		case d.r.Pending && d.pending(sv.Object()):
			chosen[sv.Object()] = true
		}
	}
	return nil
}

// pending tells that a restart of the service waits for its time or a human.
func (d *decision) pending(object string) bool {
	return slices.ContainsFunc(d.s.Plan.Held, func(h state.Held) bool { return h.Object == object && h.Reason == state.PendingRestart })
}

func (d *decision) near(name string) string {
	var names []string
	for i := range d.s.Want.Services {
		names = append(names, d.s.Want.Services[i].Name)
	}
	if near := desired.Nearest(name, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// one carries a verb out for one object.
func (d *decision) one(object string) error {
	host := object == d.hostObject()
	switch d.r.Verb {
	case Suspend:
		d.suspend(object, false)
		return nil
	case Resume:
		d.resume(object)
		return nil
	}
	if host {
		return invalid("%s is for services; the host can be suspended and resumed", d.r.Verb)
	}
	sv, _ := d.s.Want.Service(strings.TrimPrefix(object, "Service/"))
	switch d.r.Verb {
	case Start, Stop, Restart, Reload:
		return d.ask(sv)
	case Retry:
		d.retry(sv)
	case Accept:
		return d.accept(sv)
	case Release:
		d.release(sv)
	default:
		return invalid("there is no verb %q", d.r.Verb)
	}
	return nil
}

// length is how long a suspension lasts.
func (d *decision) length() time.Duration { return cmp.Or(d.r.For, DefaultFor) }

func (d *decision) because() string {
	if d.r.Why != "" {
		return ": " + d.r.Why
	}
	return ""
}
