package exec

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is what actions call this actuator.
const Name = "exec"

// Options of an Actuator.
type Options struct {
	Version string
	State   string // the folder of what was done by Key; default /var/lib/evenkeel/exec
}

// Actuator runs programs. It is safe for concurrent use.
type Actuator struct {
	info actuators.Info
	once *once
}

var (
	_ actuators.Actuator  = (*Actuator)(nil)
	_ actuators.Previewer = (*Actuator)(nil)
)

// New returns an Actuator.
func New(o Options) *Actuator {
	if o.State == "" {
		o.State = "/var/lib/evenkeel/exec"
	}
	return &Actuator{once: newOnce(o.State), info: actuators.Info{
		Name: Name, Version: o.Version,
		Verbs: []actuators.Verb{{
			Name: "run", Effect: actuators.Disruptive, Content: true, Args: []string{"argv", "timeout"},
			Help: "Runs the target, a program, with the arguments argv, a JSON list, as the user whom policy names; what still runs after timeout (30s) is ended.",
		}},
	}}
}

// Info lists the one verb.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info, nil }

// Preview says what would be run.
func (a *Actuator) Preview(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	c, err := a.parse(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	if r.Key != "" {
		if e, known, err := a.once.look(r.Key); err != nil || known {
			return actuators.Result{Detail: e.Detail}, err
		}
	}
	return actuators.Result{Changed: true, Detail: "run " + c.program + " as " + c.user}, nil
}

// Apply runs a program and waits until nothing of it is left.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	c, err := a.parse(ctx, r)
	if err != nil {
		return actuators.Result{}, err
	}
	if r.Key == "" {
		return c.report(c.run(ctx, ""))
	}
	return a.once.do(ctx, r, func() (actuators.Result, error) { return c.report(c.run(ctx, r.Key)) })
}

// report says how a run ended. Its error is of kind Failed where the program was
// run, however it ended.
func (c command) report(e ending, err error) (actuators.Result, error) {
	if err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.KindOf(err), "%s: %w", c.action, err)
	}
	how, ok := e.how(c)
	took := e.took.Round(time.Millisecond)
	if !ok {
		text := fmt.Sprintf("%s: %s after %v", c.action, how, took)
		if line := lastLine(e.output); line != "" {
			text += fmt.Sprintf(", it said %q", line)
		}
		return actuators.Result{}, actuators.Errorf(actuators.Failed, "%s", text)
	}
	return actuators.Result{
		Changed: true, Detail: fmt.Sprintf("%s after %v, %d bytes of output", how, took, e.written),
		Data: map[string]string{"output": e.output, "written": strconv.FormatInt(e.written, 10)},
	}, nil
}

// how says in words how the program ended, and whether that is well.
func (e ending) how(c command) (string, bool) {
	const exited = 1 // CLD_EXITED
	// systemd says timeout, too, where the program ended in time and what it had
	// left behind did not end when it was told to.
	left := e.result == "timeout" && e.code == exited && e.ran < c.timeout
	switch {
	case left:
		return fmt.Sprintf("exit %d, what it left behind was killed,", e.status), e.status == 0
	case e.result == "timeout":
		return fmt.Sprintf("ended by its timeout of %v", c.timeout), false
	case e.result == "oom-kill":
		return "ended for lack of memory", false
	case e.code == exited && e.result == "exit-code" && e.status == 203:
		return "it cannot be executed (is it there, and a program?)", false
	case e.code == exited && e.result == "exit-code" && e.status == 217:
		return "there is no user " + c.user, false
	case e.code == exited:
		return fmt.Sprintf("exit %d", e.status), e.status == 0 && e.result == "success"
	case e.code != 0: // also by a signal that systemd takes for a clean end
		return fmt.Sprintf("ended by signal %d", e.status), false
	}
	return "systemd says " + e.result, false
}

// lastLine is what of an output is fit for one line of history.
func lastLine(output string) string {
	output = strings.TrimRightFunc(output, unicode.IsSpace)
	output = output[strings.LastIndexByte(output, '\n')+1:]
	output = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, output)
	if len(output) > 200 {
		output = strings.ToValidUTF8(output[:200], "") + "…"
	}
	return output
}
