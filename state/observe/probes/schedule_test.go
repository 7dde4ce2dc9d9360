package probes

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

func TestTheSchedule(t *testing.T) {
	startup := probing(desired.StartupProbe, func(p *desired.Probe) { p.PeriodSeconds, p.FailureThreshold = 2, 5 })
	later := func(d time.Duration) func(*rig) { // the process starts that long after the prober
		return func(b *rig) { b.until(d); b.runs("i1", d) }
	}
	for _, c := range []struct {
		name  string
		all   []desired.Probing
		do    func(b *rig)
		until time.Duration
		want  []string
	}{
		{
			"a process that runs is asked at once, and then each period",
			[]desired.Probing{liveness},
			func(b *rig) { b.runs("i1", -time.Hour) }, 25 * time.Second,
			[]string{"0s liveness", "10s liveness", "20s liveness"},
		},
		{
			"its periods have nothing to do with its start, as with kubelet",
			[]desired.Probing{liveness},
			later(7300 * time.Millisecond), 25 * time.Second,
			[]string{"7.3s liveness", "10s liveness", "20s liveness"},
		},
		{
			"nothing is asked before its unit is known to be up",
			[]desired.Probing{liveness, readiness},
			func(*rig) {}, time.Minute, nil,
		},
		{
			"nothing is asked of what is coming up", // activating: systemd has not seen it ready
			[]desired.Probing{liveness, readiness}, func(b *rig) { b.down("activating") }, time.Minute, nil,
		},
		{
			"of what reloads it is",
			[]desired.Probing{liveness},
			func(b *rig) { b.down("reloading") }, 11 * time.Second,
			[]string{"0s liveness", "10s liveness"},
		},
		{
			"initialDelaySeconds count from the start of the process",
			[]desired.Probing{probing(desired.LivenessProbe, func(p *desired.Probe) { p.InitialDelaySeconds = 30 })},
			func(b *rig) { b.runs("i1", -12*time.Second) }, 31 * time.Second,
			[]string{"18s liveness", "20s liveness", "30s liveness"},
		},
		{
			"they are over for a process that is older",
			[]desired.Probing{probing(desired.LivenessProbe, func(p *desired.Probe) { p.InitialDelaySeconds = 30 })},
			func(b *rig) { b.runs("i1", -time.Hour) }, 5 * time.Second,
			[]string{"0s liveness"},
		},
		{
			"readiness of a process that is coming up is asked again soon, and ever less so",
			[]desired.Probing{readiness},
			func(b *rig) { b.until(time.Second); b.answers(bad); b.runs("i1", time.Second) }, 21 * time.Second,
			[]string{
				"1s readiness", "1.1s readiness", "1.3s readiness", "1.7s readiness", "2.5s readiness", "4.1s readiness", "7.3s readiness",
				"10s readiness", "20s readiness",
			},
		},
		{
			"liveness is not",
			[]desired.Probing{liveness},
			func(b *rig) { b.answers(bad); later(time.Second)(b) }, 21 * time.Second,
			[]string{"1s liveness", "10s liveness", "20s liveness"},
		},
		{
			"an Endpoint has no unit",
			[]desired.Probing{probing(desired.EndpointProbe, nil)},
			func(*rig) {}, 13 * time.Second,
			[]string{"0s endpoint", "10s endpoint"},
		},
		{
			"the startup probe goes before the others, ends with its first success, and they begin at once",
			[]desired.Probing{liveness, readiness, startup},
			func(b *rig) {
				b.answering(func(_ context.Context, p desired.Probing) ask.Sample {
					if p.Kind == desired.StartupProbe && time.Since(b.start) < 3*time.Second {
						return bad
					}
					return good
				})
				b.runs("i1", 0)
			},
			9 * time.Second,
			[]string{"0s startup", "100ms startup", "300ms startup", "700ms startup", "1.5s startup", "2s startup", "4s liveness", "4s readiness", "4s startup"},
		},
		{
			"a sample that takes longer than the period makes none come twice",
			[]desired.Probing{probing(desired.LivenessProbe, func(p *desired.Probe) { p.PeriodSeconds, p.TimeoutSeconds = 2, 5 })},
			func(b *rig) { b.hangs(); b.runs("i1", 0) }, 20 * time.Second,
			[]string{"0s liveness", "5s liveness", "10s liveness", "15s liveness", "20s liveness"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newRig(t)
				b.Set(c.all)
				defer b.watch()()
				c.do(b)
				b.until(c.until)
				got := b.sampled()
				for i, s := range got { // what is due within a moment is asked together, which may be later by that
					got[i] = rounded(s)
				}
				slices.SortStableFunc(got, func(a, b string) int {
					if x, y := strings.Fields(a), strings.Fields(b); x[0] == y[0] {
						return strings.Compare(x[1], y[1])
					}
					return 0
				})
				if !slices.Equal(got, c.want) {
					t.Errorf("asked at\n%s; want\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
				}
			})
		})
	}
}

// rounded drops from a moment what asking together may add to it.
func rounded(s string) string {
	at, what, _ := strings.Cut(s, " ")
	d, err := time.ParseDuration(at)
	if err != nil {
		panic(err)
	}
	return d.Truncate(5*breath/2).String() + " " + what
}

// The time that a start may take: failureThreshold × periodSeconds.
func TestTheDeadlineOfAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{probing(desired.StartupProbe, func(p *desired.Probe) { p.PeriodSeconds, p.FailureThreshold = 2, 15 }), liveness})
		b.answers(refused)
		b.runs("i1", 0)
		defer b.watch()()
		b.until(29900 * time.Millisecond)
		b.want("startup/web.service", state.ProbePending)
		b.until(30100 * time.Millisecond)
		b.want("startup/web.service", state.ProbeFailure)
		b.want("liveness/web.service", state.ProbePending)

		// It is not given up: a success heals, and then the others are asked.
		b.answers(good)
		b.until(33 * time.Second)
		b.want("startup/web.service", state.ProbeSuccess)
		b.want("liveness/web.service", state.ProbeSuccess)
		b.sampled()
		b.until(13 * time.Minute)
		if got := strings.Join(b.sampled(), " "); strings.Contains(got, "startup") {
			t.Errorf("a startup probe that succeeded is asked again: %s", got)
		}
	})
}
