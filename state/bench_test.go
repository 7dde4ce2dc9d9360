package state_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/state"
)

// sizes are those of the budgets: a small host, a large one, and the limit.
var sizes = []int{19, 200, 1000}

func moment(up time.Duration) state.Time {
	return state.Time{Wall: time.Unix(1e9, 0).Add(up), Up: up, Boot: "b1"}
}

func unitName(i int) string { return fmt.Sprintf("svc-%04d.service", i) }

// BenchmarkMerge takes the reading of one unit into a World of many.
func BenchmarkMerge(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := worldOf(n)
			b.ReportAllocs()
			up := time.Hour
			for b.Loop() {
				up += time.Millisecond
				f := state.Fact[state.Unit]{At: moment(up), Value: state.Unit{ID: unitName(0), Active: "active", MainPID: uint32(up)}}
				w, _ = w.Merge(state.Facts{Units: map[string]state.Fact[state.Unit]{unitName(0): f}})
			}
		})
	}
}

func worldOf(n int) state.World {
	var f state.Facts
	f.Units, f.Files = make(map[string]state.Fact[state.Unit]), make(map[string]state.Fact[state.File])
	for i := range n {
		f.Units[unitName(i)] = state.Fact[state.Unit]{At: moment(time.Minute), Value: state.Unit{ID: unitName(i), Active: "active"}}
		f.Files["/etc/systemd/system/"+unitName(i)] = state.Fact[state.File]{At: moment(time.Minute), Value: state.File{Kind: state.Regular}}
	}
	w, _ := state.World{}.Merge(f)
	return w
}

// BenchmarkFold takes one repair into a Past of many: its intent and outcome.
func BenchmarkFold(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := state.NewPast()
			for i := range n {
				repair(p, i)
			}
			b.ReportAllocs()
			for b.Loop() {
				repair(p, 0)
			}
		})
	}
}

func repair(p *state.Past, i int) {
	s := state.Step{
		ID: "id", Object: fmt.Sprintf("Service/svc-%04d", i), Remedial: true, Rests: []state.Ref{{Kind: state.RefUnit, Name: unitName(i)}},
		Action: actuators.Action{Actuator: "systemd", Verb: "start", Target: unitName(i)},
	}
	p.Fold(state.Entry{At: moment(time.Minute), Intent: &state.Intent{Step: s}})
	p.Fold(state.Entry{At: moment(time.Minute), Outcome: &state.Outcome{ID: "id", Status: state.Done}})
}
