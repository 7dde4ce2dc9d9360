package state

import (
	"fmt"
	"testing"
)

func TestWishesAreRememberedWhileTheyStand(t *testing.T) {
	p := NewPast()
	note := func(i int, k NoteKind, w Wish) { p.Fold(Entry{At: when(i), Note: &Note{Kind: k, Wish: &w}}) }
	note(1, NoteWished, Wish{ID: "a", Reason: NotRunning})
	if w := p.Wished["a"]; w.Since != when(1) {
		t.Errorf("it stands since %v, want the note's own time", w.Since)
	}
	note(2, NoteWishedNot, p.Wished["a"])
	if len(p.Wished) != 0 {
		t.Errorf("what is gone is remembered: %v", p.Wished)
	}
}

func TestOnlySoManyWishesAreRemembered(t *testing.T) {
	p := NewPast()
	for i := range MaxWishes + 10 {
		p.Fold(Entry{At: when(i), Note: &Note{Kind: NoteWished, Wish: &Wish{ID: fmt.Sprint(i)}}})
	}
	p.Fold(Entry{At: when(1), Note: &Note{Kind: NoteWished, Wish: &Wish{ID: "3", Reason: Failed}}})
	if len(p.Wished) != MaxWishes || p.Wished["3"].Reason != Failed {
		t.Errorf("%d are remembered, want %d; one that is known is %v", len(p.Wished), MaxWishes, p.Wished["3"])
	}
}
