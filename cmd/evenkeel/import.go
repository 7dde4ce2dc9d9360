package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/desired/read"
)

func (a *app) importCmd() *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import [UNIT...|--all] -o DIR",
		Short: "Write live units of this host down as desired state, and touch nothing",
		Long: `Write Service YAML, unit files and drop-ins of live units into a new folder. It
says what is: compared with this host, the folder shows no difference. Files of
packages, of generators and of systemctl set-property are referred to, not copied.

A unit is named with or without .service, by an alias, or by a glob. --all takes
what somebody changed on this host, what is enabled and what runs, without the
protected set and without what belongs to systemd itself.

What it finds that invites trouble is told, the worst first.

Exit code 0: done. 1: something could not be expressed, and is named. 2: trouble.
4: no such unit.`,
		Example: "  sudo evenkeel import --all -o desired/\n  evenkeel import nginx 'pakashop-*' postgresql@15-main -o desired/\n  evenkeel diff -f desired/",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.importUnits(cmd.Context(), o, args) },
	}
	cmd.Flags().StringVarP(&o.dir, "dir", "o", "", "the folder to write; it must be new or empty")
	cmd.Flags().BoolVar(&o.all, "all", false, "all units that an administrator cares for")
	return cmd
}

type importOptions struct {
	dir string
	all bool
}

func (o importOptions) check(names []string) error {
	switch {
	case o.all && len(names) > 0:
		return errors.New("name units or say --all, not both")
	case !o.all && len(names) == 0:
		return errors.New("name the units to import, or say --all")
	case o.dir == "":
		return errors.New("say where to write: -o DIR")
	}
	return nil
}

// importUnits reads, chooses, writes beside DIR, compares what it wrote with the
// host, and only then puts it in place.
func (a *app) importUnits(ctx context.Context, o importOptions, names []string) error {
	if err := o.check(names); err != nil {
		return trouble(fmt.Errorf("%w; see evenkeel import --help", err))
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return trouble(err)
	}
	if err := mayWrite(dir); err != nil {
		return trouble(err)
	}
	policy, _, err := a.hostPolicy()
	if err != nil {
		return err
	}
	parts, err := a.connect(ctx, logger(a.stderr), reach{})
	if err != nil {
		return err
	}
	defer parts.Close()
	host, err := readHost(ctx, parts, names)
	if err != nil {
		return trouble(err)
	}
	choice := adopt.All(host, policy)
	if !o.all {
		choice = adopt.Named(host, names, policy)
	}
	if len(choice.Unknown) > 0 {
		return &exit{exitUnknown, fmt.Errorf("there is no unit %s on this host; see: systemctl list-unit-files", strings.Join(choice.Unknown, ", "))}
	}
	if len(choice.Units) == 0 {
		a.tellImport(choice, adopt.Folder{}, nil)
		return &exit{exitDiffers, errors.New("there is nothing to write")}
	}
	judge(ctx, host, choice.Units)
	draft, err := newDraft(dir)
	if err != nil {
		return trouble(err)
	}
	defer draft.discard()
	folder, err := a.writeDraft(ctx, draft, host, choice.Units, parts.observer)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return trouble(fmt.Errorf("interrupted, so nothing was written: %w", err))
	}
	if err := draft.place(folder); err != nil {
		return trouble(err)
	}
	a.tellImport(choice, folder, adopt.Lint(host, choice.Units))
	fmt.Fprintf(a.stdout, "wrote %s to %s\n", countFolder(folder), o.dir)
	if len(choice.Refused)+len(folder.Lost) > 0 {
		return &exit{code: exitDiffers}
	}
	return nil
}

// writeDraft makes the folder and holds it against validate and diff. Files that
// would make it invalid are referred to in a second try.
func (a *app) writeDraft(ctx context.Context, d *draft, host *adopt.Host, units []string, o eyes) (adopt.Folder, error) {
	schema, err := read.Schema()
	if err != nil {
		return adopt.Folder{}, err
	}
	refer := map[string]string{}
	for range 3 {
		folder, err := adopt.Make(host, units, adopt.Options{Print: read.Effective, Schema: schema, Refer: refer})
		if err != nil {
			return folder, err
		}
		if err := d.write(folder.Files); err != nil {
			return folder, trouble(err)
		}
		set, problems, err := a.checkDraft(ctx, d)
		if err != nil {
			return folder, err
		}
		before := len(refer)
		for _, p := range problems.Errors() {
			for _, u := range folder.Units(d.inside(p.Pos.File)) {
				refer[u] = p.Message
			}
		}
		if problems.Err() == nil {
			folder.Lost = append(folder.Lost, differences(ctx, set, o, folder.Lost)...)
			return folder, nil
		}
		if len(refer) == before {
			return folder, trouble(fmt.Errorf("what would be written is not valid, so nothing was: %w", problems.Err()))
		}
	}
	return adopt.Folder{}, trouble(errors.New("what would be written does not become valid, so nothing was written"))
}

// tellImport says on stderr what a human should know, the worst at the end,
// where it is read.
func (a *app) tellImport(c adopt.Choice, f adopt.Folder, found []adopt.Finding) {
	for _, l := range c.Left {
		if len(l.Units) > maxListed {
			a.say("left out, %s: %d units", l.Why, len(l.Units))
			continue
		}
		a.say("left out, %s: %s", l.Why, strings.Join(l.Units, ", "))
	}
	for _, n := range f.Notes {
		a.say("note: %s", n)
	}
	for _, one := range found {
		a.say("finding: %s", one)
	}
	for _, n := range append(c.Refused, f.Lost...) {
		a.say("not expressed: %s", n)
	}
	switch n := len(found); {
	case n > 3:
		a.say("%d services invite trouble; the three worst:", n)
	case n > 0:
		a.say("what invites trouble, in short:")
	}
	for i, one := range found[:min(3, len(found))] {
		a.say("  %d. %s", i+1, one)
	}
}

// maxListed is how many units are named in one line.
const maxListed = 80

func countFolder(f adopt.Folder) string {
	var out []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{f.Services, "service", "services"},
		{f.Defaults, "Defaults", "Defaults"},
		{f.UnitFiles, "unit file", "unit files"},
		{f.DropIns, "drop-in", "drop-ins"},
	} {
		switch c.n {
		case 0:
		case 1:
			out = append(out, "1 "+c.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	return strings.Join(out, ", ")
}
