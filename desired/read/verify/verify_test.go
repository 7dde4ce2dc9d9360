package verify

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

// stricter are the units of the corpus of which systemd says nothing and we do:
// it reads them, and a human reads them differently.
var stricter = map[string]string{
	"timer-section.service": "systemd passes over sections of other types in silence",
	"bom.service":           "a byte order mark only warns",
	"crlf.service":          "line ends of Windows only warn",
	"old-limit.service":     "directives that moved only warn",
	"reboot.service":        "directives that moved only warn",
}

// looser are those of which systemd says what we leave to it.
var looser = map[string]string{
	"missing-program.service": "the program may exist on the host",
}

// TestLintAgreesWithSystemd gives one corpus to our lint and to
// systemd-analyze verify. What systemd refuses, we call an error; what it
// passes over, we find on the same line.
func TestLintAgreesWithSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("this test needs systemd-analyze, which systemd brings")
	}
	files, err := filepath.Glob("testdata/units/*")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	set := &desired.Set{}
	ours := map[string]read.Problems{}
	for _, f := range files {
		name := filepath.Base(f)
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		ours[name] = lint(t, name, content)
		set.Services = append(set.Services, desired.Service{Name: name, UnitFile: &desired.Artifact{
			Path: "/etc/systemd/system/" + name, Content: content, From: desired.Pos{File: name, Line: 1},
		}})
	}
	all, err := Units(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	theirs := map[string]read.Problems{}
	for _, p := range all {
		theirs[p.Pos.File] = append(theirs[p.Pos.File], p)
	}
	for name := range ours {
		compare(t, name, ours[name], theirs[name])
	}
}

func lint(t *testing.T, name string, content []byte) read.Problems {
	t.Helper()
	unit, err := desired.ParseUnitName(name)
	if err != nil {
		t.Fatal(err)
	}
	file, found := desired.ParseUnitFile(content)
	found = append(found, desired.LintUnit(unit, file, false)...)
	var p read.Problems
	for _, f := range found {
		p = append(p, read.Problem{Pos: desired.Pos{File: name, Line: f.Line, Col: f.Col}, Message: f.Message, Warning: f.Warning})
	}
	return p
}

func compare(t *testing.T, name string, ours, theirs read.Problems) {
	t.Helper()
	show := func() { t.Logf("%s\nours:\n%ssystemd's:\n%s", name, ours, theirs) }
	switch {
	case theirs.Err() != nil && ours.Err() == nil:
		t.Errorf("%s: systemd refuses it, and we do not", name)
		show()
	case len(theirs) > 0 && len(ours) == 0 && looser[name] == "":
		t.Errorf("%s: systemd warns, and we say nothing", name)
		show()
	case len(theirs) == 0 && len(ours) > 0 && stricter[name] == "":
		t.Errorf("%s: systemd says nothing, and we do", name)
		show()
	}
	for _, p := range theirs {
		if p.Pos.Line > 1 && looser[name] == "" && !onLine(ours, p.Pos.Line) {
			t.Errorf("%s: systemd finds something on line %d, and we do not", name, p.Pos.Line)
			show()
		}
	}
}

func onLine(p read.Problems, line int) bool {
	for _, one := range p {
		if one.Pos.Line == line {
			return true
		}
	}
	return false
}

// TestPlacesOfSystemdsWords maps what systemd says back to where it was written.
func TestPlacesOfSystemdsWords(t *testing.T) {
	tree := fstest.MapFS{
		"a.yaml": {Data: []byte(`apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: a}
spec:
  unitFile: {source: a.service}
  dropIns:
    - name: limits
      content: |
        [Service]
        MemoryMaximum=1G
---
apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: w}
spec:
  replicas: 2
  unitFile:
    content: |
      [Service]
      ExecStart=/usr/bin/evenkeel-no-such-program
      WatchdogSecs=3
`)},
		"a.service": {Data: []byte("[Unit]\nDescripton=x\n[Service]\nExecStart=/bin/true\n")},
	}
	set, problems := read.Load([]string{"."}, read.Options{FS: tree})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	got, err := Units(context.Background(), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a.service:2: warning: systemd: Unknown key", "a.yaml:10: warning: systemd: Unknown key", "a.yaml:21: warning: systemd: Unknown key",
		"evenkeel-no-such-program is not executable",
	} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	if got.Err() != nil {
		t.Errorf("only warnings are meant: %v", got)
	}
	if both := problems.With(got); len(both) != len(problems)+1 {
		t.Errorf("the same lines are told twice:\n%s", both)
	}
}

func TestDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	set := &desired.Set{Services: []desired.Service{{UnitFile: &desired.Artifact{Path: "/etc/systemd/system/a.service", Content: []byte("[Service]\nExecStart=/bin/true\n")}}}}
	if _, err := Units(ctx, set); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNoUnitsNoProgram(t *testing.T) {
	if got, err := Units(context.Background(), &desired.Set{}); len(got) != 0 || err != nil {
		t.Errorf("%v %v", got, err)
	}
}
