package read

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pakashop/evenkeel/desired"
)

// TestLoad reads each testdata/load/*.txtar: the files of a tree, then
// PROBLEMS, every message of reading it, and SET, what the host is held to. The
// comment may hold lines of "environment NAME", "host NAME" and "label K V";
// what else stands there says what the case is about.
func TestLoad(t *testing.T) {
	files, err := filepath.Glob("testdata/load/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			tree, o := caseOf(a)
			set, problems := Load([]string{"."}, o)
			got := map[string]string{"PROBLEMS": problems.String(), "SET": outline(set)}
			if *update {
				rewrite(t, name, a, got)
			}
			for _, f := range a.Files {
				if want, ok := got[f.Name]; ok {
					if d := cmp.Diff(string(f.Data), want); d != "" && !*update {
						t.Errorf("%s (-want +got):\n%s", f.Name, d)
					}
					delete(got, f.Name)
				}
			}
			if !*update && got["PROBLEMS"] != "" {
				t.Errorf("problems that nobody expects:\n%s", got["PROBLEMS"])
			}
			if set != nil {
				roundTrip(t, set, tree, o)
			}
		})
	}
}

func caseOf(a *txtar.Archive) (fstest.MapFS, Options) {
	tree := fstest.MapFS{}
	for _, f := range a.Files {
		if f.Name != "PROBLEMS" && f.Name != "SET" {
			tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
		}
	}
	o := Options{FS: tree, Host: desired.Host{Name: "app-1", Labels: map[string]string{}}, Origins: true, Revision: "test"}
	for line := range strings.Lines(string(a.Comment)) {
		switch w := strings.Fields(line); {
		case len(w) == 2 && w[0] == "environment":
			o.Environment = w[1]
		case len(w) == 2 && w[0] == "host":
			o.Host.Name = w[1]
		case len(w) == 3 && w[0] == "label":
			o.Host.Labels[w[1]] = w[2]
		}
	}
	return tree, o
}

