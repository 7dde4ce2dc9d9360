package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

func TestChangesText(t *testing.T) {
	day := func(l ChangeLine) ChangeLine { l.Time = At(noon.Add(-time.Minute)); return l }
	lines := []ChangeLine{
		{Time: At(noon.Add(-26 * time.Hour)), Source: "boot", Object: "host", What: "booted"},
		day(ChangeLine{Source: "login", Object: "root", What: "ran /bin/echo \x1b[2J " + strings.Repeat("x", 200), Actor: "ann"}),
		day(ChangeOfStep(HistoryLine{Object: "Service/web", Actuator: "systemd", Verb: "restart", Target: "web.service", Reason: state.StaleProcess, Outcome: "done", Detail: "of no interest"})),
		day(ChangeOfStep(HistoryLine{Object: "Service/web", Actuator: "systemd", Verb: "stop", Target: "web.service", Reason: state.ByHand, Actor: "ann", Outcome: "failed", Detail: "it does not end"})),
		day(ChangeOfStep(HistoryLine{Object: "Service/web", Actuator: "systemd", Verb: "start", Target: "web.service", Reason: state.NotRunning})),
		day(ChangeLine{Source: "package", Object: "nginx:amd64", What: "upgraded from 1 to 2"}),
	}
	golden(t, "changes.txt", []byte(ChangesText(lines, Style{Now: noon})+"\n"+ChangesText(nil, Style{})))
}

func TestChangeOfNote(t *testing.T) {
	for name, c := range map[string]struct {
		note *state.Note
		want string // object: what, actor; empty: no change
	}{
		"a revision":              {&state.Note{Kind: state.NoteRevision, Revision: &state.Revision{Name: "3f2a1b9c0d4e", Services: 19}}, "3f2a1b9c0d4e: in force, 19 services, evenkeel"},
		"a hold for a time":       {&state.Note{Kind: state.NoteHold, Object: "Service/web", Hold: &state.Hold{Reason: state.Suspended, Object: "Service/web", For: time.Hour, Actor: "ann"}}, "Service/web: held: Suspended for 1h, ann"},
		"a hold until lifted":     {&state.Note{Kind: state.NoteHold, Hold: &state.Hold{Reason: state.Masked, Object: "Service/web"}}, "Service/web: held: Masked, evenkeel"},
		"a hold of the host":      {&state.Note{Kind: state.NoteHold, Hold: &state.Hold{Reason: state.Suspended}}, "host: held: Suspended, evenkeel"},
		"lifted":                  {&state.Note{Kind: state.NoteLifted, Object: "Service/web", Actor: "bob", Hold: &state.Hold{Reason: state.Suspended, For: time.Hour, Actor: "ann"}}, "Service/web: no longer held: Suspended, bob"},
		"accepted, with its name": {&state.Note{Kind: state.NoteAccepted, Object: "Service/web", Name: "50-x.conf", Actor: "ann"}, "Service/web: accepted 50-x.conf, ann"},
		"what is no change":       {&state.Note{Kind: state.NoteRan, Name: "web.service", Ran: &state.Ran{}}, ""},
		"an intent":               {nil, ""},
	} {
		l, ok := ChangeOfNote(state.Entry{At: moment(0), Note: c.note})
		if got := l.Object + ": " + l.What + ", " + l.Actor; ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: %v, %s", name, ok, cmp.Diff(c.want, got))
		}
	}
	for _, kind := range ChangedBy {
		if _, ok := ChangeOfNote(state.Entry{Note: &state.Note{Kind: kind}}); !ok {
			t.Errorf("a note %s has no words", kind)
		}
	}
}
