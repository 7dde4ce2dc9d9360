package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/state"
)

func (a *app) whyCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "why SERVICE|ENDPOINT",
		Short: "Explain what is and is not done about a service, and what to do",
		Long: `Explain one service: the comparison that led to what is done or not done, what is
wrong with it and what that has its root in, which remedies were tried and what
comes next, each reason that holds it with its end, the facts behind it with their
times (what each probe says among them), what is left of its budget of repairs, what
would unblock it, and commands to copy.

Of an Endpoint it says since when it does not answer, and what waits for it. A bare
name means a service, or else an Endpoint.

Exit code 0: explained. 4: unknown service or endpoint. 2: trouble.`,
		Example: "  evenkeel why pakashop-backend\n  evenkeel why Endpoint/pawapay\n  evenkeel why pakashop-backend -o json | jq -r '.commands[]'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := outsideToo(cmd.Context(), a, args[0], (*api.Client).Why, api.View.Why)
			if err != nil {
				return err
			}
			if form != "text" {
				return a.print(form, w)
			}
			_, err = fmt.Fprint(a.stdout, w.Text(a.style()))
			return err
		},
		ValidArgsFunction: a.completeObjects,
	}
	a.fileFlag(cmd)
	output(cmd, &form, "text", "json", "yaml")
	return cmd
}

// outsideToo is about for a service or, where a bare name is none, the Endpoint of
// that name.
func outsideToo[T any](ctx context.Context, a *app, name string, ask func(*api.Client, context.Context, string) (T, error), work func(api.View, string, []state.Line) (T, bool)) (T, error) {
	unknown := &exit{exitUnknown, nil}
	t, err := about(ctx, a, objectName(name), unknown, ask, work)
	if errors.Is(err, unknown) && !strings.Contains(name, "/") {
		t, err = about(ctx, a, "Endpoint/"+name, unknown, ask, work)
	}
	if !errors.Is(err, unknown) {
		return t, err
	}
	near := ""
	if b, err := a.wholeBoard(ctx); err == nil {
		near = nearService(b, name)
	}
	return t, &exit{exitUnknown, fmt.Errorf("unknown service or endpoint %s%s", name, near)}
}
