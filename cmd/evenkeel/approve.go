package main

import (
	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/hand"
)

func (a *app) approveCmd() *cobra.Command {
	f := handFlags{request: hand.Request{Verb: hand.Approve}}
	cmd := &cobra.Command{
		Use:   "approve STEP...",
		Short: "Let steps go that wait for a human",
		Long: `Let steps go that policy wants a human to approve (AwaitingApproval), or that a
new version of evenkeel wants to do (NewVersion): the latter once for all of its
steps. The IDs are in diff, why and describe.`,
		Example: "  evenkeel approve 3f9a1c20b7de",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&f.request.Why, "reason", "", "why, in your own words; it is recorded")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f.request.Names = args
		_, err := a.ask(cmd.Context(), f.request)
		return err
	}
	return cmd
}

func (a *app) acceptCmd() *cobra.Command {
	return a.atOnce(&cobra.Command{
		Use:     "accept SERVICE...",
		Short:   "Accept the foreign drop-ins of services as they are now",
		Long:    "Accept drop-ins that nobody declared, with the content that they have now. A\nchange of it is foreign again; spec.acceptDropIns accepts a name for good.",
		Example: "  evenkeel accept pakashop-backend",
	}, hand.Accept)
}

func (a *app) retryCmd() *cobra.Command {
	return a.atOnce(&cobra.Command{
		Use:     "retry SERVICE...",
		Short:   "Clear what services have spent of their limits, once",
		Long:    "Have the limits and pauses of repairs begin anew for services: evenkeel tries\nagain at once what it had given up (BudgetSpent) or waits to do (Backoff). Where it\nis the host's own budget of disruptive repairs that is used up, the next repair of\neach passes it, once.",
		Example: "  evenkeel retry pakashop-backend",
	}, hand.Retry)
}

func (a *app) releaseCmd() *cobra.Command {
	return a.atOnce(&cobra.Command{
		Use:     "release SERVICE...",
		Short:   "Stop managing services; nothing on the host changes",
		Long:    "Take services out of evenkeel's hands, for good: their units, files and links\nstay as they are, also when they leave the desired state. resume takes them back.",
		Example: "  evenkeel release pakashop-loyalty",
	}, hand.Release)
}

func (a *app) reconcileCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "reconcile",
		Short:   "Have everything looked at again, now",
		Long:    "Have the controller read everything again and plan anew, now. It notices changes\nby itself; this is for whoever does not want to wait for that.",
		Example: "  evenkeel reconcile",
		Args:    cobra.ArbitraryArgs, // services may be named; a look at everything covers them
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := api.NewClient(a.socket).Reconcile(cmd.Context()); err != nil {
				return trouble(hint(err))
			}
			return nil
		},
	}
}
