package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

func (a *app) rehearseCmd() *cobra.Command {
	var o rehearseOptions
	cmd := &cobra.Command{
		Use:   "rehearse PATH",
		Short: "Try desired state on a disposable clone of this host",
		Long: `Boot a disposable host with a real systemd over an overlay of this machine's own
root, apply PATH there, and report. This machine is not touched: what the clone
writes goes with it.

With --break the clone's controller runs, something is broken by hand, and it
must heal: kill:SERVICE, disable:SERVICE, edit:SERVICE.

Exit code 0: healthy. 1: not. 2: trouble.`,
		Example: "  sudo evenkeel rehearse examples/minimal\n  sudo evenkeel rehearse deploy/ --break kill:pakashop-backend",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.rehearse(cmd.Context(), args[0], o) },
	}
	cmd.Flags().StringSliceVar(&o.breaks, "break", nil, "break something, and see it heal: kill:, disable: or edit:SERVICE")
	cmd.Flags().StringSliceVar(&o.layers, "layer", nil, "a folder to lay over this machine's root, such as installed packages")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "for each thing that must come about")
	return cmd
}

type rehearseOptions struct {
	breaks, layers []string
	timeout        time.Duration
}

// Where the clone sees what it is given.
const (
	insideBinary  = "/run/rehearse/evenkeel"
	insideDesired = "/run/rehearse/desired"
)

func (a *app) rehearse(ctx context.Context, path string, o rehearseOptions) error {
	if _, err := a.loadOrSay([]string{path}, false); err != nil {
		return err
	}
	for _, b := range o.breaks {
		if what, name, _ := strings.Cut(b, ":"); name == "" || breakCommand(what, name) == nil {
			return trouble(fmt.Errorf("--break %s: write kill:SERVICE, disable:SERVICE or edit:SERVICE", b))
		}
	}
	exe, err := os.Executable()
	if err != nil {
		return trouble(err)
	}
	root, inside := path, insideDesired
	if i, err := os.Stat(path); err == nil && !i.IsDir() {
		root, inside = filepath.Dir(path), filepath.Join(insideDesired, filepath.Base(path))
	}
	if root, err = filepath.Abs(root); err != nil {
		return trouble(err)
	}
	began := time.Now()
	h, err := rehearse.Boot(ctx, rehearse.Options{
		Name: "rehearsal", Layers: o.layers, Memory: maxMemory, Tasks: maxTasks,
		Binds: []rehearse.Bind{
			{Source: exe, Target: insideBinary, ReadOnly: true}, {Source: root, Target: insideDesired, ReadOnly: true},
		},
	})
	if err != nil {
		return trouble(err)
	}
	defer h.Close()
	for _, missing := range h.Limits.Missing {
		a.say("warning: the disposable host has no limit of its own: %s", missing)
	}
	a.say("a disposable host is up after %d ms", time.Since(began).Milliseconds())
	r := rehearsal{a, h, inside, o.timeout}
	if err := r.run(ctx, "apply", "-f", inside, "--timeout", o.timeout.String()); err != nil {
		_ = r.run(ctx, "status", "-f", inside)
		return &exit{exitDiffers, errors.New("the host did not converge")}
	}
	if len(o.breaks) > 0 {
		if err := r.heals(ctx, o.breaks); err != nil {
			return err
		}
	}
	if err := r.run(ctx, "status", "-f", inside); err != nil {
		return &exit{exitDiffers, errors.New("the host is not healthy")}
	}
	return nil
}

// What a rehearsal may use: what goes wrong in the clone must not take the
// machine with it.
const (
	maxMemory = 8 << 30
	maxTasks  = 8192
)

// rehearsal is one trial on one disposable host.
type rehearsal struct {
	a       *app
	host    *rehearse.Host
	inside  string
	timeout time.Duration
}

// run runs evenkeel inside.
func (r rehearsal) run(ctx context.Context, args ...string) error {
	if r.a.environment != "" {
		args = append(args, "--environment", r.a.environment)
	}
	cmd := r.host.Command(ctx, append([]string{insideBinary}, args...)...)
	cmd.Stdout, cmd.Stderr = r.a.stdout, r.a.stderr
	return cmd.Run()
}

// heals runs the controller inside, breaks things one by one, and waits each
// time until the host is as declared again.
func (r rehearsal) heals(ctx context.Context, breaks []string) error {
	cctx, stop := context.WithCancel(ctx)
	defer stop()
	daemon := r.host.Command(cctx, insideBinary, "run", "-f", r.inside)
	daemon.Stdout, daemon.Stderr = io.Discard, io.Discard
	if err := daemon.Start(); err != nil {
		return trouble(err)
	}
	defer func() { stop(); _ = daemon.Wait() }()
	if !r.inSync(ctx) {
		return &exit{exitDiffers, errors.New("the controller inside did not come up")}
	}
	for _, b := range breaks {
		what, name, _ := strings.Cut(b, ":")
		r.a.say("breaking: %s", b)
		if out, err := r.host.Command(ctx, breakCommand(what, name)...).CombinedOutput(); err != nil {
			return trouble(fmt.Errorf("%s: %w: %s", b, err, out))
		}
		time.Sleep(300 * time.Millisecond) // let it be noticed
		if !r.inSync(ctx) {
			_ = r.run(ctx, "status")
			return &exit{exitDiffers, fmt.Errorf("after %s the host did not heal within %s", b, r.timeout)}
		}
		_ = r.run(ctx, "history", "Service/"+strings.TrimSuffix(name, ".service"), "-n", "3")
	}
	return nil
}

func (r rehearsal) inSync(ctx context.Context) bool {
	until := time.Now().Add(r.timeout)
	for time.Now().Before(until) && ctx.Err() == nil {
		if r.host.Command(ctx, insideBinary, "diff").Run() == nil {
			return true
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}

// breakCommand is what breaks a service by hand.
func breakCommand(what, service string) []string {
	unit := service
	if !strings.Contains(unit, ".") {
		unit += ".service"
	}
	switch what {
	case "kill":
		return []string{"systemctl", "kill", "--signal=SIGKILL", unit}
	case "disable":
		return []string{"systemctl", "disable", unit}
	case "edit":
		return []string{"sh", "-c", "echo '# edited by hand' >> \"$(systemctl show -p FragmentPath --value \"$1\")\"", "sh", unit}
	}
	return nil
}
