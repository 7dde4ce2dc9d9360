package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/rules"
	"github.com/pakashop/evenkeel/desired/rules/ruletest"
)

// maxRuleFile bounds what is read at once.
const maxRuleFile = 16 << 20

func (a *app) rulesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules check|test|backtest FILE...",
		Short: "Check alert rules, run their unit tests, and recorded alerts through runbooks",
		Long: `Of check and test the files are Prometheus' own, as promtool reads them, or hold
AlertRules objects; the exit code is 0 where all is well and else 1, as promtool's.
Those of backtest hold Runbooks.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(*cobra.Command, []string) error {
			return trouble(errors.New("there are: rules check, rules test and rules backtest, with one or more files"))
		},
	}
	cmd.AddCommand(a.rulesCheckCmd(), a.rulesTestCmd(), a.rulesBacktestCmd())
	return cmd
}

func (a *app) rulesCheckCmd() *cobra.Command {
	var form string
	cmd := &cobra.Command{
		Use:     "check FILE...",
		Short:   "Check files of rules as Prometheus does: every error with its place",
		Long:    "Check files of rules as Prometheus does, and the expressions of Runbook objects: every\nerror with its place. A verify that cannot fail is warned of.",
		Example: "  evenkeel rules check rules/*.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.rulesCheck(args, form) },
	}
	output(cmd, &form, "text", "json")
	return cmd
}

func (a *app) rulesTestCmd() *cobra.Command {
	var form string
	var match []string
	cmd := &cobra.Command{
		Use:     "test FILE...",
		Short:   "Run unit tests of rules: promtool's files",
		Example: "  evenkeel rules test rules/tests/*.yml\n  evenkeel rules test --run payment tests.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.rulesTest(cmd.Context(), args, match, form)
		},
	}
	cmd.Flags().StringArrayVar(&match, "run", nil, "only tests whose name matches a regular expression; may be repeated")
	output(cmd, &form, "text", "json")
	return cmd
}

// checkedRules is what was found in one file.
type checkedRules struct {
	File     string         `json:"file"`
	OK       bool           `json:"ok"`
	Rules    int            `json:"rules"`
	Errors   []checkedPlace `json:"errors"`
	Warnings []checkedPlace `json:"warnings"`
}

type checkedPlace struct {
	Line    int    `json:"line"`
	Col     int    `json:"col"`
	Message string `json:"message"`
}

func (p checkedPlace) at(file string) string {
	return desired.Pos{File: file, Line: p.Line, Col: p.Col}.String()
}

func (a *app) rulesCheck(files []string, form string) error {
	all, bad := make([]checkedRules, 0, len(files)), false
	for _, name := range files {
		one := checkRules(name)
		all, bad = append(all, one), bad || !one.OK
	}
	if form == "json" {
		if err := a.print(form, map[string]any{"files": all}); err != nil {
			return err
		}
	} else {
		a.showChecked(all)
	}
	if bad {
		return &exit{code: exitDiffers}
	}
	return nil
}

func (a *app) showChecked(all []checkedRules) {
	for _, one := range all {
		for _, p := range one.Errors {
			a.say("%s: %s", p.at(one.File), p.Message)
		}
		for _, p := range one.Warnings {
			a.say("%s: warning: %s", p.at(one.File), p.Message)
		}
		if one.OK {
			fmt.Fprintf(a.stdout, "valid: %s, rules: %d\n", one.File, one.Rules)
		}
	}
}

// checkRules checks one file. What only evenkeel refuses is a warning where the file is
// Prometheus' own.
func checkRules(name string) checkedRules {
	one := checkedRules{File: name, Errors: []checkedPlace{}, Warnings: []checkedPlace{}}
	fail := func(err error) checkedRules {
		one.Errors = append(one.Errors, checkedPlace{Message: err.Error()})
		return one
	}
	text, err := readRules(name)
	if err != nil {
		return fail(err)
	}
	sources, err := rules.Sources(text)
	if err != nil {
		return fail(err)
	}
	for _, s := range sources {
		below := ""
		if s.Name != "" {
			below = "spec."
		}
		file, faults := s.Check()
		one.Rules += file.Rules
		for _, f := range faults {
			p := checkedPlace{f.FileLine, f.FileCol, f.Text(below)}
			switch {
			case f.Warning:
				one.Warnings = append(one.Warnings, p)
			case f.Bound && s.Name == "":
				p.Message += "; Prometheus would take it"
				one.Warnings = append(one.Warnings, p)
			default:
				one.Errors = append(one.Errors, p)
			}
		}
	}
	_, books := rules.Runbooks(text)
	for _, f := range books {
		p := checkedPlace{f.FileLine, f.FileCol, f.Text("")}
		if f.Warning {
			one.Warnings = append(one.Warnings, p)
		} else {
			one.Errors = append(one.Errors, p)
		}
	}
	one.OK = len(one.Errors) == 0
	return one
}

func readRules(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if info.IsDir() || info.Size() > maxRuleFile {
		return nil, errors.New("want a file of at most 16 MiB")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	return text, nil
}

func (a *app) rulesTest(ctx context.Context, files, match []string, form string) error {
	var only *regexp.Regexp
	if len(match) > 0 {
		var err error
		if only, err = regexp.Compile(strings.Join(match, "|")); err != nil {
			return trouble(fmt.Errorf("--run: %w", err))
		}
	}
	all, bad := make([]ruletest.Result, 0, len(files)), false
	for _, name := range files {
		one := ruletest.Run(ctx, name, only)
		all, bad = append(all, one), bad || !one.OK
		if form == "text" {
			a.showTested(one)
		}
	}
	if form == "json" {
		if err := a.print(form, map[string]any{"files": all}); err != nil {
			return err
		}
	}
	if bad {
		return &exit{code: exitDiffers}
	}
	return nil
}

func (a *app) showTested(r ruletest.Result) {
	for _, w := range r.Warnings {
		a.say("%s: warning: %s", r.File, w)
	}
	for _, e := range r.Errors {
		a.say("%s: %s", r.File, e)
	}
	failed := 0
	for _, t := range r.Tests {
		for _, e := range t.Errors {
			a.say("%s: %s: %s", r.File, t.Name, e)
		}
		if !t.OK {
			failed++
		}
	}
	word := "ok"
	if !r.OK {
		word = "FAILED"
	}
	fmt.Fprintf(a.stdout, "%s: %s, passed: %d of %d\n", word, r.File, len(r.Tests)-failed, len(r.Tests))
}
