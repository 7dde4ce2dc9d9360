package report

import (
	"fmt"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// thousand is a host with 1,000 services that all drift.
func thousand() *host {
	var services []desired.Service
	for i := range 1000 {
		services = append(services, app(fmt.Sprintf("s%04d", i)))
	}
	h := newHost(services...)
	for i, s := range services {
		h.file(s.UnitFile.Path, "[Unit]\nDescription=by hand\n", 0o644)
		st := write(s, *s.UnitFile, state.UnitFileDrift, h.Have.Files[s.UnitFile.Path].Value.Digest)
		h.steps(st, systemd(fmt.Sprint("r", i), s.Object(), "restart", s.Units[0], state.StaleProcess, actuators.Disruptive, st.ID))
		h.hold(state.Held{Object: s.Object(), Reason: state.OutsideWindow})
	}
	return h
}

func BenchmarkBoard(b *testing.B) {
	h := thousand()
	for b.Loop() {
		h.board()
	}
}

func BenchmarkDiff(b *testing.B) {
	h := thousand()
	for b.Loop() {
		h.diff()
	}
}
