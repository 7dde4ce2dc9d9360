package systemd

import (
	"context"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is how Actions address this actuator.
const Name = "systemd"

// Options has a useful zero value.
type Options struct {
	Version string        // what Info reports; default "builtin"
	Timeout time.Duration // of an Apply whose context has no deadline; default 90 s
	Settle  time.Duration // how long a start that is "done" may take to show what became of it; default 50 ms
}

// Actuator carries out Actions on systemd. It is safe for concurrent use.
type Actuator struct {
	m    Manager
	opts Options
}

// New makes an Actuator over a connection, which it does not close.
func New(m Manager, opts Options) *Actuator {
	if opts.Version == "" {
		opts.Version = "builtin"
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 90 * time.Second
	}
	if opts.Settle <= 0 {
		opts.Settle = 50 * time.Millisecond
	}
	return &Actuator{m: m, opts: opts}
}

// plainArgs are arguments that a plan may add to tell its Actions apart. They
// change nothing in what is done.
var plainArgs = []string{"declared", "why"}

// Info lists the verbs.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info(), nil }

func (a *Actuator) info() actuators.Info {
	verb := func(name string, e actuators.Effect, help string) actuators.Verb {
		return actuators.Verb{Name: name, Effect: e, Args: plainArgs, Help: help}
	}
	return actuators.Info{Name: Name, Version: a.opts.Version, Verbs: []actuators.Verb{
		verb("start", actuators.Benign, "Start a unit that is not active."),
		verb("stop", actuators.Disruptive, "Stop a unit."),
		verb("restart", actuators.Disruptive, "Stop a unit and start it again; start it if it is down."),
		verb("reload", actuators.Disruptive, "Ask a running unit to read its configuration again."),
		verb("enable", actuators.Benign, "Make the links that the unit's [Install] section asks for."),
		verb("disable", actuators.Benign, "Remove the links to the unit."),
		verb("mask", actuators.Benign, "Forbid the unit to start, by a link to /dev/null."),
		verb("unmask", actuators.Benign, "Remove the link to /dev/null."),
		verb("daemon-reload", actuators.Benign, "Make systemd read all unit files again."),
		verb("reset-failed", actuators.Benign, "Clear the unit's failed state and its start counter."),
	}}
}

// Apply carries out one Action. It returns soon after ctx ends; a job of its
// own that is still queued when the deadline passes is canceled.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := a.check(r); err != nil {
		return actuators.Result{}, err
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.opts.Timeout)
		defer cancel()
	}
	if err := ctx.Err(); err != nil {
		return actuators.Result{}, classify(r.Action, err)
	}
	res, err := a.do(ctx, r.Verb, r.Target)
	if err != nil {
		return actuators.Result{}, classify(r.Action, err)
	}
	return res, nil
}

func (a *Actuator) check(r actuators.Request) error {
	if err := a.info().Check(r); err != nil {
		return err
	}
	switch {
	case r.Verb == "daemon-reload" && r.Target != "":
		return actuators.Errorf(actuators.Invalid, "%s: daemon-reload has no target", r.Action)
	case r.Verb != "daemon-reload" && !unitLike(r.Target):
		return actuators.Errorf(actuators.Invalid, "%s: the target must be a unit, such as nginx.service", r.Action)
	}
	return nil
}

// unitLike keeps paths, options and control characters from systemd; whether
// such a unit exists is systemd's to say.
func unitLike(s string) bool {
	if dot := strings.LastIndexByte(s, '.'); dot <= 0 || dot == len(s)-1 || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(`:-_.\@`, c) >= 0 {
			continue
		}
		return false
	}
	return s[0] != '-' || strings.HasSuffix(s, ".mount") || strings.HasSuffix(s, ".slice")
}

func (a *Actuator) do(ctx context.Context, verb, unit string) (actuators.Result, error) {
	switch verb {
	case "start":
		return a.start(ctx, unit)
	case "stop":
		return a.stop(ctx, unit)
	case "restart":
		return a.restart(ctx, unit)
	case "reload":
		return a.reload(ctx, unit)
	case "enable":
		return a.enable(ctx, unit)
	case "disable":
		return links(a.m.Disable(ctx, unit))
	case "mask":
		return links(a.m.Mask(ctx, unit))
	case "unmask":
		return links(a.m.Unmask(ctx, unit))
	case "daemon-reload":
		return actuators.Result{Changed: true, Detail: "unit files were read again"}, a.m.Reload(ctx)
	default:
		return a.resetFailed(ctx, unit)
	}
}
