package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/state"
)

func (a *app) graphCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:   "graph [SERVICE|ENDPOINT]",
		Short: "Draw what rests on what, how each of it is, and what comes first",
		Long: `Draw the dependency graph with health: what others rest on is at the top, and below
it what rests on it, so that a cause stands above all that it drags along and is
marked. With a service or an Endpoint, only what that rests on and what rests on it.

It asks the running controller. With -f and none running, how things are is by
systemd's word only, and it says so.

Exit code 0: drawn. 4: unknown service or endpoint. 2: trouble.`,
		Example: `  evenkeel graph
  evenkeel graph pakashop-backend
  evenkeel graph -o dot | dot -Tsvg > graph.svg
  evenkeel graph -o json | jq '.nodes[] | select(.culprit)'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			g, err := a.graph(cmd.Context(), args)
			if err != nil {
				return err
			}
			return a.printGraph(g, form)
		},
		ValidArgsFunction: a.completeObjects,
	}
	a.fileFlag(cmd)
	output(cmd, &form, "text", "dot", "mermaid", "json")
	return cmd
}

func (a *app) printGraph(g report.Graph, form string) error {
	var text string
	switch form {
	case "json":
		return a.print(form, g)
	case "dot":
		text = g.DOT()
	case "mermaid":
		text = g.Mermaid()
	default:
		text = g.Text(a.style())
	}
	_, err := fmt.Fprint(a.stdout, text)
	return err
}

func (a *app) graph(ctx context.Context, args []string) (report.Graph, error) {
	draw := func(v api.View, object string, _ []state.Line) (report.Graph, bool) { return v.Graph(object) }
	if len(args) == 0 {
		return about(ctx, a, "", errors.New("there is no graph"), (*api.Client).Graph, draw)
	}
	return outsideToo(ctx, a, args[0], (*api.Client).Graph, draw)
}
