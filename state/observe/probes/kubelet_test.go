package probes

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// mirror is a Prober that is given the samples that kubelet took.
type mirror struct {
	*Prober
	t    *testing.T
	now  state.Time
	pods int
	rows map[byte]*row
}

var kindOf = map[byte]string{'s': desired.StartupProbe, 'l': desired.LivenessProbe, 'r': desired.ReadinessProbe}

func newMirror(t *testing.T, settings []string) *mirror {
	m := &mirror{t: t, now: second(1000), rows: map[byte]*row{}}
	m.Prober = New(Options{Now: func() state.Time { return m.now }, Ask: nil})
	var all []desired.Probing
	for i, kind := range []byte("slr") {
		var n [3]int
		for j, field := range strings.Split(settings[i], "/") {
			n[j], _ = strconv.Atoi(field)
		}
		if n[0] == 0 {
			continue
		}
		all = append(all, probing(kindOf[kind], func(p *desired.Probe) {
			p.FailureThreshold, p.SuccessThreshold, p.InitialDelaySeconds = n[0], n[1], n[2]
		}))
	}
	m.Set(all)
	for kind, name := range kindOf {
		if r := m.Prober.rows[name+"/web.service"]; r != nil {
			m.rows[kind] = r
		}
	}
	m.restart()
	return m
}

func (m *mirror) restart() {
	m.pods++
	m.Units(map[string]state.Fact[state.Unit]{"web.service": {At: m.now, Value: state.Unit{Active: "active", Invocation: fmt.Sprint(m.pods), Entered: m.now.Up}}})
}

// step takes the samples of a step, and tells what the verdicts are then, in
// kubelet's letters. Both must have asked the same probes; kubelet stops where a
// liveness or startup probe has failed, because it restarts the container then.
func (m *mirror) step(name byte, samples string) string {
	if name == 't' {
		m.now = m.now.Add(10 * time.Second)
		for kind, r := range m.rows {
			held := kind != 'r' && r.fact.Value.Verdict == state.ProbeFailure
			asked, may := strings.IndexByte(samples, kind) >= 0, r.open && m.delay(r, m.now) == 0
			if asked != may && !held {
				m.t.Errorf("kubelet asks %s: %v, we: %v", r.probing.Kind, asked, may)
			}
		}
	}
	for ; samples != ""; samples = samples[2:] {
		r := m.rows[samples[0]]
		m.book(r, r.epoch, map[byte]ask.Sample{'+': good, '-': bad, '?': blind}[samples[1]], m.now, true)
	}
	after := ""
	for _, kind := range []byte("slr") {
		r := m.rows[kind]
		if r == nil {
			after += "."
			continue
		}
		after += map[state.Verdict]string{state.ProbePending: "u", state.ProbeSuccess: "S", state.ProbeFailure: "F"}[r.fact.Value.Verdict]
	}
	return after
}

// agree compares verdicts. kubelet begins with liveness well and readiness not;
// both are "not known yet" to us, which is not sick and not ready.
func agree(kubelet, ours string) bool {
	return kubelet[0] == ours[0] && (kubelet[1] == 'F') == (ours[1] == 'F') && (kubelet[2] == 'S') == (ours[2] == 'S')
}

// The same samples make the same verdicts as kubelet's own prober makes of them,
// after each of them: its own word is in testdata, see .ci/kubelet.
func TestAsKubeletDoes(t *testing.T) {
	text, err := os.ReadFile("testdata/kubelet.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases, steps, carried := 0, 0, 0
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cases++
		fields := strings.Fields(line)
		t.Run(fmt.Sprint(cases), func(t *testing.T) {
			m, renewed := newMirror(t, fields[:3]), false
			for i, f := range fields[3:] {
				if f == "P" || f == "C" {
					m.restart()
					renewed = f == "C"
					continue
				}
				steps++
				what, kubelet, _ := strings.Cut(f, ":")
				ours := m.step(what[0], what[1:])
				switch {
				case renewed && kubelet == ".F." && ours == ".u.":
					// The one difference: kubelet adds the failures of the container
					// before to those of a new one of the same pod. A new process
					// begins anew here.
					carried++
					return
				case !agree(kubelet, ours):
					t.Fatalf("step %d, %s: we have %s\n%s", i, f, ours, line)
				}
			}
		})
	}
	if cases < 150 || steps < 4000 || carried != 1 {
		t.Errorf("%d cases with %d steps, %d with the known difference", cases, steps, carried)
	}
}
