package read

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired"
)

const oneService = "apiVersion: evenkeel.dev/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n"

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTroubleIsNotInvalid tells what could not be read from what is wrong.
func TestTroubleIsNotInvalid(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(t *testing.T, dir string) string
		cause   error // nil: Invalid
		says    string
	}{
		{"no such path", func(t *testing.T, dir string) string { return dir + "/nothing" }, fs.ErrNotExist, "nothing: no such file or folder"},
		{"a folder without YAML", func(t *testing.T, dir string) string { write(t, dir, "x.txt", ""); return dir }, ErrNoYAML, "the folder holds no YAML files"},
		{"an empty folder", func(t *testing.T, dir string) string { return dir }, ErrNoYAML, "the folder holds no YAML files"},
		{"a file that nobody may read", func(t *testing.T, dir string) string {
			p := write(t, dir, "a.yaml", oneService)
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
			// A file without a permission is no obstacle to root; a name that
			// cannot be opened is.
			if err := os.Symlink("a.yaml", p); err != nil {
				t.Fatal(err)
			}
			return p
		}, syscall.ELOOP, "too many levels of symbolic links"},
		{"content that is wrong", func(t *testing.T, dir string) string { return write(t, dir, "a.yaml", "kind: x\n") }, nil, "unknown kind"},
		{"a source that is not there", func(t *testing.T, dir string) string {
			return write(t, dir, "a.yaml", strings.Replace(oneService, "{}", "{unitFile: {source: x}}", 1))
		}, nil, "no such file beside"},
		{"a file that is too large", func(t *testing.T, dir string) string {
			return write(t, dir, "a.yaml", "#"+strings.Repeat("x", maxFile))
		}, nil, "is larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := c.prepare(t, t.TempDir())
			set, problems := Load([]string{p}, Options{})
			err := problems.Err()
			if set != nil || err == nil || !strings.Contains(problems.String(), c.says) {
				t.Fatalf("got %v, %v; want …%s…", set, problems, c.says)
			}
			var trouble *Trouble
			var invalid *Invalid
			if got := errors.As(err, &trouble); got != (c.cause != nil) || got == errors.As(err, &invalid) {
				t.Errorf("%T, want trouble %v", err, c.cause != nil)
			}
			if c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("%v is not %v", err, c.cause)
			}
		})
	}
}

// TestNothingOutsideIsRead holds the tree shut: links, FIFOs, sources.
func TestNothingOutsideIsRead(t *testing.T) {
	outside := write(t, t.TempDir(), "secret.yaml", oneService)
	for _, c := range []struct {
		name    string
		prepare func(dir string) error
		says    string // empty: is read
	}{
		{"a file that links outside", func(dir string) error { return os.Symlink(outside, dir+"/b.yaml") }, "b.yaml: is a symlink that leads out of the folder"},
		{"a folder that links outside", func(dir string) error { return os.Symlink(filepath.Dir(outside), dir+"/sub") }, "sub: is a symlink that leads out of the folder"},
		{"a link that leads nowhere", func(dir string) error { return os.Symlink("nowhere", dir+"/b.yaml") }, "b.yaml: is a symlink that leads nowhere"},
		{"a FIFO", func(dir string) error { return syscall.Mkfifo(dir+"/b.yaml", 0o600) }, "b.yaml: is not a file"},
		{"a folder with the name of a file", func(dir string) error { return os.Mkdir(dir+"/b.yaml", 0o700) }, ""},
		{"a link within", func(dir string) error {
			if err := os.Mkdir(dir+"/sub", 0o700); err != nil {
				return err
			}
			return os.Symlink("sub", dir+"/again")
		}, ""},
		{"a loop", func(dir string) error { return os.Symlink(".", dir+"/loop") }, ""},
		{"a source that links outside", func(dir string) error {
			if err := os.Symlink(outside, dir+"/unit"); err != nil {
				return err
			}
			return os.WriteFile(dir+"/c.yaml", []byte(strings.ReplaceAll(strings.Replace(oneService, "{}", "{unitFile: {source: unit}}", 1), "name: a", "name: c")), 0o600)
		}, `spec.unitFile.source: "unit": lies outside of the folder that is read`},
		{"a source that is a FIFO", func(dir string) error {
			if err := syscall.Mkfifo(dir+"/unit", 0o600); err != nil {
				return err
			}
			return os.WriteFile(dir+"/c.yaml", []byte(strings.ReplaceAll(strings.Replace(oneService, "{}", "{unitFile: {source: unit}}", 1), "name: a", "name: c")), 0o600)
		}, `"unit": is not a file`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.yaml", oneService)
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			_, problems := Load([]string{dir}, Options{})
			if got := problems.String(); c.says == "" && got != "" || !strings.Contains(got, c.says) {
				t.Errorf("got %q, want …%s…", got, c.says)
			}
		})
	}
}

func TestPathsAreShownAsGiven(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write(t, dir, "etc/x/a.yaml", "kind: y\n")
	for given, want := range map[string]string{
		"etc": "etc/x/a.yaml:1:7:", "./etc/": "etc/x/a.yaml:1:7:", ".": "etc/x/a.yaml:1:7:", "etc/x/a.yaml": "etc/x/a.yaml:1:7:", dir + "/etc": dir + "/etc/x/a.yaml:1:7:",
	} {
		_, problems := Load([]string{given}, Options{})
		if !strings.Contains(problems.String(), want) || strings.HasPrefix(problems.String(), "/") != strings.HasPrefix(want, "/") {
			t.Errorf("%s: %s; want %s", given, problems, want)
		}
	}
}

func TestRevisionNamesContent(t *testing.T) {
	tree := fstest.MapFS{
		"a.yaml": {Data: []byte(strings.Replace(oneService, "{}", "{unitFile: {source: u}}", 1))},
		"u":      {Data: []byte("[Service]\nExecStart=/bin/x\n")},
	}
	load := func() string {
		set, problems := Load([]string{"."}, Options{FS: tree})
		if set == nil {
			t.Fatal(problems)
		}
		return set.Revision
	}
	first, again := load(), load()
	tree["u"] = &fstest.MapFile{Data: []byte("[Service]\nExecStart=/bin/y\n")}
	if other := load(); first != again || first == other || !strings.HasPrefix(first, "sha256:") || len(first) != len("sha256:")+12 {
		t.Errorf("revisions %s %s %s", first, again, other)
	}
}

// TestHostComesFromPolicy shows the order in which a host is known.
func TestHostComesFromPolicy(t *testing.T) {
	policy := desired.Policy{Host: desired.Host{Name: "app-1", Environment: "production", Labels: map[string]string{"role": "app"}}}
	tree := fstest.MapFS{"a.yaml": {Data: []byte(strings.Replace(oneService, "{}", `{hosts: [role=app, environment=production, "name=~app-.*"]}`, 1))}}
	set, problems := Load([]string{"."}, Options{FS: tree, Policy: policy})
	if set == nil || len(set.Services) != 1 || set.Host.Name != "app-1" || set.Environment != "production" {
		t.Fatalf("%+v %v", set, problems)
	}
	set, _ = Load([]string{"."}, Options{FS: tree, Policy: policy, Host: desired.Host{Name: "db-1"}})
	if len(set.Services) != 0 || set.Host.Name != "db-1" {
		t.Errorf("%+v", set.Services)
	}
}
