// Package verify asks systemd itself what it thinks of declared unit files.
//
// It is apart from package read because it starts a program, which reading
// must never do: what reads strangers' YAML may run without any rights.
package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// ErrNoTool says that this machine has no systemd-analyze.
var ErrNoTool = errors.New("systemd-analyze is not installed")

// deadline bounds systemd-analyze where the caller's context does not. A
// thousand units take it a few seconds.
const deadline = 30 * time.Second

// maxOutput bounds what is read of its answer.
const maxOutput = 4 << 20

// Units runs systemd-analyze verify once over all declared unit files of the
// set, with their drop-ins, in a folder of its own. What makes systemd refuse a
// unit is an error, anything else that it says a warning: also that a program
// is missing, because this machine need not be the host. A misspelt directive
// does not change its exit code, so what it prints is read.
func Units(ctx context.Context, set *desired.Set) (read.Problems, error) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return nil, ErrNoTool
	}
	dir, err := os.MkdirTemp("", "evenkeel-verify-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for unit files: %w", err)
	}
	defer os.RemoveAll(dir)
	v := verifier{dir: dir, by: map[string]*desired.Artifact{}}
	if err := v.write(set); err != nil || len(v.units) == 0 {
		return nil, err
	}
	out, err := v.run(ctx, tool)
	if err != nil {
		return nil, err
	}
	return v.problems(out), nil
}

type verifier struct {
	dir   string
	units []string                     // the files to verify
	by    map[string]*desired.Artifact // by their place below dir
}

// write lays out the unit files as they would lie on a host.
func (v *verifier) write(set *desired.Set) error {
	for i := range set.Services {
		s := &set.Services[i]
		if s.UnitFile == nil {
			continue
		}
		name, err := v.file(s.UnitFile, "")
		if err != nil {
			return err
		}
		v.units = append(v.units, name)
		for j := range s.DropIns {
			if _, err := v.file(&s.DropIns[j], filepath.Base(filepath.Dir(s.DropIns[j].Path))); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) file(a *desired.Artifact, folder string) (string, error) {
	name := filepath.Join(v.dir, folder, filepath.Base(a.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", fmt.Errorf("lay out unit files: %w", err)
	}
	if err := os.WriteFile(name, a.Content, 0o600); err != nil {
		return "", fmt.Errorf("lay out unit files: %w", err)
	}
	v.by[name] = a
	return name, nil
}

func (v *verifier) run(ctx context.Context, tool string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	// The options after verify are known since systemd 250.
	c := exec.CommandContext(ctx, tool, append([]string{"verify", "--man=no", "--recursive-errors=no"}, v.units...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "SYSTEMD_COLORS=0", "SYSTEMD_LOG_LEVEL=info", "SYSTEMD_LOG_COLOR=0"}
	c.WaitDelay = time.Second
	out := &bounded{}
	c.Stdout, c.Stderr = out, out
	err := c.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil {
		return nil, fmt.Errorf("run systemd-analyze verify: %w", ctx.Err())
	}
	if err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("run systemd-analyze verify: %w", err)
	}
	return out.Bytes(), nil
}

// bounded keeps the beginning of what is written to it.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), max(0, maxOutput-b.Len()))])
	return len(p), nil
}

var (
	atLine = regexp.MustCompile(`^(/.+):([0-9]+): (.*)$`)
	atUnit = regexp.MustCompile(`^(?:Unit )?([^\s:/]+\.(?:service|socket|timer|path)):? (.*)$`)
)

// fatal are the words with which systemd refuses a unit.
var fatal = []string{
	"Refusing", "fatal error", "bad unit file setting", "Invalid section header", "failed to load properly",
	"Neither a valid executable name nor an absolute path",
}

// problems reads the answer, line by line.
func (v *verifier) problems(out []byte) read.Problems {
	var all, last read.Problems
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		p, ok := v.problem(line)
		if !ok {
			continue
		}
		if strings.HasSuffix(line, "has a bad unit file setting.") || strings.Contains(line, "failed to load properly") {
			last = append(last, p) // sums up what was said before
			continue
		}
		all = append(all, p)
	}
	for _, p := range last {
		if !said(all, p) {
			all = append(all, p)
		}
	}
	return read.Problems(nil).With(all)
}

// said tells whether an error of the same file is known.
func said(all read.Problems, p read.Problem) bool {
	for _, a := range all {
		if a.Pos.File == p.Pos.File && a.Pos.Line >= p.Pos.Line && !a.Warning {
			return true
		}
	}
	return false
}

func (v *verifier) problem(line string) (read.Problem, bool) {
	p := read.Problem{Warning: true}
	for _, f := range fatal {
		if strings.Contains(line, f) {
			p.Warning = false
		}
	}
	if m := atLine.FindStringSubmatch(line); m != nil {
		a := v.by[m[1]]
		n, err := strconv.Atoi(m[2])
		if a == nil || err != nil {
			return p, false // a unit of this machine
		}
		p.Pos, p.Message = a.From, "systemd: "+m[3]
		if a.From.Col == 0 {
			p.Pos.Line += n - 1
		}
		return p, true
	}
	if m := atUnit.FindStringSubmatch(line); m != nil {
		a := v.by[filepath.Join(v.dir, template(m[1]))]
		if a == nil {
			a = v.by[filepath.Join(v.dir, m[1])]
		}
		if a == nil {
			return p, false
		}
		p.Pos, p.Message = a.From, "systemd: "+line
		return p, true
	}
	return p, false
}

// template is the file that an instance is made of.
func template(unit string) string {
	u, err := desired.ParseUnitName(unit)
	if err != nil || u.Instance == "" {
		return unit
	}
	return u.With("")
}
