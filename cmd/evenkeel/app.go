package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired/sealed"
)

// version is set by the linker.
var version = "devel"

// Where things lie unless a flag says otherwise.
const (
	defaultDesired = "/etc/evenkeel/desired"
	defaultPolicy  = "/etc/evenkeel/policy.yaml"
	defaultState   = "/var/lib/evenkeel"
	defaultRuntime = "/run/evenkeel"
	defaultSocket  = defaultRuntime + "/evenkeel.sock"
)

// app is what every verb shares: the streams and the global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer

	paths       []string // -f
	policy      string
	environment string
	mode        string
	socket      string
	stateDir    string
	noColor     bool

	names func() (*sealed.Names, error) // how what is decrypted on this host is called
}

func newApp(stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	a.names = sync.OnceValues(func() (*sealed.Names, error) { return sealed.Open(a.stateDir) })
	return a
}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evenkeel",
		Short: "Keeps hosts that run systemd services as they are declared",
		Long: `evenkeel compares what is declared in YAML with what is true on a host that
runs systemd services, plans the difference, acts, and records what it did.

  evenkeel diff -f DIR      what it would do; touches nothing
  evenkeel apply -f DIR     do it once
  evenkeel run -f DIR       keep it so
  evenkeel status           how things stand
  evenkeel history          what was done, and why
  evenkeel why SERVICE      why something is done about it, or not
  evenkeel graph            what rests on what, and what comes first`,
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{HiddenDefaultCmd: true, DisableDefaultCmd: true},
		PersistentPreRunE:          func(cmd *cobra.Command, _ []string) error { return twins(cmd.Flags()) },
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return trouble(unknownVerb(cmd, args[0]))
		},
	}
	cmd.SetOut(a.stdout)
	cmd.SetErr(a.stderr)
	f := cmd.PersistentFlags()
	f.StringVar(&a.policy, "policy", defaultPolicy, "the host's policy")
	f.StringVar(&a.environment, "environment", "", "the environment whose overlay applies (default: the one that policy names)")
	f.StringVar(&a.mode, "mode", "", "observe or enforce: narrows what policy allows, never widens it")
	f.StringVar(&a.socket, "socket", defaultSocket, "the socket of the controller")
	f.StringVar(&a.stateDir, "state-dir", defaultState, "where the record lies")
	f.BoolVar(&a.noColor, "no-color", false, "no colour, also on a terminal (NO_COLOR does the same)")
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return trouble(err) })
	cmd.AddCommand(
		a.validateCmd(), a.diffCmd(), a.applyCmd(), a.runCmd(), a.statusCmd(), a.probeCmd(), a.getCmd(), a.describeCmd(), a.whyCmd(), a.graphCmd(), a.alertsCmd(), a.silenceCmd(), a.historyCmd(), a.reportCmd(),
		a.displacedCmd(), a.logsCmd(), a.schemaCmd(), a.rulesCmd(), a.actuatorsCmd(), a.checkCmd(), a.versionCmd(), a.completionCmd(), a.manCmd(),
		a.startCmd(), a.stopCmd(), a.restartCmd(), a.reloadCmd(), a.suspendCmd(), a.resumeCmd(), a.holdCmd(),
		a.retryCmd(), a.acceptCmd(), a.approveCmd(), a.releaseCmd(), a.reconcileCmd(), a.rollbackCmd(),
		a.rehearseCmd(), a.drillCmd(), a.demoCmd(), a.debugCmd(),
		a.importCmd(), a.installCmd(), a.uninstallCmd(), a.changesCmd(),
	)
	for _, c := range cmd.Commands() {
		quietArgs(c)
	}
	return cmd
}

// quietArgs gives wrong arguments the exit code of wrong usage.
func quietArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return trouble(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		quietArgs(sub)
	}
}

func unknownVerb(cmd *cobra.Command, verb string) error {
	if near := cmd.SuggestionsFor(verb); len(near) > 0 {
		return fmt.Errorf("unknown verb %q; did you mean %s?", verb, strings.Join(near, " or "))
	}
	return fmt.Errorf("unknown verb %q; see evenkeel --help", verb)
}

// twins gives each flag that was not set the value of its EVENKEEL_… variable.
func twins(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "EVENKEEL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := os.LookupEnv(name)
		if !ok || f.Changed || err != nil {
			return
		}
		if e := flags.Set(f.Name, v); e != nil {
			err = trouble(fmt.Errorf("%s=%q: %w", name, v, e))
		}
	})
	return err
}

// fileFlag adds -f to a verb.
func (a *app) fileFlag(cmd *cobra.Command) {
	cmd.Flags().StringSliceVarP(&a.paths, "file", "f", nil, "a YAML file or a folder of them; may be repeated")
}

// output adds -o with the forms that a verb knows, the first being the default.
func output(cmd *cobra.Command, o *string, forms ...string) {
	cmd.Flags().StringVarP(o, "output", "o", forms[0], "one of "+strings.Join(forms, ", "))
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(forms, *o) {
			return trouble(fmt.Errorf("-o %s: there are %s", *o, strings.Join(forms, ", ")))
		}
		return run(cmd, args)
	}
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
}

// style says how to print for people: in colour only on a terminal.
func (a *app) style() report.Style {
	return report.Style{Color: a.colour(a.stdout), Now: time.Now()}
}

func (a *app) colour(w io.Writer) bool {
	if a.noColor || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return terminal(w)
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// print writes a value in one of the forms for machines.
func (a *app) print(form string, v any) error {
	encode := report.JSON
	if form == "yaml" {
		encode = report.YAML
	}
	b, err := encode(v)
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(b)
	return err
}

func (a *app) say(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }
