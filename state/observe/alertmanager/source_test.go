package alertmanager

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pakashop/evenkeel/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var morning = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// clock is one that a test turns.
type clock struct{ up time.Duration }

func (c *clock) now() state.Time { return state.Time{Wall: morning.Add(c.up), Up: c.up, Boot: "b"} }

func alert(status, name string, ends time.Time) Alert {
	return Alert{Status: status, Labels: map[string]string{"alertname": name}, StartsAt: morning, EndsAt: ends}
}

func payload(alerts ...Alert) Payload { return Payload{Version: "4", Alerts: alerts} }

// tells is a fact in a line.
func tells(f state.Fact[state.Alerts]) string {
	if f.Err != "" {
		return "unknown: " + f.Err
	}
	var out []string
	for _, name := range []string{"A", "B"} {
		for _, a := range f.Value.Active {
			if a.Name == name {
				out = append(out, strings.TrimSuffix(name+": "+a.Blind, ": "))
			}
		}
	}
	return strings.Join(out, "; ")
}

// An alert is over when the Alertmanager says so. What it does not say is not known.
func TestWhatIsActive(t *testing.T) {
	firing, resolved := alert("firing", "A", time.Time{}), alert("resolved", "A", morning)
	former := []state.ActiveAlert{{ID: firing.active().ID, Name: "A"}}
	type step struct {
		after time.Duration
		take  []Alert // nil: nothing comes
	}
	for _, c := range []struct {
		name   string
		former []state.ActiveAlert
		steps  []step
		want   string
	}{
		{"nothing came", nil, nil, "unknown: nothing was received since 2026-11-23T08:00:00Z, when evenkeel began"},
		{"nothing came for days", nil, []step{{after: 72 * time.Hour}}, "unknown: nothing was received since 2026-11-23T08:00:00Z, when evenkeel began"},
		{"it fires", nil, []step{{take: []Alert{firing}}}, "A"},
		{"it is over", nil, []step{{take: []Alert{firing}}, {take: []Alert{resolved}}}, ""},
		{"its end is past", nil, []step{{take: []Alert{firing}}, {after: time.Hour, take: []Alert{alert("firing", "A", morning.Add(time.Minute))}}}, ""},
		{"its end comes", nil, []step{{take: []Alert{alert("firing", "A", morning.Add(time.Minute))}}, {after: time.Hour}}, "A: it was to end at 2026-11-23T08:01:00Z, and the Alertmanager has not said that it did"},
		{"another is told", nil, []step{{take: []Alert{firing}}, {take: []Alert{alert("firing", "B", time.Time{})}}}, "A; B"},
		{"just not yet", nil, []step{{take: []Alert{firing}}, {after: 6*time.Hour - 1}}, "A"},
		{"not repeated", nil, []step{{take: []Alert{firing}}, {after: 6 * time.Hour}}, "A: the Alertmanager has not repeated it since 2026-11-23T08:00:00Z"},
		{"repeated after that", nil, []step{{take: []Alert{firing}}, {after: 6 * time.Hour, take: []Alert{firing}}}, "A"},
		{"from before, and nothing came", former, nil, "unknown: nothing was received since 2026-11-23T08:00:00Z, when evenkeel began"},
		{"from before, and another came", former, []step{{take: []Alert{alert("firing", "B", time.Time{})}}}, "A: the Alertmanager has not repeated it since evenkeel began, at 2026-11-23T08:00:00Z; B"},
		{"from before, and repeated", former, []step{{take: []Alert{firing}}}, "A"},
		{"from before, and over", former, []step{{take: []Alert{resolved}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := &clock{}
			s := New(Options{Now: k.now, Former: c.former})
			for _, step := range c.steps {
				k.up += step.after
				if step.take == nil {
					continue
				}
				if err := s.Take(payload(step.take...)); err != nil {
					t.Fatal(err)
				}
			}
			if got := tells(s.fact()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// More than can be kept is refused as a whole; what ends makes room.
func TestTooManyAlerts(t *testing.T) {
	k := &clock{}
	s := New(Options{Now: k.now})
	some := func(status string, from, to int) Payload {
		var out []Alert
		for i := from; i < to; i++ {
			out = append(out, alert(status, fmt.Sprint(i), time.Time{}))
		}
		return payload(out...)
	}
	if err := s.Take(some("firing", 0, maxKept)); err != nil {
		t.Fatal(err)
	}
	if err := s.Take(some("firing", maxKept-1, maxKept+1)); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: %v", err)
	}
	if n := len(s.fact().Value.Active); n != maxKept {
		t.Errorf("%d are kept", n)
	}
	if err := s.Take(some("resolved", 0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Take(some("firing", maxKept, maxKept+1)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

// What is taken is brought at once, and so is that time has passed.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := New(Options{TTL: time.Hour, Now: func() state.Time { return state.Time{Wall: time.Now(), Up: time.Since(began), Boot: "b"} }})
		ctx, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		var got []string
		watch.Go(func() {
			s.Watch(ctx, func(f map[string]state.Fact[state.Alerts]) {
				says, _, _ := strings.Cut(tells(f[Name]), " since")
				got = append(got, says)
			})
		})
		synctest.Wait()
		if err := s.Take(payload(alert("firing", "A", time.Time{}))); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		time.Sleep(3 * time.Hour) // of the test's own clock
		stop()
		watch.Wait()
		if want := "unknown: nothing was received|A|A: the Alertmanager has not repeated it"; strings.Join(got, "|") != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
