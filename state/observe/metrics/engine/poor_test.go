package engine

import (
	"testing"
	"time"
)

// A target stood well for what was selected if nothing that it said since is bad, and
// if it was read well at the moment of which was asked.
func TestHowATargetStoodMeanwhile(t *testing.T) {
	p := place{"shop", "here"}
	since := time.Now()
	asked := since.Add(-time.Second)
	for name, c := range map[string]struct {
		bad, well time.Time
		poor      bool
	}{
		"always read well":                       {well: asked.Add(-time.Hour)},
		"bad before that moment, and well again": {bad: asked.Add(-2 * time.Second), well: asked.Add(-time.Second)},
		"bad at that moment, and well since":     {bad: asked.Add(-time.Second), well: asked.Add(time.Millisecond), poor: true},
		"bad since then, and well again":         {bad: since.Add(time.Millisecond), well: asked, poor: true},
	} {
		s := &scraper{readings: map[place]reading{p: {up: true, bad: c.bad, well: c.well}}}
		before := map[place]condition{p: {known: true}}
		if s.meanwhile(before, since, asked); (before[p].why != "") != c.poor {
			t.Errorf("%s: it is %q", name, before[p].why)
		}
	}
}
