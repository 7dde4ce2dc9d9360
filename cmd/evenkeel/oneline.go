package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pakashop/evenkeel/controller/api"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired/read"
)

// oneLineWait is how long a prompt or a login waits for the controller.
const oneLineWait = time.Second

// oneLine asks the controller and nobody else: a prompt must not look at a
// whole host, and it must have its line whatever happens.
func (a *app) oneLine(ctx context.Context, o statusOptions, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, oneLineWait)
	defer cancel()
	b, err := api.NewClient(a.socket).Status(ctx)
	if err != nil {
		says := "does not answer"
		if errors.Is(err, api.ErrNone) {
			says = "not running"
		}
		fmt.Fprint(a.stdout, report.OneLineTrouble(a.style(), a.hostName(), says))
		return &exit{code: exitTrouble}
	}
	if names, err = a.selected(ctx, o.selector, names); err != nil {
		return err
	}
	if b, err = only(b, names); err != nil {
		return err
	}
	if err := a.printBoard(b, o.form); err != nil {
		return err
	}
	return failing(b, o.failOn)
}

// hostName is the name that policy gives this host, or else its own. A policy
// that cannot be read is no trouble here.
func (a *app) hostName() string {
	if p, problems := read.Policy(a.policy); problems.Err() == nil && p.Host.Name != "" {
		return p.Host.Name
	}
	name, _ := os.Hostname()
	return name
}
