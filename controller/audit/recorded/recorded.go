// Package recorded has the records of real hosts audited: it reads one from its
// folder, beside what was declared meanwhile. It is a helper of tests, and reaches
// no product.
package recorded

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/pakashop/evenkeel/controller/audit"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state/record"
)

// Declared remembers what was declared on a host, by revision. The zero value has
// nothing to remember yet; nil never will.
type Declared struct {
	All  bool // everything was loaded: that a revision is not known is an error
	sets map[string]*desired.Set
}

// Load reads desired state that is in force from now on, with the policy beside it.
// What is not valid never is.
func (d *Declared) Load(folder string, o read.Options) {
	set, problems := read.Load([]string{folder}, o)
	if d == nil || problems.Err() != nil {
		return
	}
	if d.sets == nil {
		d.sets = make(map[string]*desired.Set)
	}
	revision := set.Revision
	if old, ok := d.sets[revision]; ok && (old == nil || !reflect.DeepEqual(old.Policy, set.Policy)) {
		set = nil // policy changed meanwhile: which of the two was in force nobody knows
	}
	d.sets[revision] = set
}

// At is what was declared at a revision; nil: that is not known.
func (d *Declared) At(revision string) *desired.Set {
	if d == nil {
		return nil
	}
	return d.sets[revision]
}

// Judge audits the record in a folder. One that is not believed, as where a test
// has damaged it, proves nothing, and neither does one whose beginning was
// dropped. record.ErrLocked: evenkeel is still at it.
func Judge(dir string, d *Declared) error {
	s, err := record.OpenReadOnly(dir)
	if errors.Is(err, record.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if s.Distrust() != "" {
		return nil
	}
	entries, err := s.Entries()
	if err != nil || len(entries) == 0 || entries[0].Seq != 1 {
		return err
	}
	for _, e := range entries {
		if d != nil && d.All && e.Intent != nil && d.At(e.Intent.Revision) == nil {
			return fmt.Errorf("judge the record in %s: what was declared at %s is not known", dir, e.Intent.Revision)
		}
	}
	if err := audit.Check(entries, entries[len(entries)-1].At, audit.Options{Want: d.At}); err != nil {
		return fmt.Errorf("the record in %s breaks a promise: %w", dir, err)
	}
	return nil
}
