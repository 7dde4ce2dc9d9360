package actuatortest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/host"
)

// patience bounds a call that must return. It is long because it only tells a
// call that hangs from one that does not.
const patience = 20 * time.Second

// Run proves an actuator directly and over a wire inside the process.
func Run(t *testing.T, fresh func(t *testing.T) Subject) {
	t.Run("direct", func(t *testing.T) { prove(t, fresh) })
	t.Run("wire", func(t *testing.T) {
		prove(t, func(t *testing.T) Subject {
			s := fresh(t)
			s.Actuator = OverWire(t, s.Actuator)
			return s
		})
	})
}

// RunProcess proves the same actuator as a plugin process. Its config is that
// of the Subject.
func RunProcess(t *testing.T, spec host.Spec, fresh func(t *testing.T) Subject) {
	t.Run("process", func(t *testing.T) {
		prove(t, func(t *testing.T) Subject {
			s := fresh(t)
			spec := spec
			spec.Config = s.Config
			s.Actuator = Launch(t, spec)
			return s
		})
	})
}

// cases is the contract, a promise a case.
var cases = []struct {
	name string
	run  func(t *testing.T, fresh func(t *testing.T) Subject)
}{
	{"says what it is", saysWhatItIs},
	{"says the same each time", saysTheSame},
	{"every verb is proven", everyVerb},
	{"refuses what it never promised", refuses},
	{"does what it is asked", does},
	{"doing it again changes nothing", idempotent},
	{"one key is one effect", oneKey},
	{"preview changes nothing", preview},
	{"returns soon after the end of the context", returnsSoon},
	{"many at a time", concurrent},
	{"errors carry their kind", failing},
}

func prove(t *testing.T, fresh func(t *testing.T) Subject) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh) })
	}
}

// each runs a check for each sample, in a world of its own.
func each(t *testing.T, fresh func(t *testing.T) Subject, check func(t *testing.T, s Subject, sample Sample)) {
	for i, sample := range fresh(t).Samples {
		t.Run(sample.name(), func(t *testing.T) {
			s := fresh(t)
			sample := s.Samples[i]
			if sample.Before != nil {
				sample.Before(t)
			}
			check(t, s, sample)
		})
	}
}

// limited is the context of a call that must return.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func info(t *testing.T, s Subject) actuators.Info {
	t.Helper()
	i, err := s.Actuator.Info(limited(t))
	if err != nil {
		t.Fatalf("Info: %v", err)
	}
	return i
}

// apply is an Apply that must work, and whose result must be fit to be stored.
func apply(t *testing.T, s Subject, r actuators.Request) actuators.Result {
	t.Helper()
	res, err := s.Actuator.Apply(limited(t), r)
	if err != nil {
		t.Fatalf("Apply(%v): %v", r, err)
	}
	presentable(t, r, res)
	return res
}

// mustBe checks that an error is an *actuators.Error of a kind.
func mustBe(t *testing.T, what string, err error, kind actuators.Kind) {
	t.Helper()
	var e *actuators.Error
	switch {
	case err == nil:
		t.Errorf("%s: no error, want one of kind %v", what, kind)
	case !errors.As(err, &e):
		t.Errorf("%s: %q is a %T: its kind does not survive the wire, use actuators.Errorf", what, err, err)
	case actuators.KindOf(err) != kind:
		t.Errorf("%s: kind %v (%v), want %v", what, actuators.KindOf(err), err, kind)
	}
}
