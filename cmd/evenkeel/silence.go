package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
)

func (a *app) silenceCmd() *cobra.Command {
	r := hand.Request{Verb: hand.Silence}
	cmd := &cobra.Command{
		Use:   "silence MATCHER... --for TIME",
		Short: "Keep alerts from calling anybody, and their runbooks from acting, for a while",
		Long: `Silence the alerts whose labels match all of the matchers, as Alertmanager's do. They
stay listed, with who silenced them; nobody is called, and their runbooks wait. A
silence always ends: after --for, at most 30d. Said again of the same matchers it
takes the place of what was said before.

Exit code 0: silenced. 2: trouble, or no controller runs.`,
		Example: `  evenkeel silence alertname=RedisMemoryHigh --for 2h --reason 'it is being moved'
  evenkeel silence service=redis 'severity!="critical"' --for 30m
  evenkeel silence list
  evenkeel silence expire silence-3f9a1c20b7`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return trouble(errors.New("say which alerts: alertname=RedisMemoryHigh, service=redis; see evenkeel silence --help"))
			}
			r.Names = args
			_, err := a.ask(cmd.Context(), r)
			return err
		},
		ValidArgsFunction: a.completeMatchers,
	}
	durationFlag(cmd, &r.For, "for", "how long; it must be said, at most 30d")
	cmd.Flags().StringVar(&r.Why, "reason", "", "why, in your own words; it is recorded")
	cmd.AddCommand(a.silenceListCmd(), a.silenceExpireCmd())
	return cmd
}

func (a *app) silenceListCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use: "list", Short: "List what is silenced, until when, and by whom", Args: cobra.NoArgs,
		Example: "  evenkeel silence list\n  evenkeel silence list -o json | jq -r '.silences[].id'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := api.NewClient(a.socket).Silences(cmd.Context())
			switch {
			case err != nil:
				return trouble(hint(err))
			case form != "table":
				return a.print(form, all)
			}
			_, err = fmt.Fprint(a.stdout, all.Text(a.style()))
			return err
		},
	}
	output(cmd, &form, "table", "json", "yaml")
	return cmd
}

func (a *app) silenceExpireCmd() *cobra.Command {
	r := hand.Request{Verb: hand.Unsilence}
	cmd := &cobra.Command{
		Use: "expire ID...", Short: "End silences before their time", Args: cobra.MinimumNArgs(1),
		Long:    "End silences before their time. Four characters of an ID are enough where no other\nbegins with them.\n\nExit code 0: they have ended. 4: no such silence stands.",
		Example: "  evenkeel silence expire silence-3f9a1c20b7",
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Names = args
			_, err := a.ask(cmd.Context(), r)
			return err
		},
		ValidArgsFunction: a.completeSilences,
	}
	cmd.Flags().StringVar(&r.Why, "reason", "", "why, in your own words; it is recorded")
	return cmd
}

// completeMatchers completes the labels of active alerts.
func (a *app) completeMatchers(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	all, err := api.NewClient(a.socket).Alerts(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	seen := make(map[string]bool)
	var out []string
	for _, one := range all.Alerts {
		for name, value := range one.Labels {
			if m := name + "=" + value; !seen[m] {
				seen[m] = true
				out = append(out, m)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) completeSilences(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Second)
	defer cancel()
	all, err := api.NewClient(a.socket).Silences(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	for _, s := range all.Silences {
		ids = append(ids, s.ID)
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
