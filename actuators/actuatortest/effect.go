package actuatortest

import (
	"errors"
	"maps"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

func does(t *testing.T, fresh func(t *testing.T) Subject) {
	each(t, fresh, func(t *testing.T, s Subject, x Sample) {
		before := x.look(t)
		args := maps.Clone(x.Request.Args)
		v, _ := info(t, s).Verb(x.Request.Verb)
		switch res := apply(t, s, x.Request); {
		case v.Effect == actuators.None && res.Changed:
			t.Error("Apply says that it changed something, and the verb has no effect")
		case v.Effect != actuators.None && !res.Changed:
			t.Error("Apply says that it changed nothing: give a Before that makes it necessary")
		}
		if v.Effect == actuators.None && x.look(t) != before {
			t.Errorf("the verb has no effect, and the world looks otherwise than before: %q", before)
		}
		if v.Effect != actuators.None && x.Look != nil && x.look(t) == before {
			t.Errorf("Apply says that it changed something, and the world looks as before: %q", before)
		}
		if !maps.Equal(args, x.Request.Args) {
			t.Error("Apply changed the arguments of the request")
		}
	})
}

func idempotent(t *testing.T, fresh func(t *testing.T) Subject) {
	each(t, fresh, func(t *testing.T, s Subject, x Sample) {
		if x.Repeats {
			apply(t, s, x.Request)
			apply(t, s, x.Request) // it may act again; it must not fail
			return
		}
		again(t, s, x)
	})
}

func oneKey(t *testing.T, fresh func(t *testing.T) Subject) {
	each(t, fresh, func(t *testing.T, s Subject, x Sample) {
		if x.Request.Key == "" {
			if x.Repeats {
				return // no Key: each time is another effect
			}
			x.Request.Key = "a-key"
		}
		again(t, s, x)
	})
}

// again applies twice: the second must neither change nor claim anything.
func again(t *testing.T, s Subject, x Sample) {
	t.Helper()
	apply(t, s, x.Request)
	once := x.look(t)
	if res := apply(t, s, x.Request); res.Changed {
		t.Error("the second Apply says that it changed something")
	}
	if twice := x.look(t); twice != once {
		t.Errorf("the second Apply changed the world from %q to %q", once, twice)
	}
}

func preview(t *testing.T, fresh func(t *testing.T) Subject) {
	each(t, fresh, func(t *testing.T, s Subject, x Sample) {
		p, ok := s.Actuator.(actuators.Previewer)
		if !ok {
			return
		}
		before := x.look(t)
		res, err := p.Preview(limited(t), x.Request)
		if errors.Is(err, actuators.ErrNoPreview) {
			return
		}
		if err != nil {
			t.Fatalf("Preview: %v", err)
		}
		presentable(t, x.Request, res)
		if v, _ := info(t, s).Verb(x.Request.Verb); v.Effect == actuators.None {
			return // there is nothing that it could foretell
		}
		if !res.Changed {
			t.Error("Preview says that nothing is to be done")
		}
		if after := x.look(t); after != before {
			t.Fatalf("Preview changed the world from %q to %q", before, after)
		}
		if res := apply(t, s, x.Request); !res.Changed {
			t.Error("after a Preview, Apply says that it changed nothing")
		}
		if res, err := p.Preview(limited(t), x.Request); err != nil || res.Changed && !x.Repeats {
			t.Errorf("after Apply, Preview says %+v, %v, want nothing to be done", res, err)
		}
	})
}
