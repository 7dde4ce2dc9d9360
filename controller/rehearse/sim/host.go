package sim

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/probes"
)

// Options of a Host; the zero value is useful.
type Options struct {
	Name    string        // default "sim"
	Seed    uint64        // of process IDs, invocations and boot IDs
	Start   time.Time     // wall clock at the beginning; default 2026-01-01 00:00 UTC
	Systemd int           // major version; default 252
	Reload  time.Duration // how long a daemon-reload takes; default 0
}

// Host is one simulated host. It is safe for concurrent use.
type Host struct {
	o Options

	mu     sync.Mutex
	rand   *rand.Rand
	clock  clock
	fs     *fs
	units  map[string]*unit // loaded ones, by primary name
	held   map[string]bool  // names that something loaded refers to: they stay loaded
	ends   map[string]end
	listed map[string]bool // folders of drop-ins that systemd knows
	pid    uint32
	jobs   uint32 // the last job's ID
	queued int
	loaded time.Time // when unit files were loaded last
	system string    // SystemState where it is neither running nor degraded; empty otherwise
	locked bool      // a package manager is at work

	programs  map[string]Program
	faults    map[string][]Fault
	blind     map[state.Ref]string
	displaced map[string][]byte
	watchers  map[*watcher]struct{}
	deaf      bool

	prober  *probes.Prober
	sick    map[string]sick // by unit
	network Network
	away    map[string]bool // by object
	metrics metrics
}

// New boots a Host with nothing on it but systemd.
func New(o Options) *Host {
	if o.Name == "" {
		o.Name = "sim"
	}
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Systemd == 0 {
		o.Systemd = 252
	}
	h := &Host{
		o: o, rand: rand.New(rand.NewPCG(o.Seed, 1)), clock: clock{wall: o.Start},
		programs: map[string]Program{}, faults: map[string][]Fault{}, blind: map[state.Ref]string{},
		displaced: map[string][]byte{}, watchers: map[*watcher]struct{}{},
		sick: map[string]sick{}, away: map[string]bool{}, metrics: newMetrics(),
	}
	h.prober = newProber(h)
	h.fs = newFS(h.clock.wallNow)
	for _, dir := range searchPath {
		h.fs.mkdir(dir)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.boot()
	return h
}

// boot begins a new life: nothing runs, nothing is remembered.
func (h *Host) boot() {
	h.clock.reboot(h.hex(16))
	h.units, h.held, h.ends = map[string]*unit{}, map[string]bool{}, map[string]end{}
	h.pid, h.jobs, h.queued = 300, 0, 0
	h.system, h.locked = "", false
	h.reload()
}

func (h *Host) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, 2*n)
	for i := range b {
		b[i] = digits[h.rand.IntN(16)]
	}
	return string(b)
}

// Now is this instant on the host's clocks.
func (h *Host) Now() state.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.follow()
	return h.clock.now()
}

// Advance lets time pass: whatever is due in it happens, in order.
func (h *Host) Advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock.advance(d)
}

// SetWall sets the wall clock, as an operator or NTP would. No age changes.
func (h *Host) SetWall(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock.wall = t.Add(-h.clock.up)
}
