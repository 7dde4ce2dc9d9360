package hand_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/state"
)

// first is the ID of the first silence of a scene.
const first = "silence-3cc5b779a4"

// quiet is a scene in which one silence stands and another has ended, and two alerts are active.
func quiet(s *hand.Scene) {
	for _, one := range []state.Silence{
		{ID: "silence-aaaa000000", Matchers: []string{`service="redis"`}, At: now, For: time.Hour},
		{ID: "silence-aaaa111111", Matchers: []string{`service="nginx"`}, At: now, For: time.Hour},
		{ID: "silence-bbbb000000", Matchers: []string{`service="old"`}, At: state.Time{Boot: now.Boot}, For: time.Minute},
	} {
		s.Past.Silences[one.ID] = one
	}
	alert := func(id, name, service string, firing bool) state.ActiveAlert {
		return state.ActiveAlert{ID: id, Name: name, Firing: firing, Labels: map[string]string{"alertname": name, "service": service}}
	}
	s.Have.Alerts = map[string]state.Fact[state.Alerts]{
		"rule/a": {At: now, Value: state.Alerts{Active: []state.ActiveAlert{alert("1", "RedisMemory", "redis", true), alert("2", "RedisDown", "redis", false)}}},
		"rule/b": {At: now, Value: state.Alerts{Active: []state.ActiveAlert{alert("3", "Slow", "web", true)}}},
	}
}

func TestSilences(t *testing.T) {
	for _, c := range []struct {
		name    string
		request hand.Request
		want    []string
		says    string
	}{
		{
			"alerts by name",
			hand.Request{Verb: hand.Silence, Names: []string{`alertname=Slow`}, For: 2 * time.Hour},
			[]string{"silenced " + first + ` alertname="Slow" 2h0m0s`},
			first + `: alertname="Slow" is silenced for 2h; it ends by itself, or with: evenkeel silence expire ` + first + "\nsilenced now: Slow 3, firing",
		},
		{
			"several matchers",
			hand.Request{Verb: hand.Silence, Names: []string{`service=redis,alertname!=Slow`, `zone=""`}, For: hand.MaxFor},
			[]string{"silenced " + first + ` service="redis",alertname!="Slow",zone="" 720h0m0s`},
			"silenced now: RedisMemory 1, firing\nsilenced now: RedisDown 2, pending",
		},
		{
			"what is not active",
			hand.Request{Verb: hand.Silence, Names: []string{`service=mail`}, For: time.Minute},
			[]string{"silenced " + first + ` service="mail" 1m0s`},
			"no alert that is active matches it",
		},
		{
			"the same once more",
			hand.Request{Verb: hand.Silence, Names: []string{`service=redis`}, For: 2 * time.Hour},
			[]string{`unsilenced silence-aaaa000000 service="redis" 1h0m0s another takes its place`, "silenced " + first + ` service="redis" 2h0m0s`},
			"for 2h",
		},
		{
			"an end before its time",
			hand.Request{Verb: hand.Unsilence, Names: []string{"silence-aaaa000000", "aaaa1"}},
			[]string{`unsilenced silence-aaaa000000 service="redis" 1h0m0s`, `unsilenced silence-aaaa111111 service="nginx" 1h0m0s`},
			`silence-aaaa111111: service="nginx" is no longer silenced`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.request.Actor = "anna"
			a, notes, err := hand.Decide(c.request, scene(quiet))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, tellAll(notes)); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
			for _, n := range notes {
				if err := (state.Entry{Note: &n}).Check(); n.Actor != "anna" || err != nil {
					t.Errorf("%s by %q: %v", tell(n), n.Actor, err)
				}
			}
			if said := strings.Join(a.Done, "\n"); !strings.Contains(said, c.says) {
				t.Errorf("it says:\n%s\nwant:\n%s", said, c.says)
			}
		})
	}
}

func TestSilencesThatMustNotBe(t *testing.T) {
	many := func(s *hand.Scene) {
		for i := range state.MaxSilences {
			id := fmt.Sprint("silence-", i)
			s.Past.Silences[id] = state.Silence{ID: id, Matchers: []string{fmt.Sprintf(`n="%d"`, i)}, At: now, For: time.Hour}
		}
	}
	redis := []string{"service=redis"}
	for _, c := range []struct {
		name    string
		scene   func(*hand.Scene)
		request hand.Request
		want    error
		says    string
	}{
		{"no matcher", quiet, hand.Request{Verb: hand.Silence, For: time.Hour}, hand.ErrInvalid, "say which alerts"},
		{"what is no matcher", quiet, hand.Request{Verb: hand.Silence, Names: []string{"redis"}, For: time.Hour}, hand.ErrInvalid, "matcher redis:"},
		{"everything", quiet, hand.Request{Verb: hand.Silence, Names: []string{`service=~".*"`, `zone!="a"`}, For: time.Hour}, hand.ErrInvalid, "nearly everything"},
		{"no end", quiet, hand.Request{Verb: hand.Silence, Names: redis}, hand.ErrInvalid, "a silence always ends"},
		{"an end that is too late", quiet, hand.Request{Verb: hand.Silence, Names: redis, For: hand.MaxFor + 1}, hand.ErrInvalid, "30d"},
		{"an end before it begins", quiet, hand.Request{Verb: hand.Silence, Names: redis, For: -1}, hand.ErrInvalid, "30d"},
		{"too many", many, hand.Request{Verb: hand.Silence, Names: redis, For: time.Hour}, hand.ErrRefused, "100 silences stand"},
		{"no record", func(s *hand.Scene) { s.Past.Distrust = "emptied" }, hand.Request{Verb: hand.Silence, Names: redis, For: time.Hour}, hand.ErrRefused, "emptied"},
		{"ending what nobody knows", quiet, hand.Request{Verb: hand.Unsilence, Names: []string{"aaaa0", "cccc"}}, hand.ErrUnknown, "no silence cccc"},
		{"ending what has ended", quiet, hand.Request{Verb: hand.Unsilence, Names: []string{"silence-bbbb000000"}}, hand.ErrUnknown, "no silence"},
		{"ending one of two", quiet, hand.Request{Verb: hand.Unsilence, Names: []string{"aaaa"}}, hand.ErrInvalid, "2 silences"},
		{"ending by nearly nothing", quiet, hand.Request{Verb: hand.Unsilence, Names: []string{"bbb"}}, hand.ErrUnknown, "no silence"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, notes, err := hand.Decide(c.request, scene(c.scene))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %v with %q", err, c.want, c.says)
			}
			if len(notes) > 0 || len(a.Done) > 0 {
				t.Errorf("half of it is done: %q %q", tellAll(notes), a.Done)
			}
		})
	}
}
