package main

import (
	"errors"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/record"
)

// recording is row F: what the two writes of a repair take of it.
func (b *bench) recording() error {
	if b.n != declaredServices {
		if err := b.bring(declaredServices); err != nil {
			return err
		}
	}
	var whole repairs
	if err := b.killBlock(&whole, perBlock, evenkeelArgs("recording", "run")...); err != nil {
		return err
	}
	writes, err := appends(40)
	if err != nil {
		return err
	}
	share := 100 * median(writes) / median(whole.wall)
	r := atMost("F", "intent and outcome, of a whole repair", "%", share, 5)
	return b.sayAll(against("F", "intent and outcome, written and synced", nil, writes, 0), r)
}

// appends writes the entries of n repairs as the loop does, and says what each took.
func appends(n int) (out []float64, err error) {
	s, err := record.Open(insideState+"/appends", record.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for i := range n {
		step := state.Step{
			ID: "step" + string(rune('a'+i%26)), Object: "Service/" + serviceName(victim), Reason: state.Failed,
			Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: unitName(victim)},
			Detail: unitName(victim) + " failed (signal)", Rests: []state.Ref{{Kind: state.RefUnit, Name: unitName(victim)}},
		}
		at := state.Time{Wall: time.Now(), Boot: "bench"}
		began := time.Now()
		if _, err := s.Append([]state.Entry{{At: at, Intent: &state.Intent{Step: step}}}); err != nil {
			return nil, err
		}
		if _, err := s.Append([]state.Entry{{At: at, Outcome: &state.Outcome{ID: step.ID, Status: state.Done}}}); err != nil {
			return nil, err
		}
		out = append(out, ms(time.Since(began)))
	}
	return out, nil
}
