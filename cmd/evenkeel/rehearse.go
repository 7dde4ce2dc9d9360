package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
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
	o.clone.flags(cmd)
	return cmd
}

type rehearseOptions struct {
	breaks []string
	clone  cloneFlags
}

func (a *app) rehearse(ctx context.Context, path string, o rehearseOptions) error {
	if _, err := a.loadOrSay([]string{path}, false); err != nil {
		return err
	}
	for _, b := range o.breaks {
		if what, name, _ := strings.Cut(b, ":"); name == "" || breakCommand(what, name) == nil {
			return trouble(fmt.Errorf("--break %s: write kill:SERVICE, disable:SERVICE or edit:SERVICE", b))
		}
	}
	c, err := a.clone(ctx, path, o.clone)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.apply(ctx, a.stdout); err != nil {
		return err
	}
	if len(o.breaks) > 0 {
		if err := c.heals(ctx, o.breaks); err != nil {
			return err
		}
	}
	if err := c.run(ctx, a.stdout, "status", "-f", c.inside); err != nil {
		return &exit{exitDiffers, errors.New("the host is not healthy")}
	}
	return nil
}

// heals runs the controller inside, breaks things one by one, and waits each
// time until the host is as declared again.
func (c clone) heals(ctx context.Context, breaks []string) error {
	end, err := c.keep(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, b := range breaks {
		what, name, _ := strings.Cut(b, ":")
		c.a.say("breaking: %s", b)
		if out, err := c.host.Command(ctx, breakCommand(what, name)...).CombinedOutput(); err != nil {
			return trouble(fmt.Errorf("%s: %w: %s", b, err, out))
		}
		time.Sleep(300 * time.Millisecond) // let it be noticed
		if !c.inSync(ctx) {
			_ = c.run(ctx, c.a.stdout, "status")
			return &exit{exitDiffers, fmt.Errorf("after %s the host did not heal within %s", b, c.timeout)}
		}
		_ = c.run(ctx, c.a.stdout, "history", "Service/"+strings.TrimSuffix(name, ".service"), "-n", "3")
	}
	return nil
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
