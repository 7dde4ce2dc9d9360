package act

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

func TestEvidenceIsFitToBeShown(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"one\ntwo\n":             "one\ntwo",
		"a\r\nb":                 "a\nb",
		"a\tb":                   "a b",
		"\x1b[2Jgone\x00\x7f":    "?[2Jgone??",
		"\xff\xfe":               "??",
		"x\u202ecod":             "x?cod",
		"Zäh 東\u00a0":            "Zäh 東?",
		strings.Repeat("é", 201): strings.Repeat("é", 200) + "…",
		strings.Repeat("é", 200): strings.Repeat("é", 200),
	} {
		if got := evidence(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
	got := evidence(strings.Repeat("0123456789é\n", 10_000))
	if len(got) > state.MaxEvidence || len(got) < state.MaxEvidence-100 || !utf8.ValidString(got) || !strings.HasSuffix(got, "\n"+cutShort) {
		t.Errorf("%d bytes, and they end in %q", len(got), got[len(got)-50:])
	}
}

// Evidence is a collector's alone, and what failed has none.
func TestWhoseEvidenceIsKept(t *testing.T) {
	res := actuators.Result{Detail: "3 keys", Data: map[string]string{"evidence": "a\nb"}}
	for _, tt := range []struct {
		actuator string
		err      error
		status   state.Status
		evidence string
	}{
		{"gather", nil, state.Done, "a\nb"},
		{"lights", nil, state.Done, ""},
		{"gather", actuators.Errorf(actuators.Unavailable, "nobody answers"), state.StepFailed, ""},
		{"gather", errors.New("broken"), state.StepFailed, ""},
	} {
		var out state.Outcome
		judge(&out, Order{Step: state.Step{Action: actuators.Action{Actuator: tt.actuator, Verb: "redis.info"}}}, res, tt.err, state.Facts{})
		if out.Status != tt.status || out.Evidence != tt.evidence {
			t.Errorf("%s, %v: %s with %q", tt.actuator, tt.err, out.Status, out.Evidence)
		}
	}
}
