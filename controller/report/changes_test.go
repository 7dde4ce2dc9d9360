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

func caseNote(bend func(c *state.Case)) *state.Note {
	c := state.Case{ID: "case-1", Object: "Service/web", Unit: "web.service", Reason: state.LivenessFailed, Detail: "it fails", Opened: moment(-time.Hour)}
	bend(&c)
	return &state.Note{Kind: state.NoteCase, Object: c.Object, Name: c.Unit, Detail: "told to those who are logged in", Case: &c}
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
		"fell sick":               {caseNote(func(c *state.Case) { c.Opened = moment(0) }), "Service/web: fell sick: LivenessFailed: it fails (case-1), evenkeel"},
		"blamed on another": {caseNote(func(c *state.Case) {
			c.Opened, c.Ended, c.At, c.Why = moment(0), state.RemedyWorse, moment(0), "right after a restart of db"
		}), "Service/web: RemedyWorse: it fails; right after a restart of db (case-1), evenkeel"},
		"gave up":                {caseNote(func(c *state.Case) { c.Ended, c.At, c.Why = state.Escalated, moment(0), "every remedy was tried" }), "Service/web: Escalated: every remedy was tried (case-1), evenkeel"},
		"well again":             {caseNote(func(c *state.Case) { c.Well = moment(0) }), "Service/web: well again, and watched (case-1), evenkeel"},
		"waits for a human":      {caseNote(func(c *state.Case) { c.Why = "cache.flush waits for approval" }), "Service/web: cache.flush waits for approval (case-1), evenkeel"},
		"tried once more":        {caseNote(func(c *state.Case) { c.Round = 1 }), "Service/web: its remedies are tried once more (case-1), evenkeel"},
		"a relapse":              {caseNote(func(*state.Case) {}), "Service/web: sick again: it fails (case-1), evenkeel"},
		"healed":                 {&state.Note{Kind: state.NoteHealed, Object: "Service/web", Detail: "it has been well for 10m", Case: &state.Case{ID: "case-1", Well: moment(-time.Hour)}}, "Service/web: healed: it has been well for 10m (case-1), evenkeel"},
		"no longer looked after": {&state.Note{Kind: state.NoteHealed, Object: "Service/web", Detail: "it is no longer to be healed", Case: &state.Case{ID: "case-1"}}, "Service/web: closed: it is no longer to be healed (case-1), evenkeel"},
		"another stands in":      {&state.Note{Kind: state.NoteFailover, Object: "Service/web", Failover: &state.Failover{Service: "web", To: "web-b", Phase: state.FailoverSwitched}}, "Service/web: web-b stands in for it (switched), evenkeel"},
		"it was taken back":      {&state.Note{Kind: state.NoteStoodIn, Object: "Service/web", Detail: "it was taken back", Failover: &state.Failover{Service: "web", To: "web-b", Phase: state.FailoverReturned}}, "Service/web: web-b no longer stands in for it (returned): it was taken back, evenkeel"},
		"silenced":               {&state.Note{Kind: state.NoteSilenced, Actor: "ann", Silence: &state.Silence{Matchers: []string{`a="b"`, `c="d"`}, For: time.Hour}}, `host: silenced alerts a="b", c="d" for 1h, ann`},
		"no longer silenced":     {&state.Note{Kind: state.NoteUnsilenced, Actor: "ann", Silence: &state.Silence{Matchers: []string{`a="b"`}, For: time.Hour}}, `host: no longer silenced: alerts a="b", ann`},
		"what is no change":      {&state.Note{Kind: state.NoteRan, Name: "web.service", Ran: &state.Ran{}}, ""},
		"an intent":              {nil, ""},
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
