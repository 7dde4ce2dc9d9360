package apart

import (
	"errors"
	"io/fs"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// fault is an error on its way: its words, and which of the errors that somebody
// asks for (errors.Is) it is.
type fault struct {
	Text string
	Is   []string
}

// known are the errors that somebody asks for, by the name on the way.
var known = []struct {
	name string
	err  error
}{
	{"not exist", fs.ErrNotExist},
	{"permission", fs.ErrPermission},
	{"invalid", fs.ErrInvalid},
	{"no YAML", read.ErrNoYAML},
}

func faultOf(err error) *fault {
	if err == nil {
		return nil
	}
	f := &fault{Text: err.Error()}
	for _, k := range known {
		if errors.Is(err, k.err) {
			f.Is = append(f.Is, k.name)
		}
	}
	return f
}

// error is the fault as it was.
func (f *fault) error() error {
	if f == nil {
		return nil
	}
	e := &carried{text: f.Text}
	for _, k := range known {
		for _, name := range f.Is {
			if name == k.name {
				e.is = append(e.is, k.err)
			}
		}
	}
	return e
}

// carried is an error that was made elsewhere.
type carried struct {
	text string
	is   []error
}

func (c *carried) Error() string   { return c.text }
func (c *carried) Unwrap() []error { return c.is }

// problem is a read.Problem on its way.
type problem struct {
	Pos     desired.Pos
	Message string
	Warning bool
	Trouble *fault
}

func problemsOf(all read.Problems) []problem {
	var out []problem
	for _, p := range all {
		out = append(out, problem{p.Pos, p.Message, p.Warning, faultOf(p.Trouble)})
	}
	return out
}

func toProblems(all []problem) read.Problems {
	var out read.Problems
	for _, p := range all {
		out = append(out, read.Problem{Pos: p.Pos, Message: p.Message, Warning: p.Warning, Trouble: p.Trouble.error()})
	}
	return out
}
