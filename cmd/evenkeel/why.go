package main

import (
	"context"
	"errors"
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

// why asks the running controller, and works it out where none runs.
func (a *app) why(ctx context.Context, object string) (report.Why, error) {
	unknown := &exit{exitUnknown, fmt.Errorf("unknown service %s; evenkeel get services lists them", object)}
	if len(a.paths) == 0 {
		w, err := api.NewClient(a.socket).Why(ctx, object)
		var e *api.Error
		switch {
		case errors.As(err, &e) && e.Code == 404:
			return w, unknown
		case !errors.Is(err, api.ErrNone) || !exists(defaultDesired):
			if err != nil {
				err = trouble(hint(err))
			}
			return w, err
		}
	}
	v, err := a.look(ctx, reach{})
	if err != nil {
		return report.Why{}, trouble(hint(err))
	}
	lines, _ := a.history(ctx, api.HistoryFilter{Object: object, Limit: 10})
	w, ok := v.Why(object, lines)
	if !ok {
		return w, unknown
	}
	return w, nil
}
