package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
)

// selectorFlag adds -l to a verb.
func selectorFlag(cmd *cobra.Command, selector *string) {
	cmd.Flags().StringVarP(selector, "selector", "l", "", `only objects with these labels: tier=core, 'tier=~"core|edge"'`)
}

// selection keeps the objects whose labels match.
func selection(l report.List, selector string) (report.List, error) {
	if selector == "" {
		return l, nil
	}
	matchers, err := desired.ParseMatchers(selector)
	if err != nil {
		return l, trouble(fmt.Errorf("-l %s: %w", selector, err))
	}
	kept := report.List{Items: []report.Object{}}
	for _, o := range l.Items {
		if desired.MatchAll(matchers, o.Metadata.Labels) {
			kept.Items = append(kept.Items, o)
		}
	}
	return kept, nil
}

// selected adds the services and Endpoints that a selector names to those that
// were named. One that selects nothing is an error, and never means all.
func (a *app) selected(ctx context.Context, selector string, names []string) ([]string, error) {
	if selector == "" {
		return names, nil
	}
	all, err := a.getObjects(ctx, "")
	if err != nil {
		return nil, trouble(hint(err))
	}
	some, err := selection(all, selector)
	if err != nil {
		return nil, err
	}
	found := false
	for _, o := range some.Items {
		if o.Kind == "Service" || o.Kind == "Endpoint" {
			names, found = append(names, o.Kind+"/"+o.Metadata.Name), true
		}
	}
	if !found {
		return nil, &exit{exitUnknown, fmt.Errorf("no service has labels that match -l %s", selector)}
	}
	return names, nil
}
