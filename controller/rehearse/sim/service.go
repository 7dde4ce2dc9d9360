package sim

import (
	"path"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// start begins to start a unit: conditions, the start limit, then by its type.
func (h *Host) start(u *unit) {
	h.keep(u)
	if h.limited(u) {
		if u.result == "success" {
			u.result = "start-limit-hit"
		}
		u.flush = true
		h.set(u, "failed", "failed")
		u.changed = max(u.changed, u.rested+time.Microsecond) // systemd's own restart rests first, which takes time
		return
	}
	u.conditionAt, u.unmet = h.clock.wallNow(), h.unmet(u.config.conditions)
	u.condition = len(u.unmet) == 0
	if !u.condition {
		h.ends[u.id] = end{cause: state.StopNoSign} // the journal has a line of it, and no end
		h.skipped(u)
		return
	}
	delete(h.ends, u.id)
	u.invocation = h.hex(16)
	if !isService(u.id) {
		h.set(u, "active", restingSub(u.id))
		return
	}
	u.starts = append(u.starts, h.clock.up)
	if u.flush {
		u.restarts, u.flush = 0, false
	}
	u.result, u.forbid = "success", false
	h.steps(u, u.config.pre, "activating", "start-pre", func() { h.begin(u, 0) })
	if u.sub == "start-pre" {
		h.later(u, u.config.startTimeout, func() { h.timeout(u) })
	}
}

func restingSub(id string) string {
	switch path.Ext(id) {
	case ".timer", ".path":
		return "waiting"
	case ".socket":
		return "listening"
	}
	return "active"
}

// limited tells that there were too many starts lately.
func (h *Host) limited(u *unit) bool {
	if u.config.burst <= 0 || u.config.interval <= 0 {
		return false
	}
	recent := 0
	for _, at := range u.starts {
		if h.clock.up-at < u.config.interval {
			recent++
		}
	}
	return recent >= u.config.burst
}

func (h *Host) unmet(conditions []string) (out []string) {
	for _, c := range conditions {
		p, not := strings.CutPrefix(c, "!")
		if (h.fs.file(p) != nil) == not {
			out = append(out, "ConditionPathExists="+c)
		}
	}
	return out
}

// skipped is a start that a condition denied: nothing changes, the job is done.
func (h *Host) skipped(u *unit) {
	if u.job != nil {
		h.finish(u.job, "done")
	}
	h.forget(u)
}

// steps runs control commands one after another in a state, beside the main
// process if there is one, then goes on. One that fails ends a start.
func (h *Host) steps(u *unit, commands []string, active, sub string, then func()) {
	u.control = len(commands) > 0
	if !u.control {
		then()
		return
	}
	p := h.program(argv(commands[0]))
	h.set(u, active, sub)
	if !p.Exits {
		return // hangs
	}
	h.later(u, p.After, func() {
		result := "success"
		if p.Missing || p.Code != 0 || p.Signal != "" {
			result = verdict(&config{typ: "oneshot", ok: map[string]bool{}}, max(p.Code, 1), p.Signal)
		}
		if result != "success" && !strings.HasPrefix(commands[0], "-") && active == "activating" {
			u.control = false
			h.dead(u, result, true)
			return
		}
		h.steps(u, commands[1:], active, sub, then)
	})
}

// begin runs the n-th ExecStart.
func (h *Host) begin(u *unit, n int) {
	if n >= len(u.config.start) { // a oneshot without commands, or after its last
		h.finished(u)
		return
	}
	line := u.config.start[n]
	p := h.program(argv(line))
	simple := u.config.typ == "simple" || u.config.typ == "idle"
	if p.Missing && !simple {
		h.set(u, "activating", "start")
		h.dead(u, "exit-code", true)
		return
	}
	h.spawn(u, line, p)
	if simple || u.config.typ == "exec" {
		h.set(u, "active", "running")
		if p.Missing {
			h.dead(u, "exit-code", true)
			return
		}
		h.end(u, p)
		return
	}
	if n == 0 {
		h.set(u, "activating", "start")
		h.later(u, u.config.startTimeout, func() { h.timeout(u) })
	}
	switch u.config.typ {
	case "oneshot":
		h.oneshot(u, p, n)
	case "forking":
		h.forks(u, p)
	default:
		h.notifies(u, p)
	}
}

func (h *Host) oneshot(u *unit, p Program, n int) {
	if !p.Exits {
		return
	}
	h.atEnd(u, p.After, func() {
		if result := outcome(u, p); result != "success" {
			h.dead(u, result, true)
			return
		}
		u.process.pid = 0
		h.begin(u, n+1)
	})
}

// finished is a oneshot after its last command.
func (h *Host) finished(u *unit) {
	if u.config.remain {
		h.set(u, "active", "exited")
		return
	}
	h.dead(u, "success", true)
}

// forks: the process that was started ends, its child goes on.
func (h *Host) forks(u *unit, p Program) {
	h.atEnd(u, p.After, func() {
		if result := outcome(u, p); result != "success" {
			h.dead(u, result, true)
			return
		}
		h.spawn(u, u.config.start[0], Program{})
		h.set(u, "active", "running")
	})
}

func (h *Host) notifies(u *unit, p Program) {
	if p.Ready >= 0 {
		h.later(u, p.Ready, func() { h.set(u, "active", "running") })
	}
	h.end(u, p)
}

// spawn begins a process.
func (h *Host) spawn(u *unit, line string, p Program) {
	h.pid++
	h.another(u)
	u.process = process{pid: h.pid, n: u.process.n + 1, program: p}
	if words := argv(line); len(words) > 0 {
		u.process.exe, u.process.node = words[0], h.fs.file(words[0])
	}
}

// atEnd has something happen when the present process ends.
func (h *Host) atEnd(u *unit, d time.Duration, do func()) {
	n := u.process.n
	h.clock.after(d, func() {
		if u.process.n == n && u.process.pid != 0 {
			do()
		}
	})
}

// end plans the end of a main process.
func (h *Host) end(u *unit, p Program) {
	if p.Exits {
		h.atEnd(u, p.After, func() { h.exited(u, p.Code, p.Signal) })
	}
}

// outcome is systemd's word for how a process ended.
func outcome(u *unit, p Program) string { return verdict(u.config, p.Code, p.Signal) }

func verdict(c *config, code int, signal string) string {
	switch {
	case signal == "" && (code == 0 || c.ok[itoa(code)]):
		return "success"
	case signal == "":
		return "exit-code"
	case c.ok[signal], c.typ != "oneshot" && strings.Contains(" HUP INT TERM PIPE ", " "+signal+" "):
		return "success"
	case strings.Contains(" QUIT ILL TRAP ABRT BUS FPE SEGV SYS XCPU XFSZ ", " "+signal+" "):
		return "core-dump"
	}
	return "signal"
}

// exited is the end of a main process that nobody planned for the unit.
func (h *Host) exited(u *unit, code int, signal string) {
	result := verdict(u.config, code, signal)
	switch {
	case u.sub == "stop":
		u.process.pid = 0 // ExecStop is still at work
	case u.sub == "stop-sigterm" || u.sub == "stop-sigkill":
		h.dead(u, result, false)
	case u.active == "activating" && result == "success":
		h.dead(u, "protocol", true)
	case u.active != "activating" && result == "success" && u.config.remain:
		u.process.pid = 0
		h.set(u, "active", "exited")
	default:
		h.dead(u, result, true)
	}
}
