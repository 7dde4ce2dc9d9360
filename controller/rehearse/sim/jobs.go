package sim

import (
	"strconv"

	"github.com/pakashop/evenkeel/state"
)

// job is a job of systemd: what somebody wants of a unit.
type job struct {
	id     uint32
	kind   string // start, stop, restart, reload
	rival  string // of a stop: the unit whose start, which conflicts, asked for it
	unit   *unit
	waits  int // jobs that must end before
	begun  bool
	result string // empty: it has not ended
	done   chan struct{}
	then   []func(result string)
}

func itoa(n int) string { return strconv.Itoa(n) }

// busError is an error as systemd would send it.
type busError struct{ name, text string }

func (e *busError) Error() string   { return e.text }
func (e *busError) BusName() string { return e.name }

func refuse(name, text string) error {
	return &busError{"org.freedesktop.systemd1." + name, text}
}

// enqueue queues a job, with those that it pulls in. replace is the mode of
// systemctl; without it a job that is in the way makes it fail. joined tells
// that it was queued before.
func (h *Host) enqueue(name, kind string, replace bool) (j *job, joined bool, err error) {
	return h.enqueueFor("", name, kind, replace)
}

func (h *Host) enqueueFor(rival, name, kind string, replace bool) (j *job, joined bool, err error) {
	u := h.loadedUnit(name)
	if err := loadable(u, kind); err != nil {
		return nil, false, err
	}
	if u.job != nil {
		if merges(u.job.kind, kind) {
			return u.job, true, nil
		}
		if !replace {
			return nil, false, refuse("TransactionIsDestructive", "Transaction for "+name+"/"+kind+" is destructive ("+u.job.kind+" is queued).")
		}
		h.finish(u.job, "canceled")
	}
	h.keep(u)
	h.jobs++
	j = &job{id: h.jobs, kind: kind, rival: rival, unit: u, done: make(chan struct{})}
	u.job = j
	h.queued++
	h.touch(state.Ref{Kind: state.RefUnit, Name: u.id}, state.Ref{Kind: state.RefHost})
	if kind == "start" || kind == "restart" && !u.up() {
		if err := h.pull(j, replace); err != nil {
			h.finish(j, "canceled")
			return nil, false, err
		}
	}
	h.run(j)
	return j, false, nil
}

func loadable(u *unit, kind string) error {
	switch {
	case u.load == "not-found" && (kind != "stop" || u.down()):
		return refuse("NoSuchUnit", "Unit "+u.id+" not found.")
	case kind == "stop":
	case u.load == "masked":
		return refuse("UnitMasked", "Unit "+u.id+" is masked.")
	case u.load == "bad-setting":
		return refuse("BadUnitSetting", "Unit "+u.id+" has a bad unit file setting.")
	case kind == "reload" && len(u.config.again) == 0:
		return refuse("JobTypeNotApplicable", "Job type reload is not applicable for unit "+u.id+".")
	}
	return nil
}

func merges(queued, kind string) bool {
	return queued == kind || queued == "restart" && kind == "start"
}

// pull queues what a start needs, and stops what it conflicts with.
func (h *Host) pull(j *job, replace bool) error {
	c := j.unit.config
	for _, name := range c.conflicts {
		if u := h.loadedUnit(name); !u.down() {
			if _, _, err := h.enqueueFor(j.unit.id, name, "stop", replace); err != nil {
				return err
			}
		}
	}
	for i, name := range append(append([]string(nil), c.requires...), c.wants...) {
		must := i < len(c.requires)
		if h.loadedUnit(name).up() {
			continue
		}
		dep, _, err := h.enqueue(name, "start", replace)
		if err != nil {
			if must {
				return err
			}
			continue
		}
		h.wait(j, dep, must)
	}
	return nil
}

// wait has a job wait for another where the unit is ordered after it, and fail
// with it where it requires it.
func (h *Host) wait(j, dep *job, must bool) {
	ordered := false
	for _, name := range j.unit.config.after {
		ordered = ordered || name == dep.unit.id
	}
	if dep.result != "" {
		if must && failed(dep.result) && ordered {
			h.finish(j, "dependency")
		}
		return
	}
	if ordered {
		j.waits++
	}
	dep.then = append(dep.then, func(result string) {
		if ordered {
			j.waits--
		}
		switch {
		case j.result != "":
		case must && failed(result):
			h.finish(j, "dependency")
		default:
			h.run(j)
		}
	})
}

func failed(result string) bool { return result != "done" && result != "skipped" }

// run begins a job that waits for nothing.
func (h *Host) run(j *job) {
	if j.result != "" || j.begun || j.waits > 0 {
		return
	}
	u := j.unit
	if j.kind == "start" && u.sub == "auto-restart" {
		return // it stays queued until systemd starts the unit itself
	}
	j.begun = true
	switch j.kind {
	case "start":
		if u.down() {
			h.start(u)
		}
	case "stop":
		h.stop(u)
	case "restart":
		if !u.down() {
			h.stop(u)
			break
		}
		h.start(u)
	case "reload":
		h.runReload(u)
	}
	h.progress(u)
}

func (h *Host) runReload(u *unit) {
	if !u.up() {
		h.finish(u.job, "skipped")
		return
	}
	h.set(u, "reloading", "reload")
	total := Program{}
	for _, line := range u.config.again {
		p := h.program(argv(line))
		total.After += p.After
		if p.Code != 0 || p.Missing {
			total.Code = 1
		}
	}
	h.later(u, total.After, func() {
		kept := u.job
		u.job = nil // its result is not that of the state
		h.set(u, "active", "running")
		u.job = kept
		if kept != nil && kept.kind == "reload" {
			h.finish(kept, map[bool]string{true: "done", false: "failed"}[total.Code == 0])
		}
	})
}

// progress looks whether a unit's state has brought its job to an end.
func (h *Host) progress(u *unit) {
	j := u.job
	if j == nil || !j.begun || j.result != "" {
		return
	}
	switch {
	case j.kind == "stop" && u.down():
		h.finish(j, "done")
	case j.kind == "restart" && u.down() && u.forbid:
		j.kind, u.forbid = "start", false
		h.start(u)
	case j.kind == "start" || j.kind == "restart":
		switch {
		case u.up():
			h.finish(j, "done")
		case u.active == "failed":
			h.finish(j, "failed")
		case u.active == "inactive" && u.conditionAt == h.clock.wallNow() || u.active == "inactive" && u.sub == "dead" && u.result == "success":
			h.finish(j, "done")
		}
	}
}

func (h *Host) finish(j *job, result string) {
	if j.result != "" {
		return
	}
	j.result = result
	close(j.done)
	if j.unit.job == j {
		j.unit.job = nil
	}
	h.queued--
	h.touch(state.Ref{Kind: state.RefUnit, Name: j.unit.id}, state.Ref{Kind: state.RefHost})
	for _, f := range j.then {
		f(result)
	}
	h.forget(j.unit)
}
