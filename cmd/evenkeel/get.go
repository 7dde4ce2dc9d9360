package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func (a *app) getCmd() *cobra.Command {
	var form, selector string
	cmd := &cobra.Command{
		Use:     "get KIND",
		Short:   "List objects with their conditions",
		Example: "  evenkeel get services\n  evenkeel get environments -f deploy/\n  evenkeel get service -o json | jq '.items[].status.conditions'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind, ok := report.KindOf(args[0])
			if !ok {
				return &exit{exitUnknown, fmt.Errorf("unknown kind %q; there are %s", args[0], strings.Join(desired.Kinds, ", "))}
			}
			l, err := a.getObjects(cmd.Context(), kind)
			if err != nil {
				return trouble(hint(err))
			}
			if l, err = selection(l, selector); err != nil {
				return err
			}
			if form != "table" {
				return a.print(form, l)
			}
			_, err = fmt.Fprint(a.stdout, l.Text(a.style()))
			return err
		},
		ValidArgs: desired.Kinds,
	}
	a.fileFlag(cmd)
	selectorFlag(cmd, &selector)
	output(cmd, &form, "table", "json", "yaml")
	return cmd
}

func (a *app) getObjects(ctx context.Context, kind string) (report.List, error) {
	if len(a.paths) == 0 {
		l, err := api.NewClient(a.socket).Get(ctx, kind)
		if !errors.Is(err, api.ErrNone) || !exists(defaultDesired) {
			return l, err
		}
	}
	if kind == environmentKind {
		return a.getEnvironments()
	}
	v, err := a.look(ctx, reach{})
	return v.Get(kind), err
}

func (a *app) describeCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:     "describe OBJECT",
		Short:   "Show one object in full: effective values and their origin, state, holds, history",
		Example: "  evenkeel describe pakashop-backend\n  evenkeel describe Environment/staging -f deploy/",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.describeObject(cmd.Context(), objectName(args[0]))
			if err != nil {
				return err
			}
			if form != "text" {
				return a.print(form, d)
			}
			_, err = fmt.Fprint(a.stdout, d.Text(a.style()))
			return err
		},
		ValidArgsFunction: a.completeServices,
	}
	a.fileFlag(cmd)
	output(cmd, &form, "text", "json", "yaml")
	return cmd
}

func (a *app) describeObject(ctx context.Context, object string) (report.Description, error) {
	if len(a.paths) > 0 && strings.HasPrefix(object, environmentKind+"/") {
		return a.describeEnvironment(object)
	}
	unknown := fmt.Errorf("unknown object %s", object)
	return about(ctx, a, object, unknown, (*api.Client).Describe, api.View.Describe)
}

// about asks the running controller of one object, of all of them for "", and
// works it out where none runs. unknown is what to say where there is no such object.
func about[T any](ctx context.Context, a *app, object string, unknown error, ask func(*api.Client, context.Context, string) (T, error), work func(api.View, string, []state.Line) (T, bool)) (T, error) {
	if len(a.paths) == 0 {
		t, err := ask(api.NewClient(a.socket), ctx, object)
		var e *api.Error
		switch {
		case errors.As(err, &e) && e.Code == http.StatusNotFound:
			return t, &exit{exitUnknown, unknown}
		case !errors.Is(err, api.ErrNone) || !exists(defaultDesired):
			if err != nil {
				err = trouble(hint(err))
			}
			return t, err
		}
	}
	v, err := a.look(ctx, reach{})
	if err != nil {
		var none T
		return none, trouble(hint(err))
	}
	lines, _ := a.history(ctx, api.HistoryFilter{Object: object, Limit: api.RecentLines})
	t, ok := work(v, object, lines)
	if !ok {
		return t, &exit{exitUnknown, unknown}
	}
	return t, nil
}

// objectName completes what people type: a bare name means a Service, and the
// unit's suffix may stay.
func objectName(s string) string {
	kind, name, ok := strings.Cut(s, "/")
	if !ok {
		return "Service/" + strings.TrimSuffix(s, ".service")
	}
	if k, known := report.KindOf(kind); known {
		return k + "/" + name
	}
	return s
}
