package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) checkCmd() *cobra.Command {
	var form string
	var accept bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check what evenkeel needs on this host",
		Long: `Check the version of systemd, the way to it, the policy, the record, permissions
and the controller.

Exit code 0: all is well. 1: something is not.`,
		Example: "  sudo evenkeel check\n  sudo evenkeel check --accept-store   # after the record was lost or damaged",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if accept {
				return a.acceptStore()
			}
			return a.check(cmd.Context(), form)
		},
	}
	cmd.Flags().BoolVar(&accept, "accept-store", false, "go on with a record that was lost, damaged or rolled back")
	output(cmd, &form, "text", "json")
	return cmd
}

// finding is the result of one check.
type finding struct {
	Name   string `json:"name"`
	State  string `json:"state"` // OK, WARN, FAIL
	Detail string `json:"detail"`
}

func (a *app) check(ctx context.Context, form string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	all := []finding{a.checkUser(), a.checkSystemd(ctx), a.checkPolicy(), a.checkRecord(), a.checkController(ctx), checkSwitch()}
	bad := false
	for _, f := range all {
		bad = bad || f.State == "FAIL"
	}
	if form == "json" {
		if err := a.print(form, map[string]any{"version": version, "checks": all}); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.stdout, versionLine())
		for _, f := range all {
			fmt.Fprintf(a.stdout, "[%-4s] %-10s %s\n", f.State, f.Name, f.Detail)
		}
	}
	if bad {
		return &exit{code: exitDiffers}
	}
	return nil
}

func (a *app) checkUser() finding {
	if os.Geteuid() != 0 {
		return finding{"user", "WARN", "not root: evenkeel can look, and not act"}
	}
	return finding{"user", "OK", "root"}
}

func (a *app) checkSystemd(ctx context.Context) finding {
	p, err := a.connect(ctx, quietly(logger(a.stderr)), reach{lean: true})
	if err != nil {
		return finding{"systemd", "FAIL", err.Error()}
	}
	defer p.Close()
	h := p.observer.Observe(ctx, hostRef).Host
	if h == nil || !h.Known() {
		return finding{"systemd", "FAIL", "it does not answer"}
	}
	d := fmt.Sprintf("version %d via the %s, %s", h.Value.Systemd, p.conn.Via(), h.Value.System)
	if h.Value.Systemd < minSystemd {
		return finding{"systemd", "WARN", fmt.Sprintf("%s; evenkeel is tested with %d and later", d, minSystemd)}
	}
	return finding{"systemd", "OK", d}
}

// minSystemd is the oldest version that the tests run on.
const minSystemd = 252

func (a *app) checkPolicy() finding {
	p, _, err := a.hostPolicy()
	if err != nil {
		return finding{"policy", "FAIL", a.policy + ": " + err.Error()}
	}
	if !exists(a.policy) {
		return finding{"policy", "WARN", "there is no " + a.policy + "; everything but the protected set is allowed"}
	}
	return finding{"policy", "OK", a.policy + ", mode " + p.Mode}
}

func (a *app) checkRecord() finding {
	s, err := record.OpenReadOnly(a.stateDir)
	switch {
	case errors.Is(err, record.ErrNone):
		return finding{"record", "OK", "nothing was recorded yet in " + a.stateDir}
	case errors.Is(err, record.ErrLocked):
		return finding{"record", "OK", "in use by the controller"}
	case errors.Is(err, fs.ErrPermission):
		return finding{"record", "WARN", "only root can read " + a.stateDir}
	case err != nil:
		return finding{"record", "FAIL", err.Error()}
	}
	defer s.Close()
	if why := s.Past().Distrust; why != "" {
		return finding{"record", "FAIL", why}
	}
	return finding{"record", "OK", a.stateDir}
}

func (a *app) checkController(ctx context.Context) finding {
	b, err := api.NewClient(a.socket).Status(ctx)
	switch {
	case errors.Is(err, api.ErrNone):
		return finding{"controller", "WARN", "none is running"}
	case err != nil:
		return finding{"controller", "FAIL", err.Error()}
	}
	return finding{"controller", "OK", "runs on " + a.socket + ": " + b.Status.Totals()}
}

func checkSwitch() finding {
	if stopped() {
		return finding{"switch", "WARN", stopFile + " exists: evenkeel does nothing until it is removed"}
	}
	return finding{"switch", "OK", "no " + stopFile}
}

func (a *app) acceptStore() error {
	if err := record.Accept(a.stateDir, record.Options{Log: logger(a.stderr)}); err != nil {
		return trouble(hint(err))
	}
	fmt.Fprintln(a.stdout, "the record is accepted as it is")
	return nil
}
