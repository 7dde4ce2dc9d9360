package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/controller/webhook"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state/observe/outside"
	"github.com/pakashop/evenkeel/state/observe/probes/ask"
)

// probeForms are the forms of what an outsider sees.
var probeForms = []string{"text", "junit", "json", "markdown"}

func (a *app) probeCmd() *cobra.Command {
	var o probeOptions
	cmd := &cobra.Command{
		Use:   "probe --from outside [OBJECT...]",
		Short: "Ask public URLs how they are, as an outsider would",
		Long: `Ask the public URL of each Service (annotation evenkeel.dev/url) and of each
Endpoint how it is, with no evenkeel at the other end: no host, no policy, no
root, no record. What is expected is what the probes of the Service expect.

A failure is tried again before it counts. When something fails, a webhook is told
(POST of JSON with "text", as Slack takes it); give its URL in EVENKEEL_WEBHOOK,
where it is seen by fewer than on a command line.

Exit code 0: all is well (also where a certificate is about to expire). 3:
something fails. 4: unknown object. 2: trouble, or there is nothing to ask.`,
		Example: `  evenkeel probe --from outside -f deploy/ --environment production
  evenkeel probe --from outside pakashop-gateway Endpoint/pawapay
  evenkeel probe --from outside --write junit=outside.xml -o markdown >> "$GITHUB_STEP_SUMMARY"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("retries") {
				o.retries = outside.Declared
			} else if o.retries < 0 {
				return trouble(fmt.Errorf("--retries %d: want 0 or more", o.retries))
			}
			return a.probe(cmd.Context(), o, args)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	a.fileFlag(cmd)
	selectorFlag(cmd, &o.selector)
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "from where: outside")
	f.IntVar(&o.retries, "retries", 2, "how often a failure is tried again, two seconds later, before it counts (a larger failureThreshold of a probe counts unless this is given)")
	f.DurationVar(&o.timeout, "timeout", 0, "how long an answer may take (default: each probe's timeoutSeconds)")
	f.StringVar(&o.webhook, "webhook", "", "the URL that is told when something fails")
	f.StringArrayVar(&o.write, "write", nil, "FORM=FILE: write another form as well; may be repeated")
	output(cmd, &o.form, probeForms...)
	return cmd
}

type probeOptions struct {
	from, selector, webhook, form string
	retries                       int
	timeout                       time.Duration
	write                         []string
}

// beforeRetry is how long a blip may last.
const beforeRetry = 2 * time.Second

func (o probeOptions) check() error {
	switch {
	case o.from != "outside":
		return errors.New("say --from outside: it is the one place to ask from that needs no host")
	case o.timeout < 0:
		return fmt.Errorf("--timeout %v: want more than 0s", o.timeout)
	}
	for _, w := range o.write {
		form, file, _ := strings.Cut(w, "=")
		if file == "" || !slices.Contains(probeForms, form) {
			return fmt.Errorf("--write %s: write FORM=FILE, FORM one of %s", w, strings.Join(probeForms, ", "))
		}
	}
	if o.webhook != "" {
		return webhook.Check(o.webhook)
	}
	return nil
}

func (a *app) probe(ctx context.Context, o probeOptions, names []string) error {
	if err := o.check(); err != nil {
		return trouble(err)
	}
	objects, err := a.publicObjects(o.selector, names)
	if err != nil {
		return err
	}
	var probings []desired.Probing
	var skipped []desired.Public
	for _, p := range objects {
		if len(p.Probes) == 0 {
			skipped = append(skipped, p)
		}
		probings = append(probings, p.Probes...)
	}
	if len(probings) == 0 {
		return trouble(fmt.Errorf("there is nothing to ask; %s: %s", skipped[0].Object(), skipped[0].Why))
	}
	began := time.Now()
	answers := outside.Look(ctx, probings, outside.Options{Retries: o.retries, Pause: beforeRetry, Timeout: o.timeout, Ask: ask.New(ask.Options{}).Ask})
	if ctx.Err() != nil {
		return trouble(errors.New("interrupted before everything was asked"))
	}
	return a.tellOutside(ctx, o, report.NewOutside(a.environment, began, time.Since(began), answered(answers), skipped))
}

// publicObjects reads desired state, for no host, and chooses of it.
func (a *app) publicObjects(selector string, names []string) ([]desired.Public, error) {
	paths := a.defaultPaths()
	set, problems := read.Load(paths, read.Options{Environment: a.environment, Policy: desired.BuiltInPolicy()})
	for _, one := range problems.Errors() {
		a.say("%s", one)
	}
	if problems.Err() != nil {
		return nil, trouble(fmt.Errorf("%s cannot be used; nothing was asked", many(len(problems.Errors()), "the desired state", paths)))
	}
	all, err := set.Public()
	if err != nil {
		return nil, trouble(fmt.Errorf("%w%s", err, chooseOne(set)))
	}
	if len(all) == 0 {
		return nil, trouble(errors.New("there is nothing to ask: no Service and no Endpoint is declared"))
	}
	return chosen(all, selector, names)
}

// chooseOne says how to choose one of the environments.
func chooseOne(set *desired.Set) string {
	var names []string
	for _, o := range set.Objects {
		if o.Kind == "Environment" {
			names = append(names, o.Metadata.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; choose one with --environment: " + strings.Join(names, ", ")
}

// chosen are the objects that are named or selected; all of them, if none is. One
// that does not exist is an error, and so is a selector that selects nothing.
func chosen(all []desired.Public, selector string, names []string) ([]desired.Public, error) {
	if selector == "" && len(names) == 0 {
		return all, nil
	}
	keep := map[string]bool{}
	for _, n := range names {
		i := slices.IndexFunc(all, func(p desired.Public) bool { return p.Object() == objectName(n) })
		if i < 0 && !strings.Contains(n, "/") {
			i = slices.IndexFunc(all, func(p desired.Public) bool { return p.Object() == "Endpoint/"+n })
		}
		if i < 0 {
			return nil, &exit{exitUnknown, fmt.Errorf("unknown object %s%s", n, nearPublic(all, n))}
		}
		keep[all[i].Object()] = true
	}
	if selector != "" {
		matchers, err := desired.ParseMatchers(selector)
		if err != nil {
			return nil, trouble(fmt.Errorf("-l %s: %w", selector, err))
		}
		some := false
		for _, p := range all {
			if desired.MatchAll(matchers, p.Labels) {
				keep[p.Object()], some = true, true
			}
		}
		if !some {
			return nil, &exit{exitUnknown, fmt.Errorf("no service has labels that match -l %s", selector)}
		}
	}
	return slices.DeleteFunc(all, func(p desired.Public) bool { return !keep[p.Object()] }), nil
}

// nearPublic names an object that was perhaps meant.
func nearPublic(all []desired.Public, name string) string {
	var names []string
	for _, p := range all {
		names = append(names, p.Name, p.Object())
	}
	if near := desired.Nearest(name, names); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// answered are answers as a report takes them.
func answered(all []outside.Asked) []report.Answer {
	var out []report.Answer
	for _, a := range all {
		out = append(out, report.Answer{
			Probing: a.Probing, Class: a.Class, Detail: a.Detail, Err: a.Err, Untrusted: a.Untrusted, Says: a.Says,
			Expires: a.Expires, Tries: a.Tries, Took: a.Took,
		})
	}
	return out
}

// tellOutside prints a report, writes its other forms, and tells the webhook if
// something fails. That one of these does not work keeps none of the others back.
func (a *app) tellOutside(ctx context.Context, o probeOptions, r report.Outside) error {
	b, err := a.outsideForm(r, o.form)
	if err == nil {
		_, err = a.stdout.Write(b)
	}
	for _, w := range o.write {
		form, file, _ := strings.Cut(w, "=")
		b, e := a.outsideForm(r, form)
		if e == nil {
			e = os.WriteFile(file, b, 0o644)
		}
		err = errors.Join(err, e)
	}
	if alarm, ok := r.Alarm(); ok && o.webhook != "" {
		if e := webhook.Post(ctx, o.webhook, alarm); e != nil {
			a.say("evenkeel: %v", e)
		}
	}
	if r.Blind() {
		a.say("evenkeel: nothing at all could be reached from here; perhaps it is this machine that has no network")
	}
	switch {
	case !r.Healthy && err != nil:
		return &exit{exitFail, err}
	case !r.Healthy:
		return &exit{code: exitFail}
	case err != nil:
		return trouble(err)
	}
	return nil
}

func (a *app) outsideForm(r report.Outside, form string) ([]byte, error) {
	switch form {
	case "json":
		return report.JSON(r)
	case "junit":
		return r.JUnit()
	case "markdown":
		return []byte(r.Markdown()), nil
	}
	return []byte(r.Text(a.style())), nil
}
