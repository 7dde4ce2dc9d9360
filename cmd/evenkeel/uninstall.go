package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller"
	"github.com/pakashop/evenkeel/controller/install"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/record"
)

func (a *app) uninstallCmd() *cobra.Command {
	var keepState, yes bool
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take evenkeel off this host, and leave every unit as it is",
		Long: `Stop and disable evenkeel.service and remove what is evenkeel's own: its unit and
links, what install wrote and nobody has changed, its record, its socket, its
group. Managed units, their files, links and processes stay as they are.

It says first what will go and what will stay, and asks; where there is nobody to
ask, it wants --yes.`,
		Example: "  sudo evenkeel uninstall\n  sudo evenkeel uninstall --keep-state --yes",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.uninstall(cmd.Context(), keepState, yes)
		},
	}
	cmd.Flags().BoolVar(&keepState, "keep-state", false, "leave the record and what was displaced")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (a *app) uninstall(ctx context.Context, keepState, yes bool) error {
	if os.Geteuid() != 0 {
		return trouble(errors.New("only root can take evenkeel off a host; try sudo"))
	}
	_ = rehearse.Sweep() // disposable hosts of dead owners; those of live ones show in the survey
	p := install.Places{Root: "/", State: a.stateDir, Runtime: defaultRuntime, Rehearse: rehearse.Folder, Cache: defaultCache, KeepState: keepState}
	traces, err := install.Survey(p)
	if err != nil {
		return trouble(hint(err))
	}
	has, err := hasGroup("/", operators)
	if err != nil {
		return trouble(err)
	}
	if len(traces) == 0 && !has {
		fmt.Fprintln(a.stdout, "there is nothing of evenkeel on this host but the program itself")
		return nil
	}
	parts, err := a.connect(ctx, quietly(logger(a.stderr)), reach{watch: true})
	if err != nil {
		return err
	}
	defer parts.Close()
	if err := mayStop(ctx, parts.conn); err != nil {
		return trouble(err)
	}
	a.sayPlan(traces, has)
	if err := a.sure(yes); err != nil {
		return err
	}
	lock, err := a.stopController(ctx, parts.conn)
	if err != nil {
		return err
	}
	defer lock.Close()
	return a.removeAll(ctx, parts.conn, p)
}

// mayStop makes sure that stopping the controller takes no other unit along:
// somebody may have bound one to it.
func mayStop(ctx context.Context, conn *bus.Conn) error {
	var props []bus.Property
	names := []string{"RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"}
	for _, n := range names {
		props = append(props, bus.Property{Path: bus.UnitPath(install.UnitName), Interface: bus.UnitInterface, Name: n})
	}
	replies, err := conn.Get(ctx, props)
	if err != nil {
		return fmt.Errorf("ask systemd what hangs on %s: %w", install.UnitName, err)
	}
	for i, r := range replies {
		if units, _ := r.Value.([]string); len(units) > 0 {
			return fmt.Errorf("stopping %s would stop %s too (%s); undo that first", install.UnitName, strings.Join(units, ", "), names[i])
		}
	}
	return nil
}

