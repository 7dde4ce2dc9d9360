package actuatortest

import (
	"maps"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

// refuses sends each sample bent in all ways that Info.Check knows.
func refuses(t *testing.T, fresh func(t *testing.T) Subject) {
	bends := map[string]func(*actuators.Request){
		"another actuator's action": func(r *actuators.Request) { r.Actuator = "somebody-else" },
		"an unknown verb":           func(r *actuators.Request) { r.Verb = "no-such-verb" },
		"an unknown argument": func(r *actuators.Request) {
			r.Args = maps.Clone(r.Args)
			if r.Args == nil {
				r.Args = map[string]string{}
			}
			r.Args["no-such-argument"] = "1"
		},
		"content missing or unexpected": func(r *actuators.Request) {
			if r.Content == nil {
				r.Content = []byte("unexpected")
			} else {
				r.Content = nil
			}
		},
	}
	for name, bend := range bends {
		t.Run(name, func(t *testing.T) {
			each(t, fresh, func(t *testing.T, s Subject, x Sample) {
				before := x.look(t)
				r := x.Request
				bend(&r)
				_, err := s.Actuator.Apply(limited(t), r)
				mustBe(t, "Apply", err, actuators.Invalid)
				if p, ok := s.Actuator.(actuators.Previewer); ok {
					_, err := p.Preview(limited(t), r)
					mustBe(t, "Preview", err, actuators.Invalid)
				}
				if after := x.look(t); after != before {
					t.Errorf("what was refused changed the world from %q to %q", before, after)
				}
			})
		})
	}
}

func failing(t *testing.T, fresh func(t *testing.T) Subject) {
	for i, f := range fresh(t).Failing {
		t.Run(f.Name, func(t *testing.T) {
			s := fresh(t)
			f := s.Failing[i]
			if f.Before != nil {
				f.Before(t)
			}
			_, err := s.Actuator.Apply(limited(t), f.Request)
			mustBe(t, "Apply", err, f.Kind)
		})
	}
}
