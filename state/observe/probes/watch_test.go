package probes

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		b.Set([]desired.Probing{liveness, readiness, probing(desired.EndpointProbe, nil)})
		stop := b.watch()
		names := slices.Sorted(maps.Keys(b.reports[0]))
		if want := []string{"endpoint/bank", liveness.Name, readiness.Name}; !reflect.DeepEqual(names, want) {
			t.Errorf("at first %v is reported", names)
		}
		b.runs("i1", 0)
		b.until(30 * time.Second)
		n := b.countReports()
		b.until(10 * time.Minute)
		if b.countReports() != n {
			t.Errorf("samples that say the same are news: %v", b.reports[n:])
		}
		b.answers(blind)
		b.until(11 * time.Minute)
		if f := b.last(liveness.Name); f.Err != blind.Err || f.Value.Verdict != state.ProbeSuccess || f.At.Up < booted+10*time.Minute {
			t.Errorf("an error of ours is reported as %+v", f)
		}

		// Another watch goes on where the first ended.
		stop()
		b.sampled()
		b.until(20 * time.Minute)
		b.wantSampled()
		n = b.countReports()
		defer b.watch()()
		if got := b.reports[n]; len(got) != 3 || got[liveness.Name].Err == "" {
			t.Errorf("the second watch begins with %v", got)
		}
		b.until(21 * time.Minute)
		if len(b.sampled()) == 0 {
			t.Error("the second watch asks nothing")
		}
	})
}

// While somebody takes his time over a report, what changes is gathered.
func TestReportsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		var all []desired.Probing
		for i := range 100 {
			p := probing(desired.EndpointProbe, nil)
			p.Name = fmt.Sprintf("endpoint/%d", i)
			all = append(all, p)
		}
		b.Set(all)
		b.answer = func(ctx context.Context, _ desired.Probing) ask.Sample {
			select {
			case <-time.After(time.Second / 2):
			case <-ctx.Done():
			}
			return bad
		}
		ctx, cancel := context.WithCancel(t.Context())
		var sizes []int
		go b.Watch(ctx, func(f map[string]state.Fact[state.Probe]) { sizes = append(sizes, len(f)); time.Sleep(time.Second) })
		time.Sleep(5 * time.Second)
		cancel()
		synctest.Wait()
		if !slices.Equal(sizes, []int{100, 100}) {
			t.Errorf("reports of %v facts", sizes)
		}
	})
}

// Thousands of probes that begin together do not stay together.
func TestManyProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Options{Now: func() state.Time { return state.Time{Up: time.Hour, Boot: "b"} }, Ask: func(context.Context, desired.Probing) ask.Sample { return good }})
		var mu sync.Mutex
		at := map[time.Duration]int{}
		start := time.Now()
		p.opt.Ask = func(context.Context, desired.Probing) ask.Sample {
			mu.Lock()
			defer mu.Unlock()
			at[time.Since(start).Truncate(100*time.Millisecond)]++
			return good
		}
		var all []desired.Probing
		for i := range 2000 {
			one := probing(desired.EndpointProbe, nil)
			one.Name = fmt.Sprintf("endpoint/%d", i)
			all = append(all, one)
		}
		p.Set(all)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() { defer close(ended); p.Watch(ctx, func(map[string]state.Fact[state.Probe]) {}) }()
		time.Sleep(60 * time.Second)
		mu.Lock()
		total, most := 0, 0
		for d, n := range at {
			total += n
			if d > 0 {
				most = max(most, n)
			}
		}
		mu.Unlock()
		if total < 2000*6 || total > 2000*7 || most > 200 { // a tenth in each second of their period
			t.Errorf("%d samples in a minute, %d at once", total, most)
		}
		cancel()
		<-ended
	})
}

// Few probes are few awakenings.
func TestSeats(t *testing.T) {
	for _, c := range []struct {
		probes, period int
		want           []int // how many are asked in each second of the period
	}{
		{1, 5, []int{1, 0, 0, 0, 0}},
		{19, 5, []int{19, 0, 0, 0, 0}},
		{120, 5, []int{100, 20, 0, 0, 0}},
		{1000, 5, []int{200, 200, 200, 200, 200}},
		{3, 1, []int{3}},
		{101, 3600, append([]int{100, 1}, make([]int, 58)...)},
	} {
		p := New(Options{Now: func() state.Time { return state.Time{} }, Ask: func(context.Context, desired.Probing) ask.Sample { return good }})
		var all []desired.Probing
		for i := range c.probes {
			one := probing(desired.EndpointProbe, func(p *desired.Probe) { p.PeriodSeconds = c.period })
			one.Name = fmt.Sprintf("endpoint/%03d", i)
			all = append(all, one)
		}
		p.Set(all)
		p.Set(all[1:]) // what leaves makes room
		p.Set(all)
		taken := make(seats)
		for _, r := range p.rows {
			taken.sit(r)
		}
		if got := taken[c.period]; !slices.Equal(got, c.want) {
			t.Errorf("%d probes with a period of %d s: %v; want %v", c.probes, c.period, got, c.want)
		}
	}
}

// What hangs takes its own time, not that of others.
func TestWhatHangsDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		var all []desired.Probing
		for i := range maxAsking / 2 {
			one := probing(desired.EndpointProbe, func(p *desired.Probe) { p.TimeoutSeconds = 10 })
			one.Name, one.Object = fmt.Sprintf("endpoint/slow%d", i), "slow"
			all = append(all, one)
		}
		b.Set(append(all, probing(desired.EndpointProbe, func(p *desired.Probe) { p.PeriodSeconds = 1 })))
		quick := 0
		b.answer = func(ctx context.Context, p desired.Probing) ask.Sample {
			if p.Object == "slow" {
				<-ctx.Done()
				return bad
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			quick++
			return good
		}
		defer b.watch()()
		b.until(60 * time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if quick < 60 {
			t.Errorf("the other was asked %d times in a minute", quick)
		}
	})
}

// Commands wait for each other, and not for what asks a network.
func TestHowManyAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newRig(t)
		var all []desired.Probing
		for i := range 2 * maxAsking {
			one := probing(desired.EndpointProbe, nil)
			one.Name = fmt.Sprintf("endpoint/%d", i)
			if i%2 == 0 {
				one.Probe.TCPSocket, one.Probe.Exec = nil, &desired.Exec{Command: []string{"/bin/true"}}
			}
			all = append(all, one)
		}
		all = append(all, all[1])
		all[len(all)-1].Name = "endpoint/more"
		b.Set(all)
		now, most, total := map[bool]int{}, map[bool]int{}, 0
		b.answer = func(ctx context.Context, p desired.Probing) ask.Sample {
			command := p.Probe.Exec != nil
			b.mu.Lock()
			now[command]++
			most[command] = max(most[command], now[command])
			total++
			b.mu.Unlock()
			time.Sleep(100 * time.Millisecond)
			b.mu.Lock()
			defer b.mu.Unlock()
			now[command]--
			return good
		}
		stop := b.watch()
		b.until(9 * time.Second)
		stop()
		if most[true] != maxCommands || most[false] != maxAsking {
			t.Errorf("%d commands and %d others at once", most[true], most[false])
		}
		if total < len(all) {
			t.Errorf("%d of %d were asked", total, len(all))
		}
	})
}