// sure asks a human; where there is none, --yes must have been said.
func (a *app) sure(yes bool) error {
	if yes {
		return nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !terminal(in) {
		return trouble(errors.New("nothing was touched; say --yes to go on where nobody can be asked"))
	}
	fmt.Fprint(a.stderr, "Managed units stay as they are. Go on? [y/N] ")
	answer, _ := bufio.NewReader(in).ReadString('\n')
	if s := strings.ToLower(strings.TrimSpace(answer)); s != "y" && s != "yes" {
		return &exit{exitDiffers, errors.New("nothing was touched")}
	}
	return nil
}

// stopController stops the service, and makes sure that no other evenkeel acts
// on this host until the lock is closed.
func (a *app) stopController(ctx context.Context, conn *bus.Conn) (*controller.HostLock, error) {
	_, active, _, _, _, err := conn.Unit(ctx, install.UnitName)
	if err != nil {
		return nil, trouble(fmt.Errorf("look at %s: %w; nothing was touched", install.UnitName, err))
	}
	if active != "inactive" && active != "failed" {
		result, err := conn.StopUnit(ctx, install.UnitName)
		if err == nil && result != "done" {
			err = errors.New(result)
		}
		if err != nil {
			return nil, trouble(fmt.Errorf("stop %s: %w; nothing was removed", install.UnitName, err))
		}
		fmt.Fprintf(a.stdout, "%-10s %s\n", "stopped", install.UnitName)
	}
	lock, err := controller.Lock(slices.DeleteFunc([]string{defaultRuntime, a.stateDir}, func(dir string) bool { return !exists(dir) })...)
	if err != nil {
		return nil, trouble(fmt.Errorf("%w, and not as %s; end it and try again: nothing was removed", err, install.UnitName))
	}
	return lock, nil
}

// removeAll looks again, because stopping the controller has changed things,
// then removes, and tells what stays.
func (a *app) removeAll(ctx context.Context, conn *bus.Conn, p install.Places) error {
	litter := install.Litter(p, a.writtenFolders())
	traces, err := install.Survey(p)
	if err != nil {
		return trouble(hint(err))
	}
	traces = append(litter, traces...)
	removed, failed := install.Remove(p, traces)
	for _, t := range removed {
		fmt.Fprintf(a.stdout, "%-10s %s\n", "removed", report.Escape(t.Path))
	}
	if err := conn.Reload(ctx); err != nil {
		failed = errors.Join(failed, fmt.Errorf("daemon-reload: %w", err))
	}
	_ = conn.ResetFailedUnit(ctx, install.UnitName) // forgets how it ended, where systemd still knows it
	gone, err := removeGroup(ctx, operators)
	if gone {
		fmt.Fprintf(a.stdout, "%-10s group %s\n", "removed", operators)
	}
	failed = errors.Join(failed, err)
	a.sayLeft(traces)
	if failed != nil {
		return &exit{exitDiffers, fmt.Errorf("not everything could be removed: %w", failed)}
	}
	return nil
}

// writtenFolders are those in which evenkeel has written files, by its record.
func (a *app) writtenFolders() []string {
	folders := map[string]bool{install.UnitDir: true}
	if s, err := record.OpenReadOnly(a.stateDir); err == nil {
		for path := range s.Past().Owned {
			if filepath.IsAbs(path) {
				folders[filepath.Dir(path)] = true
			}
		}
		_ = s.Close()
	}
	return slices.Sorted(maps.Keys(folders))
}

// sayPlan tells what will go and what will stay.
func (a *app) sayPlan(traces []install.Trace, group bool) {
	for _, t := range traces {
		if t.Keep == "" {
			a.say("will go    %s%s", report.Escape(t.Path), remark(t.Note))
		}
	}
	if group {
		a.say("will go    group %s", operators)
	}
	for _, t := range traces {
		if t.Keep != "" {
			a.say("will stay  %s%s", report.Escape(t.Path), remark(t.Keep))
		}
	}
}

// sayLeft tells what a human may want to remove, and where it is.
func (a *app) sayLeft(traces []install.Trace) {
	for _, t := range traces {
		if t.Keep != "" {
			fmt.Fprintf(a.stdout, "%-10s %s%s\n", "left", report.Escape(t.Path), remark(t.Keep))
		}
	}
	if exe, err := os.Executable(); err == nil {
		fmt.Fprintf(a.stdout, "%-10s %s (the program)\n", "left", exe)
	}
	fmt.Fprintf(a.stdout, "%-10s all managed units, their files, links and processes, as they are\n", "left")
}

func remark(s string) string {
	if s == "" {
		return ""
	}
	return " (" + report.Escape(s) + ")"
}
