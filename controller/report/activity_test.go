package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// wished is a wish that stood from one time before noon to another; to zero: it
// still stands.
func wished(service, verb string, r state.Reason, from, to time.Duration) state.Wished {
	w := state.Wished{Wish: state.Wish{
		ID: service + verb, Object: "Service/" + service, Reason: r, Detail: service + ".service is not as declared", Since: moment(-from),
		Action: actuators.Action{Actuator: "systemd", Verb: verb, Target: service + ".service"},
	}}
	if to > 0 {
		w.Until = moment(-to)
	}
	return w
}

// week is what an estate may have done in one.
func week() Activity {
	line := func(ago time.Duration, object, verb string, r state.Reason, outcome, detail string, ms int64) HistoryLine {
		return HistoryLine{
			Time: At(noon.Add(-ago)), Object: object, Actuator: "systemd", Verb: verb, Target: strings.TrimPrefix(object, "Service/") + ".service",
			Reason: r, Outcome: outcome, Detail: detail, MS: ms,
		}
	}
	steps := []HistoryLine{
		line(time.Minute, "Service/backend", "start", state.Failed, "done", "", 120),
		line(time.Hour, "Service/backend", "start", state.Failed, "failed", "job failed: exit-code", 90012),
		line(2*time.Hour, "Service/backend", "start", state.Failed, "failed", "job failed: exit-code", 10),
		line(3*time.Hour, "Service/backend", "start", state.Failed, "interrupted", "evenkeel ended before the step did", 0),
		line(30*time.Hour, "Service/nginx", "restart", state.ByHand, "done", "new certificates", 800),
		line(time.Second, "Service/nginx", "restart", state.ByHand, "", "", 0),
		{
			Time: At(noon.Add(-4 * time.Hour)), Object: "Service/backend", Actuator: "file", Verb: "write", Target: "/etc/systemd/system/backend.service",
			Reason: state.UnitFileDrift, Outcome: "done", MS: 2, Displaced: "20261123-080000-backend",
		},
		line(5*time.Hour, "Service/nginx", "stop", state.NotStopped, "refused", "policy | says `no`", 0),
	}
	steps[4].Actor, steps[5].Actor = "alice (sudo)", "bob"
	return NewActivity("app-1", noon.Add(-7*24*time.Hour), noon, steps, []state.Wished{
		wished("search", "start", state.NotRunning, 3*time.Hour, 2*time.Hour),
		wished("search", "start", state.NotRunning, time.Hour, 0),
		wished("search", "enable", state.NotEnabled, 50*time.Hour, 0),
		wished("cache", "restart", state.StaleProcess, 8*24*time.Hour, 6*24*time.Hour),
	}, illnesses())
}

// illnesses are the notes of four Cases: one healed after a remedy, one that a
// human began anew, one that is still open, and one of the host.
func illnesses() []state.Entry {
	var out []state.Entry
	add := func(ago time.Duration, kind state.NoteKind, c state.Case, detail string) {
		n := &state.Note{Kind: kind, Object: c.Object, Name: c.Unit, Detail: detail, Case: &c}
		if kind == state.NoteRetried {
			n.Case, n.Actor = nil, "alice (sudo)"
		}
		out = append(out, state.Entry{Seq: uint64(len(out) + 1), At: moment(-ago), Note: n})
	}
	sick := func(id, object string, r state.Reason, ago time.Duration) state.Case {
		return state.Case{ID: "case-" + id, Object: object, Unit: strings.TrimPrefix(object, "Service/") + ".service", Reason: r, Detail: "it fails its liveness probe", Opened: moment(-ago)}
	}
	one := sick("1", "Service/backend", state.LivenessFailed, 6*time.Hour)
	add(6*time.Hour, state.NoteCase, one, "")
	one.Tried = []state.Tried{{Rung: 1}}
	one.Well = moment(-5 * time.Hour)
	add(5*time.Hour, state.NoteCase, one, "")
	add(5*time.Hour-10*time.Minute, state.NoteHealed, one, "it has been well for 10m")
	two := sick("2", "Service/backend", state.LivenessFailed, 3*time.Hour)
	two.Tried, two.Ended, two.Why, two.At = []state.Tried{{Rung: 1}, {Rung: 2}}, state.Escalated, "every remedy was tried", moment(-2*time.Hour)
	add(3*time.Hour, state.NoteCase, sick("2", "Service/backend", state.LivenessFailed, 3*time.Hour), "")
	add(2*time.Hour, state.NoteCase, two, "backend.service: …")
	add(time.Hour, state.NoteRetried, two, "")
	add(30*time.Minute, state.NoteCase, sick("3", "Service/search", state.Flapping, 30*time.Minute), "")
	host := state.Case{ID: "case-4", Object: "Host/app-1", Reason: state.TooManySick, Detail: "5 of 6 services", Opened: moment(-9 * time.Hour), Ended: state.TooManySick, Why: "a human must look", Well: moment(-8*time.Hour - 10*time.Minute)}
	add(9*time.Hour, state.NoteCase, host, "")
	add(8*time.Hour, state.NoteHealed, host, "it has been well for 10m")
	return out
}

func TestActivity(t *testing.T) {
	golden(t, "activity.txt", []byte(week().Text(Style{Now: noon})))
	golden(t, "activity.md", []byte(week().Markdown()))
	golden(t, "activity.json", must(JSON(week()))(t))
	if got := colours.ReplaceAllString(week().Text(Style{Now: noon, Color: true}), ""); got != week().Text(Style{Now: noon}) {
		t.Error("colour changes the text")
	}
}

func TestActivityOfAQuietNight(t *testing.T) {
	a := NewActivity("app-1", noon.Add(-8*time.Hour), noon, nil, nil, nil)
	want := "app-1  from 04:00:00 UTC to 12:00:00 UTC\n\nNothing was done.\n\nNothing fell sick.\n\nNothing was held back by observing.\n"
	if got := a.Text(Style{Now: noon}); got != want {
		t.Errorf("%q", got)
	}
	for _, empty := range []string{`"done":[]`, `"wouldHave":[]`, `"steps":0`, `"sick":[]`, `"partial":false`} {
		if out := string(must(JSONLine(a))(t)); !strings.Contains(out, empty) {
			t.Errorf("no %s in %s", empty, out)
		}
	}
}

func TestActivityEscapes(t *testing.T) {
	const evil = "\x1b]52;c;aGk=\x07\u202e|`<b>\r\nforged"
	w := wished(evil, evil, evil, time.Hour, 0)
	w.Detail = evil
	a := NewActivity(evil, noon, noon, []HistoryLine{{Object: evil, Verb: evil, Reason: evil, Actor: evil, Outcome: evil, Detail: evil, Displaced: evil}}, []state.Wished{w}, []state.Entry{
		{Note: &state.Note{Kind: state.NoteHealed, Detail: evil, Case: &state.Case{ID: evil, Object: evil, Reason: evil, Detail: evil, Ended: evil, Why: evil}}},
	})
	for _, out := range []string{a.Text(Style{}), a.Markdown()} {
		if strings.ContainsAny(out, "\x1b\x07\r\u202e") || strings.Contains(out, "\nforged") {
			t.Errorf("not escaped: %q", out)
		}
	}
}
