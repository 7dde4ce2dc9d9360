// Package api is the controller's door: a unix socket on which the command
// line, and whoever may, asks how things stand and what was done.
//
// It renders with report and asks the controller through one small interface.
// Who asks is known by the socket's peer credentials, never by what they say.
package api

import (
	"context"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// View is how things stand at one moment. What it points to is never changed
// afterwards.
type View struct {
	Want     *desired.Set `json:"want"`
	Have     state.World  `json:"have"`
	Past     *state.Past  `json:"past"`
	Plan     state.Plan   `json:"plan"`
	Now      state.Time   `json:"now"`
	Invalid  string       `json:"invalid,omitempty"`  // why the newest desired state is not in force
	Warnings []string     `json:"warnings,omitempty"` // of the desired state in force
	Guarding int          `json:"-"`
}

// Backend is what the door opens to.
type Backend interface {
	View(ctx context.Context) (View, error)
	Reload(ctx context.Context) error
	Reconcile()
}
