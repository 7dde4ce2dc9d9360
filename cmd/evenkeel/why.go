package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
)

func (a *app) whyCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "why SERVICE",
		Short: "Explain what is and is not done about a service, and what to do",
		Long: `Explain one service: the comparison that led to what is done or not done, each
reason that holds it with its end, the facts behind it with their times, what is
left of its budget of repairs, what would unblock it, and commands to copy.

Exit code 0: explained. 4: unknown service. 2: trouble.`,
		Example: "  evenkeel why pakashop-backend\n  evenkeel why pakashop-backend -o json | jq -r '.commands[]'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := a.why(cmd.Context(), objectName(args[0]))
			if err != nil {
				return err
			}
			if form != "text" {
				return a.print(form, w)
			}
			_, err = fmt.Fprint(a.stdout, w.Text(a.style()))
			return err
		},
		ValidArgsFunction: a.completeServices,
	}
	a.fileFlag(cmd)
	output(cmd, &form, "text", "json", "yaml")
	return cmd
}

func (a *app) why(ctx context.Context, object string) (report.Why, error) {
	unknown := fmt.Errorf("unknown service %s; evenkeel get services lists them", object)
	return about(ctx, a, object, unknown, (*api.Client).Why, api.View.Why)
}