func rewrite(t *testing.T, name string, a *txtar.Archive, got map[string]string) {
	kept := a.Files[:0]
	for _, f := range a.Files {
		if _, ok := got[f.Name]; !ok {
			kept = append(kept, f)
		}
	}
	a.Files = append(kept, txtar.File{Name: "PROBLEMS", Data: []byte(got["PROBLEMS"])})
	if got["SET"] != "" {
		a.Files = append(a.Files, txtar.File{Name: "SET", Data: []byte(got["SET"])})
	}
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// outline is what a Set says, short enough to be read.
func outline(set *desired.Set) string {
	if set == nil {
		return ""
	}
	var b strings.Builder
	for _, s := range set.Services {
		fmt.Fprintf(&b, "%s: %s %s boot=%s drift=%s %s\n", s.Name, strings.Join(s.Units, " "), s.Spec.State, s.Spec.Boot, s.Spec.Drift.Mode, s.Spec.Severity)
		if len(s.Requires)+len(s.Follows) > 0 {
			fmt.Fprintf(&b, "  requires %v follows %v\n", s.Requires, s.Follows)
		}
		if s.UnitFile != nil {
			fmt.Fprintf(&b, "  unit %s\n", artifact(*s.UnitFile))
		}
		for _, a := range s.DropIns {
			fmt.Fprintf(&b, "  drop-in %s\n", artifact(a))
		}
		for _, a := range s.Files {
			fmt.Fprintf(&b, "  file %s\n", artifact(a))
		}
		if s.Link != nil {
			fmt.Fprintf(&b, "  link %s to %s in %s\n", s.Link.Path, s.Link.Target, s.Link.Folder())
		}
		if len(s.Spec.Watch) > 0 {
			fmt.Fprintf(&b, "  watch %s\n", strings.Join(s.Spec.Watch, " "))
		}
	}
	b.WriteString(outsiders(set))
	b.WriteString(alerting(set))
	for _, w := range set.Windows {
		fmt.Fprintf(&b, "window %s: allow=%t %s for %s %s covers %v\n", w.Name, w.Spec.Allow, w.Spec.Schedule, w.Spec.Duration, w.Spec.TimeZone, w.Services)
	}
	return b.String()
}

// outsiders is what can be asked from outside of the services that have a URL.
func outsiders(set *desired.Set) string {
	all, err := set.Public()
	if err != nil {
		return "public: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, p := range all {
		for _, q := range p.Probes {
			if p.Kind == "Service" {
				fmt.Fprintf(&b, "public %s: %s %s expects %v\n", p.Name, q.Kind, q.Probe.HTTPGet.URL, q.Probe.ExpectJSON)
			}
		}
	}
	return b.String()
}

// alerting is what alerts rest on.
func alerting(set *desired.Set) string {
	var b strings.Builder
	for _, r := range set.Rules {
		fmt.Fprintf(&b, "rules %s: %q\n", r.Name, r.Text)
		if p := r.Prometheus; p != nil {
			fmt.Fprintf(&b, "  by %s %v\n", p.URL, p.Match)
		}
	}
	tell := func(what string, all []desired.Target) {
		for _, t := range all {
			from, err := json.Marshal(t.Metrics)
			if err != nil {
				from = []byte(err.Error())
			}
			fmt.Fprintf(&b, "%s %s %s of %s %v every %s %s%s\n", what, t.Job, t.Instance, t.Object, t.Labels, t.Interval, t.Collector, from)
		}
	}
	tell("target", set.Targets)
	for _, s := range set.Services {
		tell("spare target", s.SpareTargets)
	}
	for _, r := range set.Runbooks {
		fmt.Fprintf(&b, "runbook %s: %v, %d steps\n", r.Name, r.Spec.Match, len(r.Spec.Steps))
	}
	return b.String()
}

func artifact(a desired.Artifact) string {
	s := fmt.Sprintf("%s %04o %s:%s", a.Path, a.Mode, a.Owner, a.Group)
	switch {
	case a.Host:
		s += " host"
	case a.Sensitive:
		s += " sensitive"
	default:
		s += fmt.Sprintf(" %q", shown(a.Content))
	}
	if a.Sealed != nil {
		s += fmt.Sprintf(" sealed, %d bytes (%s)", len(a.Sealed), a.Locked)
	}
	if w := a.Within; w != nil {
		s += fmt.Sprintf(" expands for %s %q", w.Object, w.Instance)
	}
	return s
}

func shown(content []byte) string {
	if len(content) > 60 {
		return string(content[:57]) + "…"
	}
	return string(content)
}

// roundTrip prints effective values and reads them again: they mean the same.
func roundTrip(t *testing.T, set *desired.Set, tree fstest.MapFS, o Options) {
	t.Helper()
	text, err := Effective(set.Objects)
	if err != nil {
		t.Fatal(err)
	}
	again := fstest.MapFS{"effective.yaml": {Data: text}}
	for name, f := range tree {
		if !isYAML(name) {
			again[name] = f
		}
	}
	o.FS = again
	set2, problems := Load([]string{"."}, o)
	if err := problems.Err(); err != nil {
		t.Fatalf("effective values are not valid: %v\n%s", problems, text)
	}
	if len(set2.Objects) != len(set.Objects) {
		t.Fatalf("%d objects became %d", len(set.Objects), len(set2.Objects))
	}
	for i := range set.Objects {
		if d := cmp.Diff(string(set.Objects[i].Spec), string(set2.Objects[i].Spec)); d != "" {
			t.Errorf("%s read again (-was +is):\n%s", set.Objects[i].Ref(), d)
		}
	}
	if sensitive(set) {
		return // is left out of what is printed
	}
	for i := range set.Services {
		a, b := set.Services[i], set2.Services[i]
		if a.UnitDigest != b.UnitDigest || a.FilesDigest != b.FilesDigest || a.Name != b.Name || strings.Join(a.Units, " ") != strings.Join(b.Units, " ") {
			t.Errorf("%s is another service when read again", a.Name)
		}
	}
}

func sensitive(set *desired.Set) bool {
	for _, s := range set.Services {
		for _, f := range s.Files {
			if f.Sensitive && !f.Host {
				return true
			}
		}
	}
	return false
}
