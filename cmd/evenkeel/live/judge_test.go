package live_test

import (
	"context"
	"errors"
	"os"

	"github.com/pakashop/evenkeel/controller/audit/recorded"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state/record"
)

// judge audits the record that a test leaves on its host, beside what it has
// declared: what evenkeel promises of any history it keeps on real hosts, too.
func (b box) judge() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = b.host.Command(ctx, "systemctl", "stop", "evenkeel").Run() // where it runs
	dir := b.host.Root() + "/var/lib/evenkeel"
	b.until("the record can be read", func() string {
		err := recorded.Judge(dir, b.declared)
		switch {
		case errors.Is(err, record.ErrLocked):
			return err.Error()
		case err != nil && !errors.Is(err, os.ErrPermission):
			b.Error(err)
		}
		return ""
	})
}

// inForce remembers what is declared from now on.
func (b box) inForce() {
	o := read.Options{Policy: desired.BuiltInPolicy()}
	if p, problems := read.Policy(b.host.Root() + policyFile); problems.Err() == nil {
		o.Policy = p
	}
	b.declared.Load(b.host.Root()+desiredDir, o)
}
