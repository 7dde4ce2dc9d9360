package report

import (
	"fmt"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// ChangeLine is one thing that changed on the host. Its JSON form is a contract.
type ChangeLine struct {
	Time   Stamp  `json:"time"`
	Source string `json:"source"` // who knows it: evenkeel, package, file, certificate, login, systemctl, boot
	Object string `json:"object"`
	What   string `json:"what"`
	Actor  string `json:"actor"` // who did it; empty: not known
}

// OwnSource is the source of what evenkeel did and remembered itself.
const OwnSource = "evenkeel"

// ChangeOfStep is a Step as a change.
func ChangeOfStep(l HistoryLine) ChangeLine {
	c := ChangeLine{Time: l.Time, Source: OwnSource, Object: l.Object, Actor: l.Actor, What: l.action() + ": " + l.outcome() + " (" + string(l.Reason) + ")"}
	if c.Actor == "" {
		c.Actor = OwnSource
	}
	if l.Outcome != string(state.Done) && l.Detail != "" {
		c.What += ": " + l.Detail
	}
	return c
}

// ChangedBy are the kinds of notes that are changes of what evenkeel does.
var ChangedBy = []state.NoteKind{
	state.NoteRevision, state.NoteHold, state.NoteLifted, state.NoteRetried, state.NoteLet, state.NoteApproved, state.NoteAccepted,
	state.NoteReleased, state.NoteTaken, state.NoteVersion, state.NoteSettled, state.NoteForgot,
	state.NoteCase, state.NoteHealed, state.NoteFailover, state.NoteStoodIn, state.NoteAsDeclared, state.NoteSilenced, state.NoteUnsilenced,
}

// ChangeOfNote is a note of one of these kinds as a change.
func ChangeOfNote(e state.Entry) (ChangeLine, bool) {
	n := e.Note
	if n == nil {
		return ChangeLine{}, false
	}
	c := ChangeLine{Time: At(e.At.Wall), Source: OwnSource, Object: n.Object, Actor: n.Actor, What: noteWords[n.Kind]}
	switch {
	case c.What == "":
		return c, false
	case n.Case != nil:
		if c.What = turnOfCase(e); c.Object == "" {
			c.Object = n.Case.Object
		}
		n = &state.Note{} // what it says is said
	case n.Failover != nil:
		c.What = fmt.Sprintf("%s %s (%s)", n.Failover.To, c.What, n.Failover.Phase)
	case n.Silence != nil:
		c.What += " " + strings.Join(n.Silence.Matchers, ", ")
		if n.Kind == state.NoteSilenced {
			c.What += " for " + span(n.Silence.For)
		}
	case n.Revision != nil:
		c.Object, c.What = desired.ShortRevision(n.Revision.Name), "in force, "+count(n.Revision.Services, "service")
	case n.Hold != nil:
		c.What = c.What + ": " + string(n.Hold.Reason)
		if c.Object == "" {
			c.Object = n.Hold.Object
		}
		if c.Actor == "" {
			c.Actor = n.Hold.Actor
		}
		if n.Kind == state.NoteHold && n.Hold.For > 0 {
			c.What += " for " + span(n.Hold.For)
		}
	case n.Name != "":
		c.What += " " + n.Name
	}
	if n.Detail != "" && n.Revision == nil {
		c.What += ": " + n.Detail
	}
	if c.Object == "" {
		c.Object = "host"
	}
	if c.Actor == "" {
		c.Actor = OwnSource
	}
	return c, true
}

var noteWords = map[state.NoteKind]string{
	state.NoteRevision: "in force", state.NoteHold: "held", state.NoteLifted: "no longer held", state.NoteRetried: "retried, limits cleared",
	state.NoteLet: "next repair may pass the host's budget,", state.NoteApproved: "approved", state.NoteAccepted: "accepted", state.NoteReleased: "released", state.NoteTaken: "managed again",
	state.NoteForgot: "let go",
	state.NoteCase:   "sick", state.NoteHealed: "healed", state.NoteFailover: "stands in for it", state.NoteStoodIn: "no longer stands in for it",
	state.NoteAsDeclared: "goes by its declaration again",
	state.NoteVersion:    "a version of evenkeel acts for the first time:", state.NoteSettled: "what the new version wants is approved",
	state.NoteSilenced: "silenced alerts", state.NoteUnsilenced: "no longer silenced: alerts",
}

// turnOfCase says what a note of a Case is about: each is written when something
// of it has changed, and carries the time of that.
func turnOfCase(e state.Entry) string {
	c := e.Note.Case
	var what string
	switch {
	case e.Note.Kind == state.NoteHealed && c.Well.IsZero():
		what = "closed: " + e.Note.Detail
	case e.Note.Kind == state.NoteHealed:
		what = "healed: " + e.Note.Detail
	case c.Ended != "" && same(c.At, e.At):
		what = string(c.Ended) + ": "
		if same(c.Opened, e.At) && c.Detail != "" {
			what += c.Detail + "; "
		}
		what += c.Why
	case same(c.Opened, e.At):
		what = "fell sick: " + strings.TrimSuffix(string(c.Reason)+": "+c.Detail, ": ")
	case !c.Well.IsZero() && same(c.Well, e.At):
		what = "well again, and watched"
	case c.Why != "":
		what = c.Why
	case c.Round > 0:
		what = "its remedies are tried once more"
	default:
		what = "sick again: " + c.Detail
	}
	return what + " (" + c.ID + ")"
}

// same tells one instant from another by the clock that nobody can set.
func same(a, b state.Time) bool { return a.Up == b.Up && a.Boot == b.Boot }

// ChangesText is the time line as a table, in the order given.
func ChangesText(lines []ChangeLine, st Style) string {
	if len(lines) == 0 {
		return "nothing changed\n"
	}
	t := &table{style: st}
	t.head("TIME", "SOURCE", "OBJECT", "WHAT", "BY")
	for _, l := range lines {
		t.add(l.Time.clock(st.Now), l.Source, cut(l.Object, objectWidth), cut(Escape(l.What), whatWidth), by(l.Actor))
		t.paint(1, sourceColours[l.Source])
	}
	return t.String()
}

// A line of the time line fits most terminals; what is cut is whole in JSON.
const (
	objectWidth = 60
	whatWidth   = 90
)

func by(actor string) string {
	if actor == "" {
		return "?"
	}
	return actor
}

var sourceColours = map[string]colour{OwnSource: cyan, "login": yellow, "systemctl": yellow, "package": magenta, "boot": red}
