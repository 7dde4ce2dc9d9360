package read

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Problem is one thing that is wrong with what was read.
type Problem struct {
	Pos     desired.Pos
	Message string
	Warning bool  // what was read can be used all the same
	Trouble error // set where something could not be read at all: no such path, no permission
}

// String is "file:line:col: message", with "warning: " before the message of
// a warning.
func (p Problem) String() string {
	at := p.Pos.String()
	if at != "" {
		at += ": "
	}
	if p.Warning {
		at += "warning: "
	}
	return at + p.Message
}

// Problems are in the order of file, line and column.
type Problems []Problem

// String is one line for each.
func (p Problems) String() string {
	var b strings.Builder
	for _, one := range p {
		b.WriteString(one.String() + "\n")
	}
	return b.String()
}

// Errors are those that are not warnings.
func (p Problems) Errors() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(one Problem) bool { return one.Warning })
}

// Warnings are those that are.
func (p Problems) Warnings() Problems {
	return slices.DeleteFunc(slices.Clone(p), func(one Problem) bool { return !one.Warning })
}

// Texts are the problems, each as String says it.
func (p Problems) Texts() []string {
	var out []string
	for _, one := range p {
		out = append(out, one.String())
	}
	return out
}

// With adds problems of places of which none is known yet.
func (p Problems) With(more Problems) Problems {
	all := slices.Clone(p)
	for _, m := range more {
		if !slices.ContainsFunc(p, func(o Problem) bool { return o.Pos.File == m.Pos.File && o.Pos.Line == m.Pos.Line }) {
			all = append(all, m)
		}
	}
	return tidy(all)
}

// Err is nil if there are only warnings, a *Trouble if something could not be
// read at all, and an *Invalid if what was read is wrong.
func (p Problems) Err() error {
	bad := p.Errors()
	if len(bad) == 0 {
		return nil
	}
	for _, one := range bad {
		if one.Trouble != nil {
			return &Trouble{bad}
		}
	}
	return &Invalid{bad}
}

// Invalid says that what was read is wrong: content, not circumstances.
type Invalid struct{ Problems Problems }

func (e *Invalid) Error() string { return summary(e.Problems) }

// Trouble says that something could not be read at all. errors.Is finds the
// causes, such as fs.ErrNotExist.
type Trouble struct{ Problems Problems }

func (e *Trouble) Error() string { return summary(e.Problems) }

// Unwrap lists the causes.
func (e *Trouble) Unwrap() []error {
	var all []error
	for _, p := range e.Problems {
		if p.Trouble != nil {
			all = append(all, p.Trouble)
		}
	}
	return all
}

// ErrNoYAML is the cause where a folder holds nothing to read.
var ErrNoYAML = errors.New("no YAML files")

func summary(p Problems) string {
	if len(p) == 1 {
		return p[0].String()
	}
	return fmt.Sprintf("%s (and %d more errors)", p[0], len(p)-1)
}

// tidy sorts problems and drops those that say the same again.
func tidy(p Problems) Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.Pos.File, b.Pos.File), a.Pos.Line-b.Pos.Line, a.Pos.Col-b.Pos.Col,
			strings.Compare(a.Message, b.Message))
	})
	p = slices.CompactFunc(p, func(a, b Problem) bool { return a.Pos == b.Pos && a.Message == b.Message && a.Warning == b.Warning })
	if len(p) <= maxShown {
		return p
	}
	return first(p)
}

// first keeps as many problems as anybody reads, errors before warnings.
func first(p Problems) Problems {
	kept := p.Errors()
	left := max(0, maxShown-len(kept))
	warnings := p.Warnings()
	kept = append(kept[:min(len(kept), maxShown)], warnings[:min(len(warnings), left)]...)
	rest := Problem{Message: fmt.Sprintf("and %d more", len(p)-len(kept)), Warning: p.Err() == nil}
	return append(slices.Clip(tidy(kept)), rest)
}

// because says in plain words why a file could not be had.
func because(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file or folder"
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read it"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
