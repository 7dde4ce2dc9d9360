package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// window declares a change window; t0 is 02:00 UTC, 04:00 in Lusaka, on Monday
// 23 November.
func (h *host) window(name string, allow bool, schedule string, d time.Duration, services ...string) *desired.ChangeWindow {
	w := desired.ChangeWindow{Name: name, Services: services, Spec: desired.ChangeWindowSpec{
		Allow: allow, Schedule: schedule, Duration: desired.Duration(d), TimeZone: "Africa/Lusaka",
	}}
	if len(services) > 0 {
		w.Spec.Match = []string{`tier="core"`}
	}
	h.want.Windows = append(h.want.Windows, w)
	return &h.want.Windows[len(h.want.Windows)-1]
}

// staleHost is a host on which a file of web has just changed.
func staleHost() *host {
	h := newHost("web", "db")
	h.svc("web").Files = env("old")
	h.lies("/etc/web.env", "old")
	h.past.Ran = map[string]state.Ran{}
	h.settle()
	h.svc("web").Files = env("new")
	return h
}

func env(content string) []desired.Artifact {
	return []desired.Artifact{{Path: "/etc/web.env", Digest: state.Digest([]byte(content)), Mode: 0o644, Owner: "root", Group: "root"}}
}

// What a change disturbs waits for its windows; what is down does not.
func TestChangeWindows(t *testing.T) {
	const (
		write   = "Service/web file.write /etc/web.env FileDrift\n"
		restart = "Service/web systemd.restart web.service StaleProcess after [1]\n"
		outside = "held Service/web OutsideWindow\n"
		pending = "held Service/web PendingRestart\n"
	)
	cases := []struct {
		name  string
		make  func(h *host)
		want  string
		until time.Duration // of OutsideWindow, from now; 0: it is not there, or has no end
	}{
		{"none declared: at once", func(*host) {}, write + restart, 0},
		{"open", func(h *host) { h.window("nights", true, "0 22 * * *", 7*time.Hour) }, write + restart, 0},
		{
			"not open: the file is written, the restart waits", func(h *host) { h.window("nights", true, "0 22 * * *", 6*time.Hour) },
			write + outside + pending, 18 * time.Hour,
		},
		{
			"opens this very moment", func(h *host) { h.window("nights", true, "0 4 * * *", time.Minute) },
			write + restart, 0,
		},
		{
			"closes this very moment", func(h *host) { h.window("nights", true, "0 3 * * *", time.Hour) },
			write + outside + pending, 23 * time.Hour,
		},
		{"one of two is open", func(h *host) {
			h.window("weekend", true, "0 0 * * 6", 48*time.Hour)
			h.window("nights", true, "0 0 * * *", 5*time.Hour)
		}, write + restart, 0},
		{"neither of two is open: until the first of them", func(h *host) {
			h.window("weekend", true, "0 0 * * 6", 48*time.Hour)
			h.window("noon", true, "0 12 * * *", time.Hour)
		}, write + outside + pending, 8 * time.Hour},
		{
			"not open for another service", func(h *host) { h.window("nights", true, "0 22 * * *", time.Hour, "db") },
			write + restart, 0,
		},
		{
			"not open for this service", func(h *host) { h.window("nights", true, "0 22 * * *", time.Hour, "web") },
			write + outside + pending, 18 * time.Hour,
		},
		{
			"forbidden now", func(h *host) { h.window("payday", false, "0 0 23 * *", 24*time.Hour) },
			write + outside + pending, 20 * time.Hour,
		},
		{
			"forbidden at another time", func(h *host) { h.window("payday", false, "0 0 25 * *", 24*time.Hour) },
			write + restart, 0,
		},
		{"what forbids wins", func(h *host) {
			h.window("nights", true, "0 0 * * *", 6*time.Hour)
			h.window("payday", false, "0 4 * * *", time.Hour)
		}, write + outside + pending, time.Hour},
		{"an opening that is forbidden is none", func(h *host) {
			h.window("nights", true, "0 22 * * *", time.Hour)
			h.window("payday", false, "0 12 23 * *", 24*time.Hour)
		}, write + outside + pending, 42 * time.Hour},
		{"forbidden for ever", func(h *host) { h.window("freeze", false, "@daily", 25*time.Hour) }, write + outside + pending, 0},
		{"a repair is not held", func(h *host) {
			h.window("nights", true, "0 22 * * *", time.Hour)
			h.svc("web").Files = env("old")
			h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
		}, "Service/web systemd.start web.service Failed charged\n", 0},
		{"nor is one that disturbs", func(h *host) {
			h.window("freeze", false, "@daily", 25*time.Hour)
			h.svc("web").Files = env("old")
			h.unit("web.service", func(u *state.Unit) { u.Active, u.Sub, u.Changed = "activating", "start", 4*time.Minute })
		}, "Service/web systemd.restart web.service StuckActivating charged\n", 0},
		{"a declared stop is", func(h *host) {
			h.window("nights", true, "0 22 * * *", time.Hour)
			h.svc("web").Files = env("old")
			h.svc("web").Spec.State = desired.Stopped
		}, outside, 18 * time.Hour},
		{"what a human asks for is not", func(h *host) {
			h.window("freeze", false, "@daily", 25*time.Hour)
			h.svc("web").Files = env("old")
			h.past.Asks["a1"] = state.Ask{ID: "a1", Object: "Service/web", Verb: "restart", Units: []string{"web.service"}, Actor: "ann", At: t0}
		}, "Service/web systemd.restart web.service ByHand\n", 0},
		{"restartOn window, and one is open", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Window
			h.window("nights", true, "0 0 * * *", 6*time.Hour)
		}, write + restart, 0},
		{"restartOn window, and none is open", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Window
			h.window("nights", true, "0 22 * * *", time.Hour)
		}, write + outside + pending, 18 * time.Hour},
		{"restartOn window, and none is declared: a human", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Window
		}, write + pending, 0},
		{"restartOn window, and those that are declared only forbid: a human", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Window
			h.window("payday", false, "0 0 25 * *", time.Hour)
		}, write + pending, 0},
		{"restartOn manual, outside of the window: a human, at any time", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Manual
			h.window("nights", true, "0 22 * * *", time.Hour)
		}, write + pending, 0},
		{"restartOn manual, in a window: a human", func(h *host) {
			h.svc("web").Spec.RestartOn.Files = desired.Manual
			h.window("nights", true, "0 0 * * *", 6*time.Hour)
		}, write + pending, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := staleHost()
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			var until time.Duration
			for _, held := range p.Held {
				if held.Reason == state.OutsideWindow && held.Until != nil {
					until = held.Until.Up - h.now.Up
				}
			}
			if until != c.until {
				t.Errorf("it opens in %s, want %s", until, c.until)
			}
			if c.until > 0 && (p.Again == nil || p.Again.Up-h.now.Up > c.until) {
				t.Errorf("it is not planned again then, but at %+v", p.Again)
			}
		})
	}
}

// What is no longer declared has no labels: a window without matchers holds its
// end, one with matchers does not.
func TestWindowsAndWhatIsNoLongerDeclared(t *testing.T) {
	for _, c := range []struct {
		name     string
		services []string
		want     string
	}{
		{"without matchers", nil, "held Service/web OutsideWindow\n"},
		{"with matchers", []string{"db"}, "Service/web systemd.stop web.service NotDeclared\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web", "db", "x", "y")
			m := h.past.Managed["Service/web"]
			m.OnRemove = desired.OnRemoveStop
			h.past.Managed["Service/web"] = m
			h.want.Services = h.want.Services[1:]
			h.window("nights", true, "0 22 * * *", time.Hour, c.services...)
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}
