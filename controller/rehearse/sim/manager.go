package sim

import (
	"context"
	"errors"

	"github.com/pakashop/evenkeel/actuators/systemd"
)

// manager is the Host as the systemd actuator sees it.
type manager struct{ *Host }

var _ systemd.Manager = manager{}

// Unit reads the state of a unit now.
func (m manager) Unit(_ context.Context, name string) (load, active, sub string, id uint32, kind string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.follow()
	u := m.loadedUnit(name)
	if u.job != nil {
		id, kind = u.job.id, u.job.kind
	}
	return u.load, u.active, u.sub, id, kind, nil
}

// Unmet lists the conditions that kept a unit from its last start.
func (m manager) Unmet(_ context.Context, name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.loadedUnit(name).unmet, nil
}

func (m manager) StartUnit(ctx context.Context, unit string) (string, error) {
	return m.do(ctx, unit, "start")
}

func (m manager) StopUnit(ctx context.Context, unit string) (string, error) {
	return m.do(ctx, unit, "stop")
}

func (m manager) RestartUnit(ctx context.Context, unit string) (string, error) {
	return m.do(ctx, unit, "restart")
}

func (m manager) ReloadUnit(ctx context.Context, unit string) (string, error) {
	return m.do(ctx, unit, "reload")
}

// do queues a job in mode "fail" and waits for it. At the deadline its own job
// is canceled, as a real connection does it.
func (m manager) do(ctx context.Context, unit, kind string) (string, error) {
	m.mu.Lock()
	m.tick()
	j, joined, err := m.enqueue(unit, kind, false)
	m.clock.advance(0) // what takes no time has happened
	m.mu.Unlock()
	if err != nil {
		return "", err
	}
	select {
	case <-j.done:
		return j.result, nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if j.result != "" {
		return j.result, nil
	}
	if !joined && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		m.finish(j, "canceled")
	}
	return "", ctx.Err()
}

// Reload reads all unit files again.
func (m manager) Reload(ctx context.Context) error {
	done := make(chan struct{})
	m.mu.Lock()
	m.tick()
	m.clock.after(m.o.Reload, func() {
		m.reload()
		close(done)
	})
	m.clock.advance(0)
	m.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ResetFailedUnit clears a failure and the start counter.
func (m manager) ResetFailedUnit(_ context.Context, unit string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick()
	u := m.loadedUnit(unit)
	if m.units[u.id] == nil {
		return refuse("NoSuchUnit", "Unit "+unit+" not loaded.")
	}
	u.starts, u.restarts = nil, 0
	if u.active == "failed" {
		u.result = "success"
		m.set(u, "inactive", "dead")
		m.forget(u)
	}
	return nil
}

func (m manager) Enable(_ context.Context, unit string) (bool, int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick()
	return m.enable(unit)
}

func (m manager) Disable(_ context.Context, unit string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick()
	return m.disable(unit), nil
}

func (m manager) Mask(_ context.Context, unit string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick()
	return m.mask(etc, unit)
}

func (m manager) Unmask(_ context.Context, unit string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tick()
	return m.unmask(etc, unit), nil
}
