package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/systemd"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/failpoint"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired/read"
)

func (a *app) schemaCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of all objects, for editors",
		Example: "  evenkeel schema > evenkeel.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b, err := read.Schema()
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(b)
			return err
		},
	}
}

func (a *app) actuatorsCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:     "actuators",
		Short:   "List what can change this host, verb by verb",
		Example: "  evenkeel actuators -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			infos, err := api.NewClient(a.socket).Actuators(cmd.Context())
			if err != nil {
				infos = infosOf(cmd.Context(), builtIn())
			}
			if form == "json" {
				return a.print(form, report.NewActuatorList(infos))
			}
			_, err = fmt.Fprint(a.stdout, report.ActuatorsText(infos, a.style()))
			return err
		},
	}
	output(cmd, &form, "table", "json")
	return cmd
}

// direct are the actuators that the controller calls in its own process,
// connected to nothing.
func direct() map[string]actuators.Actuator {
	return map[string]actuators.Actuator{
		"systemd": systemd.New(nil, systemd.Options{Version: version}),
		"file":    file.New(file.Options{}),

		"failover": turn.Failover(version),
		"revision": turn.Revision(version),
		"scale":    turn.Scale(version),
		"state":    turn.State(version),
		"ask":      turn.Ask(version),
	}
}

// builtIn are all actuators of this binary.
func builtIn() map[string]actuators.Actuator {
	all := direct()
	for name, r := range roles {
		all[name] = r.make(settings{})
	}
	all[gather.Name] = gather.NewFront(version, gather.Sources{}, nil)
	return all
}

func inOrder(infos []actuators.Info) []actuators.Info {
	slices.SortFunc(infos, func(a, b actuators.Info) int { return strings.Compare(a.Name, b.Name) })
	return infos
}

func infosOf(ctx context.Context, all map[string]actuators.Actuator) []actuators.Info {
	out := []actuators.Info{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if i, err := all[name].Info(ctx); err == nil {
			out = append(out, i)
		}
	}
	return out
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go that built it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionLine())
			return err
		},
	}
}

func versionLine() string {
	line := "evenkeel " + version
	if info, ok := debug.ReadBuildInfo(); ok {
		line += " " + info.GoVersion
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" || s.Key == "vcs.time" {
				line += " " + s.Value
			}
		}
	}
	return line
}

func (a *app) completionCmd() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish|powershell",
		Short:     "Print a completion script for a shell",
		Example:   "  source <(evenkeel completion bash)",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(a.stdout)
		},
	}
}

// completeServices offers the names of services, from the running controller.
func (a *app) completeServices(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	all, d := a.completeObjects(cmd, args, start)
	return slices.DeleteFunc(all, func(name string) bool { return strings.Contains(name, "/") }), d
}

// completeObjects is completeServices with the Endpoints.
func (a *app) completeObjects(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	b, err := api.NewClient(a.socket).Status(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, r := range b.Status.Services {
		names = append(names, strings.TrimPrefix(r.Object, "Service/"))
	}
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) manCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write the manual pages, one a verb, into a folder",
		Example: "  evenkeel man /usr/local/share/man/man1",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return trouble(err)
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Title: "EVENKEEL", Section: "1", Source: "evenkeel " + version, Manual: "evenkeel"}
			if err := doc.GenManTree(root, header, filepath.Clean(args[0])); err != nil {
				return trouble(err)
			}
			return nil
		},
	}
}

// debugCmd is for tests and for whoever looks after evenkeel itself.
func (a *app) debugCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "debug", Hidden: true, Short: "For tests of evenkeel itself", RunE: func(*cobra.Command, []string) error {
		return trouble(errors.New("there is: debug failpoints"))
	}}
	cmd.AddCommand(&cobra.Command{
		Use: "failpoints", Short: "List the moments at which a build with the tag failpoints can be killed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range failpoints(cmd.Context()) {
				fmt.Fprintln(a.stdout, name)
			}
			return nil
		},
	})
	return cmd
}

// failpoints are those of the guard and the record, and those around every verb
// that is done in this process.
func failpoints(ctx context.Context) []string {
	names := append(slices.Clone(failpoint.Guard), failpoint.Record...)
	for _, i := range infosOf(ctx, direct()) {
		for _, v := range i.Verbs {
			before, after := failpoint.Act(i.Name, v.Name)
			names = append(names, before, after)
		}
	}
	return names
}
