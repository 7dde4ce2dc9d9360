package collect

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// manager plays systemd: each unit is a simple service that was restarted twice.
type manager struct {
	units []bus.LoadedUnit
	state string
	err   error
}

func (m manager) ListUnits(context.Context) ([]bus.LoadedUnit, error) { return m.units, m.err }

func (m manager) Get(_ context.Context, props []bus.Property) ([]bus.Reply, error) {
	replies := make([]bus.Reply, len(props))
	for i, p := range props {
		replies[i].Value = map[string]any{
			"SystemState": m.state, "LoadState": "loaded", "Type": "simple", "NRestarts": uint32(2), "ActiveEnterTimestamp": uint64(1_795_800_000_000_000),
		}[p.Name]
	}
	return replies, nil
}

func systemd(t *testing.T, m manager, declared ...string) string {
	t.Helper()
	c := New(Options{Units: m, Declared: func() []string { return declared }})
	text, err := c.Collect(t.Context(), desired.Target{Collector: "systemd"})
	if err != nil {
		t.Fatal(err)
	}
	proper(t, text)
	return string(text)
}

func TestSystemd(t *testing.T) {
	text := systemd(t, manager{state: "degraded", units: []bus.LoadedUnit{
		{Name: "web.service", Active: "active"}, {Name: "stranger.service", Active: "active"}, {Name: "broken.service", Active: "failed"}, {Name: "tidy.timer", Active: "active"},
	}}, "web.service", "idle.service", "tidy.timer")
	has(t, text, "node_systemd_system_running 0", `node_systemd_units{state="active"} 3`, `node_systemd_units{state="failed"} 1`,
		`node_systemd_unit_state{name="web.service",state="active",type="simple"} 1`, `node_systemd_unit_state{name="web.service",state="failed",type="simple"} 0`,
		`node_systemd_unit_state{name="broken.service",state="failed",type="simple"} 1`, `node_systemd_unit_state{name="idle.service",state="inactive",type="simple"} 1`,
		`node_systemd_unit_state{name="tidy.timer",state="active",type=""} 1`, `node_systemd_service_restart_total{name="web.service"} 2`,
		`node_systemd_unit_start_time_seconds{name="web.service"} 1.7958e+09`, `node_systemd_unit_start_time_seconds{name="broken.service"} 0`)
	if strings.Contains(text, "stranger") {
		t.Error("a unit that nobody declared shows")
	}
}

// Ten thousand failed units do not crowd out those that are declared.
func TestSystemdOfManyFailures(t *testing.T) {
	m := manager{state: "running"}
	for i := range 10_000 {
		m.units = append(m.units, bus.LoadedUnit{Name: fmt.Sprintf("a%05d.service", i), Active: "failed"})
	}
	m.units = append(m.units, bus.LoadedUnit{Name: "web.service", Active: "active"})
	text := systemd(t, m, "web.service")
	has(t, text, `node_systemd_unit_state{name="web.service",state="active",type="simple"} 1`, `node_systemd_units{state="failed"} 10000`)
}

func TestSystemdThatDoesNotAnswer(t *testing.T) {
	for _, u := range []Units{nil, manager{err: context.DeadlineExceeded}} {
		if text, err := New(Options{Units: u}).Collect(t.Context(), desired.Target{Collector: "systemd"}); err == nil {
			t.Errorf("%s", text)
		}
	}
	for _, target := range []desired.Target{{}, {Collector: "other"}, {Metrics: desired.Metrics{HTTPGet: &desired.HTTPGet{}}}} {
		if text, err := New(Options{}).Collect(t.Context(), target); err == nil {
			t.Errorf("%s", text)
		}
	}
}
