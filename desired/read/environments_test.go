package read_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired/read"
)

func folder(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func declared(kind, name, spec string) string {
	return fmt.Sprintf("apiVersion: evenkeel.dev/v1\nkind: %s\nmetadata: {name: %s}\nspec: %s\n", kind, name, spec)
}

func TestEnvironmentsAreFoundWithoutAChoice(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", map[string]string{"a.yaml": declared("Service", "a", "{}")}, ""},
		{"declared, and with overlays alone", map[string]string{
			"a.yaml": declared("Service", "a", "{}"), "e.yaml": declared("Environment", "production", "{}"),
			"environments/staging/a.yaml": declared("Service", "a", "{severity: P4}"),
		}, "production staging"},
		{"one that is wrong otherwise", map[string]string{
			"a.yaml": declared("Service", "a", "{severity: P9}"), "environments/staging/a.yaml": declared("Service", "b", "{}"),
		}, "staging"},
	} {
		names, problems := read.Environments([]string{"."}, read.Options{FS: folder(c.files)})
		if got := strings.Join(names, " "); got != c.want || problems.Err() != nil {
			t.Errorf("%s: %q, %v; want %q", c.name, got, problems, c.want)
		}
	}
	_, problems := read.Environments([]string{"."}, read.Options{FS: folder(map[string]string{"a.yaml": "a: [\n"})})
	if problems.Err() == nil {
		t.Error("what cannot be read at all is no error")
	}
}

// As a whole, an environment has every service, and two may claim the same where
// no host need run both.
func TestAnEnvironmentAsAWhole(t *testing.T) {
	a, b := `{unit: x.service, hosts: ['zone="a"']}`, `{unit: x.service, hosts: ['zone="b"']}`
	everywhere := `{unit: x.service}`
	for _, c := range []struct {
		name, first, second string
		clash               bool
	}{
		{"on different hosts", a, b, false},
		{"on the same hosts", a, a, true},
		{"one on every host", a, everywhere, true},
		{"both on every host", everywhere, everywhere, true},
	} {
		fs := folder(map[string]string{
			"a.yaml": declared("Service", "one", c.first) + "---\n" + declared("Service", "two", c.second) + "---\n" + declared("Environment", "production", `{hosts: ['env="prod"']}`),
		})
		set, problems := read.Load([]string{"."}, read.Options{FS: fs, Environment: "production", Everywhere: true})
		clash := slices.ContainsFunc(problems.Errors(), func(p read.Problem) bool { return strings.Contains(p.Message, "each unit belongs to one service") })
		if clash != c.clash {
			t.Errorf("%s: %v", c.name, problems)
		}
		if !clash && (set == nil || len(set.Services) != 2 || set.Host.Name != read.AnyHost) {
			t.Errorf("%s: %+v", c.name, set)
		}
	}
}
