package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/wall"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/resident"
)

func (a *app) runCmd() *cobra.Command {
	var every time.Duration
	var branch branchFlags
	var hook webhookFlags
	cmd := &cobra.Command{
		Use:   "run [-f PATH | --git URL --branch B]",
		Short: "Keep this host as it is declared: the controller",
		Long: `Run the controller. It reads the desired state again when files change and on
SIGHUP; an invalid one is reported, and the last good one stays in force. A
second controller on the same host waits until the first has ended.

With --git it follows a branch. A commit that is not signed as the host's policy
asks, does not descend from the last one, is invalid, or takes away more than
policy's share is refused. A new one is provisional for its environment's
confirmAfter: what breaks something that was well goes back by itself, once.

With --webhook it takes push webhooks of --git, and the alerts that an Alertmanager
sends, each from those only who know the credential for it (git-webhook-secret,
alertmanager-token). There is no TLS: for a private network, or behind a proxy.

As a service it is Type=notify, with or without WatchdogSec.`,
		Example: "  evenkeel run -f /etc/evenkeel/desired\n" +
			"  evenkeel run --git https://git.example/platform.git --branch production --path deploy",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			follows, err := branch.check(cmd)
			if err == nil {
				err = hook.check(cmd.Flags().Changed)
			}
			if err != nil {
				return trouble(err)
			}
			if follows {
				return a.runController(cmd.Context(), every, &branch, hook)
			}
			return a.runController(cmd.Context(), every, nil, hook)
		},
	}
	a.fileFlag(cmd)
	cmd.Flags().DurationVar(&every, "resync", time.Minute, "look at everything again this often, whatever the watches say")
	branch.add(cmd.Flags())
	hook.add(cmd.Flags())
	return cmd
}

// runController runs until ctx ends. branch is what is followed; nil: folders.
func (a *app) runController(ctx context.Context, every time.Duration, branch *branchFlags, hook webhookFlags) error {
	log := logger(a.stderr)
	if os.Geteuid() != 0 {
		return trouble(errors.New("only root can keep units; try sudo"))
	}
	modest()
	if branch != nil {
		if _, err := a.gitPolicy(); err != nil {
			return trouble(err)
		}
	} else {
		if len(a.paths) == 0 && !waitForDesired(ctx, log) {
			return nil
		}
		if _, err := a.loadOrSay(a.defaultPaths(), false); err != nil {
			return err
		}
	}
	waiting := func() {
		log.Info("another evenkeel is running on this host; waiting until it ends")
		notify("STATUS=waiting: another evenkeel is running\n" + sd.SdNotifyReady)
	}
	lock, err := controller.WaitLock(ctx, waiting, defaultRuntime, a.stateDir)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	if err != nil {
		return trouble(err)
	}
	defer lock.Close()
	listener, err := api.Listen(a.socket)
	if err != nil {
		return trouble(err)
	}
	defer listener.Close()
	d, err := a.daemon(ctx, log, hook)
	if err != nil {
		return err
	}
	defer d.Close()
	d.options.Resync, d.options.Version = every, version
	d.options.Ready = func() { notify(sd.SdNotifyReady + "\nSTATUS=keeping this host as declared") }
	var source *followed
	if branch != nil {
		f, err := a.follow(ctx, *branch, d, log)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		source, d.options.Source = &f, f
		if d.hooks != nil {
			d.hooks.hook = f.hook(ctx, d.parts.secrets)
		}
		d.options.Remote = gitRemote(branch.remotes, f.host, d.parts.secrets.Value)
	}
	terminals := wall.New(wall.Options{Log: log})
	d.options.Tell = terminals.Tell
	c, err := controller.New(d.options)
	if err != nil {
		return err
	}
	server := api.NewServer(api.Options{
		Backend: c, History: d.historian, Notes: d.noter, Record: d.recorder, Wishes: d.store.Wishes, Actuators: d.infos, Query: d.query,
		Version: version, Log: log,
	})
	log.Info("evenkeel runs", "version", version, "socket", a.socket, "record", a.stateDir)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	workers.Go(func() {
		if err := server.Serve(ctx, listener); err != nil {
			log.Error("the socket is closed", "error", err)
			cancel()
		}
	})
	workers.Go(func() { onHangup(ctx, c, source, log) })
	if d.hooks != nil {
		workers.Go(func() {
			if err := d.hooks.serve(ctx); err != nil {
				log.Error("webhooks are not taken", "error", err)
			}
		})
	}
	workers.Go(func() { terminals.Run(ctx) })
	workers.Go(func() { watchdog(ctx, c) })
	workers.Go(func() {
		if err := resident.Keep(ctx); err != nil {
			log.Info("more memory is used than need be", "error", err)
		}
	})
	err = c.Run(ctx)
	notify(sd.SdNotifyStopping)
	cancel()
	workers.Wait()
	if err != nil {
		return trouble(err)
	}
	log.Info("evenkeel ended")
	return nil
}

// modest keeps the Go runtime to one processor at a time unless the user says
// otherwise: the controller waits for systemd and for disks, and on a host of
// many processors its waking them all for each message would be its main cost.
func modest() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// query says what an expression comes to now.
func (d *daemon) query(ctx context.Context, expr string) state.Fact[state.QueryResult] {
	return d.parts.metrics.Observe(ctx, nil, []string{expr}).Queries[expr]
}

// infos asks each actuator what it can do.
func (d *daemon) infos(ctx context.Context) []actuators.Info {
	plugins, err := d.plugins.infos(ctx)
	if err != nil {
		d.options.Log.Warn("an actuator does not say what it can do", "error", err)
	}
	plugins = slices.DeleteFunc(plugins, func(i actuators.Info) bool { return d.parts.actuators[i.Name] != nil }) // whose front speaks for it
	return inOrder(append(infosOf(ctx, d.parts.actuators), plugins...))
}

// notify tells systemd; where nobody listens, that is no matter.
func notify(state string) { _, _ = sd.SdNotify(false, state) }

// onHangup reads the desired state again on SIGHUP, and tells systemd so.
func onHangup(ctx context.Context, c *controller.Controller, branch *followed, log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			notify(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
			if branch != nil {
				branch.Hint()
			}
			if err := c.Reload(ctx); err != nil {
				log.Warn("reload was refused", "error", err)
			}
			notify(sd.SdNotifyReady)
		}
	}
}

// watchdog tells systemd that the loop still turns. A loop that does not answer
// is not spoken for: then systemd restarts evenkeel.
func watchdog(ctx context.Context, c *controller.Controller) {
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	tick := time.NewTicker(every / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			vctx, cancel := context.WithTimeout(ctx, every/3)
			if _, err := c.View(vctx); err == nil {
				notify(sd.SdNotifyWatchdog)
			}
			cancel()
		}
	}
}
