package plan

import (
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
)

func TestSilenced(t *testing.T) {
	at := func(up time.Duration) state.Time { return state.Time{Wall: time.Unix(0, 0).Add(up), Up: up, Boot: "b"} }
	labels := map[string]string{"alertname": "RedisMemory", "service": "redis", "severity": "page"}
	one := func(id string, length time.Duration, matchers ...string) state.Silence {
		return state.Silence{ID: id, Matchers: matchers, At: at(0), For: length}
	}
	for name, c := range map[string]struct {
		silences []state.Silence
		want     string
	}{
		"none":                 {nil, ""},
		"by name":              {[]state.Silence{one("a", time.Hour, `alertname=RedisMemory`)}, "a"},
		"all must match":       {[]state.Silence{one("a", time.Hour, `service=redis`, `severity="ticket"`)}, ""},
		"several in one":       {[]state.Silence{one("a", time.Hour, `service=~"redis|nginx",zone=""`)}, "a"},
		"of something else":    {[]state.Silence{one("a", time.Hour, `service=nginx`)}, ""},
		"ended":                {[]state.Silence{one("a", time.Minute, `service=redis`)}, ""},
		"the longest counts":   {[]state.Silence{one("a", 2*time.Hour, `service=redis`), one("b", time.Hour, `severity=page`)}, "a"},
		"an equal one":         {[]state.Silence{one("b", time.Hour, `service=redis`), one("a", time.Hour, `service=redis`)}, "a"},
		"cannot be read":       {[]state.Silence{one("a", time.Hour, `service=~"("`)}, ""},
		"matches all or none":  {[]state.Silence{one("a", time.Hour)}, ""},
		"braces without words": {[]state.Silence{one("a", time.Hour, `{}`)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := state.NewPast()
			for _, s := range c.silences {
				p.Silences[s.ID] = s
			}
			s, ok := Silenced(p, labels, at(time.Minute))
			if s.ID != c.want || ok != (c.want != "") {
				t.Errorf("%q %v, want %q", s.ID, ok, c.want)
			}
		})
	}
}
