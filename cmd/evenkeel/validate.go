package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/desired/read"
)

func (a *app) validateCmd() *cobra.Command {
	var effective bool
	cmd := &cobra.Command{
		Use:     "validate PATH...",
		Short:   "Check desired state, offline: every error at once",
		Example: "  evenkeel validate examples/pakashop\n  evenkeel validate --effective --environment staging deploy/",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.validate(cmd.Context(), args, effective)
		},
	}
	cmd.Flags().BoolVar(&effective, "effective", false, "print every object with its effective values and where each comes from")
	return cmd
}

func (a *app) validate(ctx context.Context, paths []string, effective bool) error {
	set, problems, err := a.load(paths, effective)
	if err != nil {
		return err
	}
	if set != nil {
		vctx, cancel := context.WithTimeout(ctx, time.Minute)
		problems = append(problems, read.VerifyUnits(vctx, set)...)
		cancel()
	}
	for _, p := range problems {
		a.say("%s", p)
	}
	var t *read.Trouble
	switch err := problems.Err(); {
	case errors.As(err, &t):
		return &exit{code: exitTrouble}
	case err != nil:
		return &exit{code: exitDiffers}
	}
	if effective {
		b, err := read.Effective(set.Objects)
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(b)
		return err
	}
	fmt.Fprintf(a.stdout, "valid: %d objects, %d services on this host, revision %s\n", len(set.Objects), len(set.Services), set.Revision)
	return nil
}
