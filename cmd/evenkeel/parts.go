package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/collect"
	"github.com/pakashop/evenkeel/state/observe/files"
	"github.com/pakashop/evenkeel/state/observe/host"
	"github.com/pakashop/evenkeel/state/observe/journal"
	"github.com/pakashop/evenkeel/state/observe/metrics"
	"github.com/pakashop/evenkeel/state/observe/probes"
	"github.com/pakashop/evenkeel/state/observe/secrets"
	"github.com/pakashop/evenkeel/state/observe/units"
	"github.com/pakashop/evenkeel/state/record"
)

// parts are the real host's: eyes, hands, and the connection that both use.
type parts struct {
	conn      *bus.Conn
	links     *files.Links
	observer  *observe.Observer
	actuators map[string]actuators.Actuator
	secrets   *secrets.Reader
	metrics   *metrics.Evaluator       // nil: no rules are evaluated
	units     atomic.Pointer[[]string] // that are declared, once something is in force
}

// declared are the units that are declared.
func (p *parts) declared() []string {
	if all := p.units.Load(); all != nil {
		return *all
	}
	return nil
}

// declare says what is in force.
func (p *parts) declare(set *desired.Set) {
	var all []string
	for i := range set.Services {
		all = append(all, set.Services[i].Units...)
	}
	p.units.Store(&all)
}

func (p *parts) Close() { _ = p.conn.Close() }

// reach says how much of systemd a verb needs.
type reach struct {
	watch bool // its signals, which one-shot commands do without
	lean  bool // of a running service only what a plan rests on
	probe bool // what runs is asked how it is, and rules are evaluated

	// alerts makes the parts that know of alerts; nil: there are none.
	alerts func(now func() state.Time, known *secrets.Reader) []observe.Alerts
}

// connect reaches systemd.
func (a *app) connect(ctx context.Context, log *slog.Logger, r reach) (*parts, error) {
	conn, err := bus.Dial(ctx, bus.Options{Subscribe: r.watch, PrivateFirst: r.lean, Log: log})
	if err != nil {
		return nil, trouble(fmt.Errorf("%w; evenkeel needs a host whose first process is systemd", err))
	}
	clock, err := host.NewClock()
	if err != nil {
		_ = conn.Close()
		return nil, trouble(err)
	}
	names, err := a.names()
	if err != nil {
		_ = conn.Close()
		return nil, trouble(err)
	}
	now := clock.Now
	p := &parts{conn: conn, links: files.NewLinks("/"), secrets: secrets.New()}
	eyes := observe.Options{
		Units:   units.New(conn, now, units.Options{Lean: r.lean}),
		Files:   files.New(now, files.Options{Name: names.Name}),
		Links:   p.links,
		Host:    host.New(host.Options{Stop: stopFile}),
		Journal: journal.New(now().Boot, journal.Options{}),
		Now:     now,
		Log:     log,
	}
	if r.probe {
		eyes.Probes = probes.New(probes.Options{Now: now, Secret: p.secrets.Value, Log: log})
		own := collect.New(collect.Options{Secret: p.secrets.Value, Units: conn, Declared: p.declared})
		p.metrics = metrics.New(metrics.Options{Now: now, Dir: filepath.Join(a.stateDir, "metrics"), Secret: p.secrets.Value, Collect: own.Collect, Log: log})
		eyes.Metrics = p.metrics
	}
	if r.alerts != nil {
		eyes.Alerts = r.alerts(now, p.secrets)
	}
	p.observer = observe.New(eyes)
	p.actuators = map[string]actuators.Actuator{
		"systemd": systemd.New(conn, systemd.Options{Version: version}),
		"file":    file.New(file.Options{Displaced: filepath.Join(a.stateDir, "displaced"), Name: names.Name}),

		"failover": turn.Failover(version),
		"revision": turn.Revision(version),
		"scale":    turn.Scale(version),
		"state":    turn.State(version),
		"ask":      turn.Ask(version),
	}
	return p, nil
}

// hostRef asks for the facts of the host as a whole.
var hostRef = []state.Ref{{Kind: state.RefHost}}

// stopFile is the kill switch.
const stopFile = defaultRuntime + "/stop"

// stopped reads the kill switch. If that fails, it is set: whoever cannot look
// must not act.
func stopped() bool {
	_, err := os.Lstat(stopFile)
	return !errors.Is(err, os.ErrNotExist)
}

// past reads the record of a host on which no controller runs.
func (a *app) past() (*state.Past, error) {
	s, err := record.OpenReadOnly(a.stateDir)
	if err != nil {
		return state.UnknownPast(), err
	}
	defer s.Close()
	return s.Past(), nil
}
