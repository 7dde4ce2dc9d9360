package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// confirm ends the proof of a revision when its time is over and all is done that
// it asked for. It comes last, because it looks at the Plan.
func (d *draft) confirm() {
	on := d.past.Provisional
	if on == nil || on.Name != d.want.Revision || d.have.Source.Wanted == "" || len(d.bad) > 0 || len(d.global) > 0 {
		return
	}
	left := on.For - d.now.Since(on.Since)
	why := d.unproven(on)
	switch {
	case left > 0:
		d.onTrial(on, "if what it touched stays well", d.at(left))
	case why != "":
		d.onTrial(on, "when "+why, nil)
	case d.want.Rollout.Verify != nil && (on.Verify == nil || on.Verify.Failed != ""):
		d.verify(on)
	default:
		d.note(state.Note{Kind: state.NoteConfirmed, Object: d.hostObject(), Name: on.Name, Detail: d.unjudged(on)})
	}
}

// unjudged says what a revision touched, or rests on that, and is not seen to be
// well though it is to run: what a human keeps down, and what was sick before. That
// it does not fail the revision is no proof of it. Empty: there is none.
func (d *draft) unjudged(on *state.Provisional) string {
	var names []string
	for _, object := range union(on.Touched, on.Well) {
		if s := d.runs(object); s != nil && slices.ContainsFunc(d.vitals[s.Name], func(v vitals) bool { return !v.well() }) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "not judged, because not seen to be well: " + strings.Join(names, ", ")
}

func (d *draft) onTrial(on *state.Provisional, text string, until *state.Time) {
	d.held = append(d.held, state.Held{
		Object: d.hostObject(), Reason: state.Verifying, Until: until, Info: true,
		Detail: fmt.Sprintf("revision %s is provisional; it is confirmed %s", desired.ShortRevision(on.Name), text),
	})
	d.waits(until)
}

// waiting are the reasons for which a change that a revision asks for is not done
// yet, and will be without a human.
var waiting = []state.Reason{
	state.OutsideWindow, state.PackageManager, state.Rolling, state.Backoff, state.HostStarting, state.InProgress, state.SystemdActing,
	state.Unobserved, state.Internal, state.DependencySick,
}

// unproven says what is still to be done or seen before a revision can be
// confirmed; empty: nothing is.
func (d *draft) unproven(on *state.Provisional) string {
	for _, s := range d.steps {
		if s.Effect != actuators.None && s.Ask == "" && slices.Contains(on.Touched, s.Object) {
			return "its changes are done"
		}
	}
	for _, h := range d.held {
		if !h.Info && slices.Contains(on.Touched, h.Object) && slices.Contains(waiting, h.Reason) {
			return fmt.Sprintf("its changes are done; %s waits (%s)", strings.TrimPrefix(h.Object, "Service/"), h.Reason)
		}
	}
	if unit := d.notWell(on.Well); unit != "" {
		return unit + " is seen to be well"
	}
	return ""
}

// verify wishes for a run of the program by which the environment judges a
// revision.
func (d *draft) verify(on *state.Provisional) {
	argv := d.want.Rollout.Verify.Argv
	tries := 0
	if on.Verify != nil {
		tries = on.Verify.Tries
		if left := verifyAgain - d.now.Since(on.Verify.At); left > 0 {
			d.onTrial(on, "when its verification passes: "+on.Verify.Failed, d.at(left))
			return
		}
	}
	do := desired.Do{Do: "exec.run", With: map[string]any{"argv": anySlice(argv)}}
	c, err := d.want.Call(do)
	if err != nil {
		d.onTrial(on, "when its verification can be run: "+err.Error(), nil)
		return
	}
	w := wish{
		reason: state.Verifying, detail: "revision " + desired.ShortRevision(on.Name) + " is to be verified", effect: actuators.None, repairs: true,
		action: actuators.Action{Actuator: c.Actuator, Verb: c.Verb, Target: c.Target, Args: c.Args}, key: state.VerifyKey(on.Name, tries),
	}
	if _, ok := d.wish(d.hostService(), w); !ok {
		d.onTrial(on, "when its verification has passed", nil)
	}
}

// verifyAgain is the pause before a verification that failed is run once more.
const verifyAgain = 10 * time.Second

func anySlice(in []string) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = s
	}
	return out
}
