package state

import "testing"

// What was seen is of a Case that is open, or of the host; of anything else it is passed
// over.
func TestSeen(t *testing.T) {
	p := NewPast()
	c := NewAlertCase("Service/web", "rule/g/A", ActiveAlert{ID: "1", Name: "A", Labels: map[string]string{"alertname": "A"}}, Time{})
	fold := func(n Note) { p.Fold(Entry{Note: &n}) }
	blind := Seen{Is: SeenBlind, Exprs: map[string]string{ExprID("up"): SeenYes}}
	fold(Note{Kind: NoteSeen, Object: c.Object, Name: c.Unit, Seen: &blind})
	if len(p.Cases) != 0 {
		t.Error("it opens a case")
	}
	fold(Note{Kind: NoteCase, Case: &c})
	fold(Note{Kind: NoteSeen, Object: c.Object, Name: c.Unit, Seen: &blind})
	if got := p.Cases[c.Key()]; !got.Seen.Equal(blind) || got.Labels["alertname"] != "A" {
		t.Errorf("the case is %+v", got)
	}
	host := Seen{Host: KillSwitch, Sick: map[string]string{"web.service": SeenDown}}
	fold(Note{Kind: NoteSeen, Object: "Host/a", Seen: &host})
	if !p.Seeing.Equal(host) || p.Cases[c.Key()].Seen.Equal(host) {
		t.Errorf("of the host: %+v", p.Seeing)
	}
	for _, other := range []Seen{{}, {Is: SeenFiring}, {Is: SeenBlind, Exprs: map[string]string{ExprID("up"): SeenNo}}, {Is: SeenBlind, Exprs: blind.Exprs, Waits: "x"}} {
		if other.Equal(blind) {
			t.Errorf("%+v is %+v", other, blind)
		}
	}
}
