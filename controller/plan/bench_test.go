package plan_test

import (
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// sizes are those of the budgets: a small host, a large one, and the limit.
var sizes = []int{19, 200, 1000}

// BenchmarkMake is the Plan of a whole host: in sync, with one unit that
// failed, and with every unit file edited by hand.
func BenchmarkMake(b *testing.B) {
	forEachSize(b, func(b *testing.B, h *host) {
		b.Run("insync", h.benchMake)
		h.unit("svc-0000.service", func(u *state.Unit) { u.Active, u.Sub, u.Result = "failed", "failed", "signal" })
		b.Run("onefailed", h.benchMake)
		for unit := range h.have.Units {
			h.lies("/etc/systemd/system/"+unit, "edited")
		}
		b.Run("alldrift", h.benchMake)
	})
}

func (h *host) benchMake(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h.make()
	}
}

// BenchmarkRefs is the list of what must be observed.
func BenchmarkRefs(b *testing.B) {
	forEachSize(b, func(b *testing.B, h *host) {
		b.ReportAllocs()
		for b.Loop() {
			plan.Refs(h.want, &h.have, h.past)
		}
	})
}

func forEachSize(b *testing.B, run func(*testing.B, *host)) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) { run(b, manyServices(n)) })
	}
}

// manyServices is a host with n services that all run as declared. Each has a
// unit file that evenkeel wrote, every second one a file that it reads, every
// fourth one a drop-in, and each depends on another.
func manyServices(n int) *host {
	h := newHost()
	for i := range n {
		name := fmt.Sprintf("svc-%04d", i)
		s := h.declare(name)
		if i > 0 {
			s.Requires = []string{fmt.Sprintf("svc-%04d", i/2)}
		}
		if i%2 == 1 {
			s.Files = []desired.Artifact{h.laid("/etc/svc/" + name + ".conf")}
		}
		if i%4 == 1 {
			s.DropIns = []desired.Artifact{h.laid("/etc/systemd/system/" + s.Units[0] + ".d/10-limits.conf")}
			h.have.Dirs["/etc/systemd/system/"+s.Units[0]+".d"] = state.Fact[state.Dir]{At: t0, Value: state.Dir{Exists: true, Names: []string{"10-limits.conf"}}}
		}
		h.own(s)
	}
	h.past.Revision.Services = n
	h.settle()
	return h
}

// laid is a file that lies on the host as it is declared.
func (h *host) laid(file string) desired.Artifact {
	h.lies(file, path.Base(file))
	f := h.have.Files[file].Value
	return desired.Artifact{Path: file, Content: []byte(path.Base(file)), Digest: f.Digest, Mode: f.Mode, Owner: f.Owner, Group: f.Group}
}

// own makes every file of a service one that evenkeel wrote.
func (h *host) own(s *desired.Service) {
	for _, a := range slices.Concat([]desired.Artifact{*s.UnitFile}, s.DropIns, s.Files) {
		h.past.Owned[a.Path] = state.Owned{Object: s.Object(), Digest: a.Digest, Created: true}
	}
}
