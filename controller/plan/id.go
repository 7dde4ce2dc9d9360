package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// step adds a Step for a wish that nothing holds, and returns its ID.
func (d *draft) step(object string, w wish) string {
	s := state.Step{
		Object: object, Reason: w.reason, Detail: w.detail, Action: w.action, Effect: w.effect,
		Needs: w.needs, Rests: w.rests, Heeds: w.heeds, Fields: w.fields, Remedial: w.remedial, Case: w.cause, Rung: w.rung, Key: w.key,
	}
	if w.ask != nil {
		s.Ask, s.Actor = w.ask.ID, w.ask.Actor
	}
	if w.effect == actuators.Disruptive && !slices.Contains(w.rests, hostRef) {
		// A package manager's lock, a shutdown: read again in the last moment.
		s.Rests = append(slices.Clip(w.rests), hostRef)
	}
	s.ID = d.stepID(object, w)
	d.byKey[stepKey(object, w.action)] = s.ID
	d.steps = append(d.steps, s)
	return s.ID
}

// stepID is the ID that the Step of a wish has, or would have.
func (d *draft) stepID(object string, w wish) string {
	return stepID(object, w.action, d.past.Tally[state.TallyKey(object, w.action)])
}

// stepID names a Step: the same in a dry run, in the loop and after a restart,
// and another one for each recurrence. n counts the attempts that ended with a
// known outcome, so that an interrupted attempt keeps its ID.
func stepID(object string, a actuators.Action, n int) string {
	sum := sha256.Sum256([]byte(stepKey(object, a) + "\x00" + strconv.Itoa(n)))
	return hex.EncodeToString(sum[:6])
}

func stepKey(object string, a actuators.Action) string {
	parts := []string{object, a.Actuator, a.Verb, a.Target}
	for _, k := range sortedKeys(a.Args) {
		parts = append(parts, k, a.Args[k])
	}
	return strings.Join(parts, "\x00")
}
