package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/secrets"
	"github.com/pakashop/evenkeel/state/record"
)

// daemon is everything that run and apply need to act on this host.
type daemon struct {
	parts   *parts
	plugins plugins
	store   *record.Store
	hooks   *webhooks // nil: nothing is taken from strangers
	options controller.Options
}

func (d *daemon) Close() {
	_ = d.plugins.Close()
	d.parts.Close()
	_ = d.store.Close()
}

// daemon connects to the host and opens the record. The lock must be held.
func (a *app) daemon(ctx context.Context, log *slog.Logger, hook webhookFlags) (*daemon, error) {
	if os.Geteuid() != 0 {
		return nil, trouble(errors.New("only root can change units; try sudo, or look with: evenkeel diff"))
	}
	store, err := record.Open(a.stateDir, record.Options{Log: log})
	if err != nil {
		return nil, trouble(err)
	}
	var taken *webhooks
	to := reach{watch: true, probe: true}
	if hook.addr != "" {
		to.alerts = func(now func() state.Time, known *secrets.Reader) []observe.Alerts {
			taken = hook.webhooks(now, store.Past(), known)
			return []observe.Alerts{taken.alerts}
		}
	}
	p, err := a.connect(ctx, log, to)
	if err != nil {
		_ = store.Close()
		return nil, err
	}
	if err := a.keepNames(); err != nil {
		p.Close()
		_ = store.Close()
		return nil, err
	}
	own, err := newPlugins(a.stateDir, defaultRuntime+"/plugins", log)
	if err != nil {
		p.Close()
		_ = store.Close()
		return nil, trouble(err)
	}
	p.actuators[gather.Name] = gather.NewFront(version, a.evidence(store, p.metrics), func() (actuators.Actuator, error) { return own.Actuator(gather.Name) })
	d := &daemon{parts: p, plugins: own, store: store, hooks: taken, options: controller.Options{
		Source: folder{a, a.defaultPaths(), p.secrets}, Observer: p.observer, Store: store, Actuators: p.actuators, Plugins: own, Log: log, Stopped: stopped, Kept: a.keptVersion, Secret: p.secrets.Value,
		InForce: func(set *desired.Set) {
			p.declare(set)
			if err := a.inForce(set); err != nil {
				log.Error("which files are encrypted is not kept, and is told again with the next desired state", "error", err)
			}
		},
	}}
	return d, nil
}

// historian reads the record that a daemon has open.
func (d *daemon) historian(f api.HistoryFilter) ([]state.Line, error) { return historyOf(d.store, f) }

func historyOf(s *record.Store, f api.HistoryFilter) ([]state.Line, error) {
	limit := f.Limit
	if limit == 0 {
		limit = api.DefaultLimit
	}
	var out []state.Line
	for l, err := range s.History(record.Filter{Object: f.Object, Since: f.Since, Failed: f.Failed, Limit: limit}) {
		if err != nil {
			return out, err
		}
		out = append(out, l)
	}
	return out, nil
}

// quietly drops what only a daemon's log needs: a command prints its steps itself.
func quietly(log *slog.Logger) *slog.Logger {
	return slog.New(atLeast{log.Handler(), slog.LevelError})
}

// atLeast is a Handler that drops less important events.
type atLeast struct {
	slog.Handler
	level slog.Level
}

func (h atLeast) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.level && h.Handler.Enabled(ctx, l)
}
