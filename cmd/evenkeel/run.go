package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/wall"
)

func (a *app) runCmd() *cobra.Command {
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "run -f PATH",
		Short: "Keep this host as it is declared: the controller",
		Long: `Run the controller. It reads the desired state again when files change and on
SIGHUP; an invalid one is reported, and the last good one stays in force. A
second controller on the same host waits until the first has ended.

As a service it is Type=notify, with or without WatchdogSec.`,
		Example: "  evenkeel run -f /etc/evenkeel/desired",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.runController(cmd.Context(), every) },
	}
	a.fileFlag(cmd)
	cmd.Flags().DurationVar(&every, "resync", time.Minute, "look at everything again this often, whatever the watches say")
	new(gitSource).gitFlags(cmd, true)
	return cmd
}

func (a *app) runController(ctx context.Context, every time.Duration) error {
	log := logger(a.stderr)
	if os.Geteuid() != 0 {
		return trouble(errors.New("only root can keep units; try sudo"))
	}
	modest()
	if len(a.paths) == 0 && !waitForDesired(ctx, log) {
		return nil
	}
	if _, err := a.loadOrSay(a.defaultPaths(), false); err != nil {
		return err
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
	d, err := a.daemon(ctx, log)
	if err != nil {
		return err
	}
	defer d.Close()
	d.options.Resync, d.options.Version = every, version
	d.options.Ready = func() { notify(sd.SdNotifyReady + "\nSTATUS=keeping this host as declared") }
	terminals := wall.New(wall.Options{Log: log})
	d.options.Tell = terminals.Tell
	c, err := controller.New(d.options)
	if err != nil {
		return err
	}
	server := api.NewServer(api.Options{Backend: c, History: d.historian, Notes: d.noter, Wishes: d.store.Wishes, Actuators: d.infos, Version: version, Log: log})
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
	workers.Go(func() { onHangup(ctx, c, log) })
	workers.Go(func() { terminals.Run(ctx) })
	workers.Go(func() { watchdog(ctx, c) })
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

// infos asks each actuator what it can do.
func (d *daemon) infos(ctx context.Context) []actuators.Info {
	plugins, err := d.plugins.infos(ctx)
	if err != nil {
		d.options.Log.Warn("an actuator does not say what it can do", "error", err)
	}
	return inOrder(append(infosOf(ctx, d.parts.actuators), plugins...))
}

// notify tells systemd; where nobody listens, that is no matter.
func notify(state string) { _, _ = sd.SdNotify(false, state) }

// onHangup reads the desired state again on SIGHUP, and tells systemd so.
func onHangup(ctx context.Context, c *controller.Controller, log *slog.Logger) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			notify(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
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
