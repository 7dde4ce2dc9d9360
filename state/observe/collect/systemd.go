package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

const fromUnits = "systemd"

var (
	systemdRunning  = gauge("node_systemd_system_running", fromUnits, "Whether the system is running: not starting, degraded or stopping.")
	systemdUnits    = gauge("node_systemd_units", fromUnits, "Units that are loaded.", "state")
	systemdState    = gauge("node_systemd_unit_state", fromUnits, "1 for the state that a unit is in.", "name", "state", "type")
	systemdRestarts = counter("node_systemd_service_restart_total", fromUnits, "How often systemd restarted it by itself.", "name")
	systemdStart    = gauge("node_systemd_unit_start_time_seconds", fromUnits, "When it became active; 0: it is not.", "name")
)

func systemdMetrics() []Metric {
	return []Metric{systemdRunning, systemdUnits, systemdState, systemdRestarts, systemdStart}
}

// unitStates are the states of which node_exporter tells.
var unitStates = []string{"active", "activating", "deactivating", "inactive", "failed"}

// maxUnits bounds the units of which systemd is asked one by one.
const maxUnits = 500

// systemd tells of the units that are declared, and of others where they failed.
func (c *Collector) systemd(ctx context.Context, _ desired.Target, p *page) error {
	if c.opt.Units == nil {
		return errors.New("nothing is known of systemd here")
	}
	all, err := c.opt.Units.ListUnits(ctx)
	if err != nil {
		return err
	}
	counts := map[string]float64{}
	for _, u := range all {
		counts[u.Active]++
	}
	for _, state := range unitStates {
		p.add(systemdUnits, counts[state], state)
	}
	chosen := c.chosen(all)
	var props []bus.Property
	props = append(props, bus.Property{Path: bus.ManagerPath, Interface: bus.ManagerInterface, Name: "SystemState"})
	for _, u := range chosen {
		props = append(props, questions(u.Name)...)
	}
	replies, err := c.opt.Units.Get(ctx, props)
	if err != nil {
		return err
	}
	if len(replies) != len(props) {
		return fmt.Errorf("systemd gives %d answers to %d questions", len(replies), len(props))
	}
	if replies[0].Err != nil {
		return replies[0].Err
	}
	p.add(systemdRunning, truth(replies[0].Value == "running"))
	at := 1
	for _, u := range chosen {
		n := len(questions(u.Name))
		unit(u, replies[at:at+n], p)
		at += n
	}
	return nil
}

// chosen are the units that are told of by name: the declared ones come first.
// Those that systemd has not loaded are idle: it forgets them, and loads them again
// when it is asked.
func (c *Collector) chosen(all []bus.LoadedUnit) []bus.LoadedUnit {
	declared := map[string]bool{}
	if c.opt.Declared != nil {
		for _, name := range c.opt.Declared() {
			declared[name] = true
		}
	}
	var list []bus.LoadedUnit
	loaded := map[string]bool{}
	for _, u := range all {
		loaded[u.Name] = true
		if declared[u.Name] || u.Active == "failed" {
			list = append(list, u)
		}
	}
	for name := range declared {
		if !loaded[name] {
			list = append(list, bus.LoadedUnit{Name: name, Active: "inactive"})
		}
	}
	slices.SortFunc(list, func(a, b bus.LoadedUnit) int {
		return cmp.Or(cmp.Compare(truth(declared[b.Name]), truth(declared[a.Name])), cmp.Compare(a.Name, b.Name))
	})
	return list[:min(len(list), maxUnits)]
}

func service(name string) bool { return strings.HasSuffix(name, ".service") }

// questions are what is asked about one unit.
func questions(name string) []bus.Property {
	path := bus.UnitPath(name)
	all := []bus.Property{{Path: path, Interface: bus.UnitInterface, Name: "LoadState"}, {Path: path, Interface: bus.UnitInterface, Name: "ActiveEnterTimestamp"}}
	if service(name) {
		all = append(all, bus.Property{Path: path, Interface: bus.ServiceInterface, Name: "Type"}, bus.Property{Path: path, Interface: bus.ServiceInterface, Name: "NRestarts"})
	}
	return all
}

func unit(u bus.LoadedUnit, replies []bus.Reply, p *page) {
	if replies[0].Value != "loaded" {
		return // there is no such unit, or it cannot be read
	}
	kind := ""
	if service(u.Name) {
		kind, _ = replies[2].Value.(string)
		if n, ok := replies[3].Value.(uint32); ok {
			p.add(systemdRestarts, float64(n), u.Name)
		}
	}
	for _, state := range unitStates {
		p.add(systemdState, truth(u.Active == state), u.Name, state, kind)
	}
	since, ok := replies[1].Value.(uint64)
	if !ok {
		return
	}
	if u.Active != "active" {
		since = 0
	}
	p.add(systemdStart, float64(since)/1e6, u.Name)
}
