package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pakashop/evenkeel/controller/install"
	"github.com/pakashop/evenkeel/state/observe/files"
)

func (a *app) installCmd() *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Write what a host needs to be adopted: a policy, the controller's unit",
		Long: `Write a commented policy in mode observe, with the units that were found on this
host; the folder of desired state; the controller's unit; and make the group
evenkeel-op, whose members may change things.

Nothing that exists is overwritten, nothing is enabled, started or reloaded.`,
		Example: "  evenkeel install --print\n  sudo evenkeel install\n  evenkeel install --root /mnt/image",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.install(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.print, "print", false, "print everything and write nothing")
	cmd.Flags().BoolVar(&o.beside, "force", false, "where a file exists, write the new one beside it as NAME.new")
	cmd.Flags().StringVar(&o.root, "root", "/", "write into the file system below this folder, such as a disk image")
	return cmd
}

type installOptions struct {
	print, beside bool
	root          string
}

func (o installOptions) image() bool { return filepath.Clean(o.root) != "/" }

func (a *app) install(ctx context.Context, o installOptions) error {
	program, err := a.programFor(o)
	if err != nil {
		return trouble(err)
	}
	host := a.foundHost(ctx, o)
	all := []install.File{
		{Path: install.PolicyPath, Content: install.Policy(host)},
		{Path: install.UnitPath, Content: install.UnitFile(program)},
	}
	if o.print {
		for _, f := range all {
			fmt.Fprintf(a.stdout, "-- %s --\n%s\n", f.Path, f.Content)
		}
		fmt.Fprintf(a.stdout, "-- %s/ --\n-- group %s --\n", install.DesiredDir, operators)
		return nil
	}
	placed, err := install.Place(o.root, all, o.beside)
	for _, p := range placed {
		a.sayPlaced(o, p)
	}
	if err != nil {
		return trouble(hint(err))
	}
	if err := a.installGroup(ctx, o); err != nil {
		return trouble(err)
	}
	a.sayNext(o)
	return nil
}

func (a *app) installGroup(ctx context.Context, o installOptions) error {
	if o.image() && !exists(filepath.Join(o.root, "etc/group")) {
		a.say("%s has no etc/group yet; there, make the group %s", o.root, operators)
		return nil
	}
	made, err := ensureGroup(ctx, o.root, operators)
	if err != nil || !made {
		return err
	}
	fmt.Fprintf(a.stdout, "%-10s group %s\n", install.Made, operators)
	return install.NoteGroup(o.root, operators)
}

func (a *app) sayPlaced(o installOptions, p install.Placed) {
	rest := ""
	if p.Did == install.Exists {
		rest = "; it stays as it is"
		if !o.beside {
			rest += " (--force writes " + filepath.Base(p.Path) + ".new beside it)"
		}
	}
	fmt.Fprintf(a.stdout, "%-10s %s%s\n", p.Did, filepath.Join(o.root, p.Path), rest)
}

func (a *app) sayNext(o installOptions) {
	if o.image() {
		fmt.Fprintf(a.stdout, "\nNothing is enabled. To start it with the host:\n  systemctl --root=%s enable evenkeel\n", o.root)
		return
	}
	fmt.Fprintf(a.stdout, `
Nothing is enabled, and nothing runs. Once %s holds desired state
(the policy only observes until its mode says enforce):
  systemctl daemon-reload
  systemctl enable --now evenkeel
`, install.DesiredDir)
}

// programFor is the path of this program as the unit names it.
func (a *app) programFor(o installOptions) (string, error) {
	exe, err := os.Executable()
	if err == nil {
		exe, err = filepath.EvalSymlinks(exe)
	}
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	if o.image() {
		root, err := filepath.Abs(o.root)
		if err != nil {
			return "", err
		}
		if below, ok := strings.CutPrefix(exe, root); ok {
			return below, nil
		}
		if !exists(filepath.Join(root, exe)) {
			a.say("the unit runs %s, which the image does not hold; copy the program there", exe)
		}
		return exe, nil
	}
	if who := install.Changeable(exe); who != "" {
		a.say("the unit runs %s as root, and others than root can change %s; copy the program to /usr/local/bin and install from there", exe, who)
	}
	return exe, nil
}

// foundHost looks for what the policy can be made of. Where no systemd answers,
// or in an image, the files on disk must do.
func (a *app) foundHost(ctx context.Context, o installOptions) install.Host {
	var live []install.Unit
	enabled := install.EnabledUnits(o.root)
	h := install.Host{}
	if !o.image() {
		h.Name, _ = os.Hostname()
		var err error
		if live, enabled, err = a.liveUnits(ctx); err != nil {
			a.say("the units are those on disk, because systemd does not say which live: %v", err)
			enabled = install.EnabledUnits(o.root)
		}
	}
	h.Units = install.Candidates(install.Merge(live, install.OwnUnits(o.root), enabled))
	return h
}

// liveUnits asks systemd what is loaded, and which of that is started at boot.
func (a *app) liveUnits(ctx context.Context) (live []install.Unit, enabled []string, err error) {
	p, err := a.connect(ctx, quietly(logger(a.stderr)), reach{lean: true})
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	loaded, err := p.conn.ListUnits(ctx)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, u := range loaded {
		if u.Load == "loaded" && u.Active != "inactive" {
			live = append(live, install.Unit{Name: u.Name, Description: u.Description, Live: true})
			names = append(names, u.Name)
		}
	}
	boot, err := files.NewLinks("/").Boot(names)
	if err != nil {
		return nil, nil, err
	}
	for name, word := range boot {
		if slices.Contains([]string{"enabled", "enabled-runtime", "alias", "linked", "linked-runtime", "generated"}, word) {
			enabled = append(enabled, name)
		}
	}
	if len(live) == 0 {
		return nil, nil, errors.New("it lists no unit that runs")
	}
	return live, enabled, nil
}
