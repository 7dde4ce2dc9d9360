package sim

import (
	"time"

	"github.com/pakashop/evenkeel/state"
)

func (h *Host) timeout(u *unit) {
	u.result = "timeout"
	h.terminate(u)
}

// stop begins to stop a unit for a job.
func (h *Host) stop(u *unit) {
	u.forbid = true
	switch {
	case u.down():
		h.progress(u)
	case u.sub == "auto-restart":
		h.cause(u)
		h.set(u, "inactive", "dead")
		u.flush = true
		h.forget(u)
	case !isService(u.id):
		h.cause(u)
		h.set(u, "inactive", "dead")
		h.forget(u)
	case u.active == "deactivating":
	case u.active == "active" && u.process.pid != 0, u.sub == "exited":
		h.steps(u, u.config.stop, "deactivating", "stop", func() { h.terminate(u) })
		if u.sub == "stop" {
			h.later(u, u.config.stopTimeout, func() { h.timeout(u) })
		}
	default:
		h.terminate(u)
	}
}

// terminate sends SIGTERM to what runs, and SIGKILL when its time is over.
func (h *Host) terminate(u *unit) {
	control := u.control
	u.control = false
	switch {
	case control && u.process.pid == 0:
		h.set(u, "deactivating", "stop-sigterm")
		h.dead(u, "signal", false) // for a command, SIGTERM is no clean end
		return
	case u.process.pid == 0:
		h.dead(u, "success", true)
		return
	}
	p := u.process.program
	h.set(u, "deactivating", "stop-sigterm")
	switch {
	case p.IgnoreTerm:
		h.later(u, u.config.stopTimeout, func() { h.dead(u, "timeout", true) })
	case p.TermCode != 0:
		h.exited(u, p.TermCode, "")
	default:
		h.exited(u, 0, "TERM")
	}
}

// dead ends a unit's run: it rests, has failed, or waits to be started again.
func (h *Host) dead(u *unit, result string, restart bool) {
	if u.result == "success" {
		u.result = result
	}
	u.process.pid, u.control = 0, false
	again := restart && !u.forbid && u.restartsAfter()
	h.cause(u)
	if u.result == "success" {
		h.set(u, "inactive", "dead")
	} else {
		h.set(u, "failed", "failed")
	}
	if !again || !u.down() {
		u.flush = true
		h.forget(u)
		return
	}
	h.set(u, "activating", "auto-restart")
	h.later(u, max(u.config.restartPause, time.Millisecond), func() { // a loop of restarts must let time pass
		u.restarts++
		h.set(u, "inactive", "dead")
		h.start(u)
	})
}

// end is what the journal says of why a unit is down.
type end struct {
	cause state.StopCause
	rival string // with StopByConflict
}

func (j *job) end() end {
	if j.rival != "" {
		return end{state.StopByConflict, j.rival}
	}
	return end{cause: state.StopByJob}
}

// cause notes what the journal will say of why a unit is down.
func (h *Host) cause(u *unit) {
	h.ends[u.id] = end{cause: state.StopByExit}
	if u.job != nil && u.job.kind == "stop" {
		h.ends[u.id] = u.job.end()
	}
}

// restartsAfter is Restart= applied to the result.
func (u *unit) restartsAfter() bool {
	switch u.config.restart {
	case "always":
		return true
	case "on-success":
		return u.result == "success"
	case "on-failure":
		return u.result != "success"
	case "on-abnormal":
		return u.result != "success" && u.result != "exit-code"
	case "on-abort":
		return u.result == "signal" || u.result == "core-dump"
	}
	return false
}
