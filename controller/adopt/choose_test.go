package adopt_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// estate is a host with something of everything that is chosen or left out.
func estate() *adopt.Host {
	idle := state.Unit{Active: "inactive", Sub: "dead", Boot: "disabled"}
	is := func(u state.Unit, id string) state.Unit { u.ID = id; return u }
	h := hostOf(
		seen{unit: state.Unit{ID: "web.service", Names: []string{"web.service", "www.service"}}},
		seen{unit: is(idle, "off.service")},
		seen{unit: is(idle, "vendor-off.service"), file: "none"},
		seen{unit: is(idle, "vendor-changed.service"), file: "none", dropIns: map[string]string{"/etc/systemd/system/vendor-changed.service.d/x.conf": "[Service]\nNice=1\n"}},
		seen{unit: state.Unit{ID: "vendor-on.timer", Active: "inactive"}, file: "none"},
		seen{unit: state.Unit{ID: "vendor-runs.service", Boot: "static"}, file: "none"},
		seen{unit: state.Unit{ID: "vendor-ran.service", Boot: "static", Sub: "exited"}, file: "none"},
		seen{unit: state.Unit{ID: "vendor-masked.service", Boot: "masked", Load: "masked", Active: "inactive"}, file: "none"},
		seen{unit: state.Unit{ID: "masked.service", Boot: "masked", Load: "masked", Active: "inactive"}, link: "/dev/null"},
		seen{unit: state.Unit{ID: "legacy.service", Boot: "generated", Sub: "exited"}, file: "none"},
		seen{unit: state.Unit{ID: "sshd.service"}},
		seen{unit: state.Unit{ID: "rescue.service", Boot: "static"}, file: "none"},
		seen{unit: state.Unit{ID: "passing.service", Boot: "transient", Fragment: "/run/systemd/transient/passing.service"}, file: "none"},
		seen{unit: state.Unit{ID: "agent.service"}},
		seen{unit: state.Unit{ID: "gone.service", Load: "not-found", Active: "inactive", Boot: "not-found"}, file: "none"},
		seen{
			unit: state.Unit{ID: "postgresql.service", Type: "oneshot", Remain: true, Sub: "exited"}, file: "none",
			vendor: "[Service]\nType=oneshot\nExecStart=/bin/true\nRemainAfterExit=on\n",
		},
		seen{unit: state.Unit{ID: "postgresql@15-main.service", Boot: "enabled-runtime"}, file: "none"},
		seen{unit: state.Unit{ID: "postgresql@16-main.service", Boot: "enabled-runtime"}, file: "none"},
	)
	h.World.Units["www.service"] = h.World.Units["web.service"] // an alias
	h.World.Units["broken.service"] = state.Fact[state.Unit]{At: now, Err: "timeout"}
	return h
}

var policy = desired.Policy{Protect: []string{"agent.service"}}

func TestAllThatMatters(t *testing.T) {
	c := adopt.All(estate(), policy)
	want := adopt.Choice{
		Units: []string{
			"legacy.service", "masked.service", "off.service", "postgresql@15-main.service", "postgresql@16-main.service",
			"vendor-changed.service", "vendor-on.timer", "vendor-runs.service", "web.service",
		},
		Left: []adopt.Left{
			{"does nothing itself: it stands for postgresql@15-main.service, postgresql@16-main.service", []string{"postgresql.service"}},
			{"belongs to the protected set", []string{"agent.service", "sshd.service"}},
			{"part of systemd", []string{"rescue.service"}},
			{"transient: it is gone once it ends", []string{"passing.service"}},
			{"could not be read", []string{"broken.service"}},
			{"neither changed on this host nor enabled nor running", []string{"vendor-masked.service", "vendor-off.service", "vendor-ran.service"}},
		},
	}
	if d := cmp.Diff(want, c); d != "" {
		t.Error(d)
	}
}

func TestNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		want string // units, refused, unknown
	}{
		{"web", "[web.service] [] []"},
		{"web.service", "[web.service] [] []"},
		{"www", "[web.service] [] []"},
		{"vendor-on.timer", "[vendor-on.timer] [] []"},
		{"vendor-off", "[vendor-off.service] [] []"},
		{"vendor-o*", "[vendor-off.service vendor-on.timer] [] []"},
		{"postgresql@15-main", "[postgresql@15-main.service] [] []"},
		{"postgresql", "[postgresql@15-main.service postgresql@16-main.service] [] []"},
		{"agent", "[] [agent.service: belongs to the protected set] []"},
		{"passing", "[] [passing.service: transient: it is gone once it ends] []"},
		{"gone", "[] [] [gone]"},
		{"nothing-of-the-kind", "[] [] [nothing-of-the-kind]"},
		{"nothing-*", "[] [] [nothing-*]"},
	} {
		got := adopt.Named(estate(), []string{c.name}, policy)
		if s := fmt.Sprint(got.Units, got.Refused, got.Unknown); s != c.want {
			t.Errorf("%s: %s, want %s", c.name, s, c.want)
		}
	}
}

// Reading goes on for as long as it finds something new: of an alias the primary
// name, of a folder its drop-ins.
func TestRefs(t *testing.T) {
	h := hostOf(seen{unit: state.Unit{ID: "web.service"}, dropIns: map[string]string{"/etc/systemd/system/web.service.d/x.conf": ""}})
	h.World.Units["www.service"] = h.World.Units["web.service"]
	var got []string
	for _, r := range adopt.Refs([]string{"www.service", "x@.service", "multi-user.target", "not read.service"}, &h.World) {
		got = append(got, r.String())
	}
	want := []string{
		"host:", "unit:www.service", "unit:web.service", "file:/etc/systemd/system/web.service",
		"dir:/etc/systemd/system/web.service.d", "file:/etc/systemd/system/web.service.d/x.conf", "dir:/run/systemd/system/web.service.d",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	texts := adopt.Texts(&h.World)
	if d := cmp.Diff([]string{"/etc/systemd/system/web.service", "/etc/systemd/system/web.service.d/x.conf"}, texts); d != "" {
		t.Error(d)
	}
}
