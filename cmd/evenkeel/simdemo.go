package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// simulatedDemo shows the loop on a simulated host: a model of systemd, in this
// process, where no real one can be had.
func (a *app) simulatedDemo(ctx context.Context, examples string) error {
	a.say("showing it on a SIMULATED host instead: a model of systemd, not a real one")
	a.paths = []string{filepath.Join(examples, "pakashop")}
	host := sim.New(sim.Options{Name: "simulated", Start: time.Now().Add(-time.Minute), Reload: 100 * time.Millisecond})
	host.Advance(time.Minute)
	for _, unit := range []string{"nginx.service", "redis-server.service", "postgresql@15-main.service"} {
		text := "[Service]\nExecStart=/usr/sbin/" + unit + "\n[Install]\nWantedBy=multi-user.target\n"
		if err := host.Write("/usr/lib/systemd/system/"+unit, text); err != nil {
			return trouble(err)
		}
	}
	host.DaemonReload()
	store := &forgetful{past: state.NewPast()}
	c, err := controller.New(controller.Options{
		Source: folder{a, a.paths, secrets.New()}, Observer: host, Store: store, Actuators: host.Actuators(), Log: slog.New(slog.DiscardHandler),
		Done: func(s state.Step, o state.Outcome) {
			fmt.Fprintf(a.stdout, "  %s  %s %s  %s  %s\n", o.Status, s.Object, s.Action.Verb, s.Action.Target, s.Reason)
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	defer workers.Wait()
	defer cancel()
	workers.Go(func() { host.Run(ctx) })
	ended := make(chan error, 1)
	workers.Go(func() { ended <- c.Run(ctx) })
	return a.playScenes(ctx, c, host, ended)
}

// scene is something that a human does to the host.
type scene struct {
	what string
	do   func(h *sim.Host) error
	held state.Reason // what must be held then; empty: it must heal
}

var scenes = []scene{
	{"from nothing", func(*sim.Host) error { return nil }, ""},
	{"a service is killed", func(h *sim.Host) error { return h.Kill("pakashop-notifications.service", "KILL") }, ""},
	{"a unit file is edited", func(h *sim.Host) error {
		return h.Write("/etc/systemd/system/pakashop-fraud.service", "[Service]\nExecStart=/bin/other\n")
	}, ""},
	{"a unit is disabled", func(h *sim.Host) error { return h.Disable("pakashop-search.service") }, ""},
	{"somebody stops Redis", func(h *sim.Host) error { return h.Stop("redis-server.service") }, state.ManualStop},
}

func (a *app) playScenes(ctx context.Context, c *controller.Controller, host *sim.Host, ended <-chan error) error {
	for _, s := range scenes {
		fmt.Fprintf(a.stdout, "\n== %s\n", s.what)
		if err := s.do(host); err != nil {
			return trouble(err)
		}
		time.Sleep(100 * time.Millisecond) // let it be noticed
		if err := comesAbout(ctx, c, s.held, ended); err != nil {
			return &exit{exitDiffers, fmt.Errorf("%s: %w", s.what, err)}
		}
	}
	v, err := c.View(ctx)
	if err == nil {
		_, err = fmt.Fprint(a.stdout, "\n"+v.Board().Text(a.style(), false))
	}
	return err
}

// comesAbout waits until the host is as declared, or held for a reason.
func comesAbout(ctx context.Context, c *controller.Controller, held state.Reason, ended <-chan error) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		v, err := c.View(ctx)
		if err != nil {
			return errors.Join(err, <-ended)
		}
		if held == "" && v.Plan.InSync() && len(v.Plan.Gaps) == 0 {
			return nil
		}
		if held != "" && len(v.Plan.Held) > 0 && v.Plan.Held[0].Reason == held {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return errors.New("it did not come about within a minute")
}

// forgetful is a Store for a host that ends with the process.
type forgetful struct {
	mu   sync.Mutex
	past *state.Past
	seq  uint64
}

func (f *forgetful) Heal() error { return nil }

func (f *forgetful) Past() *state.Past { return f.past.Clone() }

func (f *forgetful) Append(in []state.Entry) ([]state.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]state.Entry, len(in))
	for i, e := range in {
		f.seq++
		e.Seq = f.seq
		out[i] = e
	}
	return out, nil
}
