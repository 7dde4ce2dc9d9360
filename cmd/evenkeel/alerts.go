package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
)

func (a *app) alertsCmd() *cobra.Command {
	var form, selector string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "alerts [ALERT|ID]",
		Short: "Show which alerts are active, and what is done about them",
		Long: `Show the alerts that fire, are pending or are suppressed, and by what. With the name
or the ID of one, all of it: what it means and what to do, what was done about it,
what waits, and the command that lets that go.

Blind ones rest on data that are absent; they are shown, and nothing is done because
of them. A source that cannot be asked is named, for it may have more. What is over is
shown, too, for as long as it is watched: two minutes.

The controller alone evaluates rules, so one must be running.

Exit code 0: shown. 4: no such alert is active. 2: trouble, or no controller runs.`,
		Example: `  evenkeel alerts
  evenkeel alerts --all
  evenkeel alerts RedisMemoryHigh
  evenkeel alerts -l severity=critical -o json | jq -r '.alerts[].name'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			return a.alerts(cmd.Context(), name, selector, form, quiet)
		},
		ValidArgsFunction: a.completeAlerts,
	}
	cmd.Flags().StringVarP(&selector, "selector", "l", "", `only alerts with these labels: severity=critical, 'job=~"redis|node"'`)
	cmd.Flags().BoolVar(&quiet, "all", false, "the sources that have nothing active, too; machines get them always")
	output(cmd, &form, "table", "wide", "json", "yaml")
	return cmd
}

func (a *app) alerts(ctx context.Context, name, selector, form string, quiet bool) error {
	var matchers []desired.Matcher
	if selector != "" {
		var err error
		if matchers, err = desired.ParseMatchers(selector); err != nil {
			return trouble(fmt.Errorf("-l %s: %w", selector, err))
		}
	}
	all, err := api.NewClient(a.socket).Alerts(ctx)
	switch {
	case errors.Is(err, api.ErrNone):
		return trouble(fmt.Errorf("%w, so nobody evaluates rules; start one with: evenkeel run", err))
	case err != nil:
		return trouble(hint(err))
	}
	some := all.Only(name, matchers)
	if name != "" && len(some.Alerts)+len(some.Over) == 0 {
		return &exit{exitUnknown, fmt.Errorf("no alert %s is active%s", name, nearAlert(all, name))}
	}
	switch {
	case form == "json" || form == "yaml":
		return a.print(form, some)
	case name != "":
		_, err = fmt.Fprint(a.stdout, some.Full(a.style()))
	default:
		_, err = fmt.Fprint(a.stdout, some.Text(a.style(), form == "wide", quiet))
	}
	return err
}

func nearAlert(all report.Alerts, name string) string {
	var names []string
	for _, one := range slices.Concat(all.Alerts, all.Over) {
		names = append(names, one.Name)
	}
	if near := desired.Nearest(name, names); near != "" {
		return "; did you mean " + report.Escape(near) + "?"
	}
	return ""
}

// completeAlerts completes the names of active alerts.
func (a *app) completeAlerts(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	all, err := api.NewClient(a.socket).Alerts(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, one := range slices.Concat(all.Alerts, all.Over) {
		names = append(names, one.Name)
	}
	slices.Sort(names)
	return slices.Compact(names), cobra.ShellCompDirectiveNoFileComp
}
