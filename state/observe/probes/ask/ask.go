package ask

import (
	"context"
	"log/slog"

	"github.com/pakashop/evenkeel/desired"
)

// Options are the parts of an Asker; the zero value has no secrets.
type Options struct {
	Secret func(context.Context, desired.Secret) (string, error) // nil: no value can be had
	Log    *slog.Logger                                          // nil: nothing is logged
}

// Asker asks in every way that can be declared. It is safe for concurrent use.
type Asker struct{ opt Options }

// New returns an Asker.
func New(o Options) *Asker { return &Asker{o} }

// Ask takes one sample of a probe, until ctx ends at the latest.
func (a *Asker) Ask(ctx context.Context, p desired.Probing) Sample { return unknown("not yet") }
