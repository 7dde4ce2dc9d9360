package install

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// image is an empty file system, with some files in it.
func image(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(to, at)
		} else {
			err = os.WriteFile(at, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// tree lists every file and link below root, and the folders that hold nothing.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, root)
		if !d.IsDir() {
			all = append(all, name)
		} else if in, err := os.ReadDir(file); err == nil && len(in) == 0 {
			all = append(all, name+"/")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var two = []File{{PolicyPath, []byte("mode: observe\n")}, {UnitPath, []byte("[Service]\n")}}

func place(t *testing.T, root string, beside bool) (did []string) {
	t.Helper()
	all, err := Place(root, two, beside)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		did = append(did, p.Did+" "+p.Path)
	}
	return did
}

func TestPlace(t *testing.T) {
	for _, c := range []struct {
		name   string
		has    map[string]string
		beside bool
		want   []string
	}{
		{"an empty image", nil, false, []string{"made /etc/evenkeel", "made /etc/evenkeel/desired", "wrote " + PolicyPath, "wrote " + UnitPath}},
		{"a policy is there", map[string]string{PolicyPath: "mode: enforce\n", DesiredDir + "/web.yaml": ""}, false, []string{"exists " + PolicyPath, "wrote " + UnitPath}},
		{"a policy is there, beside", map[string]string{PolicyPath: "mode: enforce\n", DesiredDir + "/web.yaml": ""}, true, []string{"exists " + PolicyPath, "wrote " + PolicyPath + ".new", "wrote " + UnitPath}},
		{"somebody's .new is there, too", map[string]string{PolicyPath: "a\n", PolicyPath + ".new": "b\n", DesiredDir + "/web.yaml": ""}, true, []string{"exists " + PolicyPath, "exists " + PolicyPath + ".new", "wrote " + UnitPath}},
		{"the unit is masked", map[string]string{UnitPath: "-> /dev/null", DesiredDir + "/web.yaml": ""}, false, []string{"wrote " + PolicyPath, "exists " + UnitPath}},
		{"the same is there", map[string]string{PolicyPath: "mode: observe\n", DesiredDir + "/web.yaml": ""}, true, []string{"unchanged " + PolicyPath, "wrote " + UnitPath}},
	} {
		root := image(t, c.has)
		if d := cmp.Diff(c.want, place(t, root, c.beside)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
		for name, content := range c.has {
			if b, err := os.ReadFile(filepath.Join(root, name)); !strings.HasPrefix(content, "->") && (err != nil || string(b) != content) {
				t.Errorf("%s: %s is now %q, %v", c.name, name, b, err)
			}
		}
		if again := place(t, root, c.beside); slices.ContainsFunc(again, func(s string) bool { return strings.HasPrefix(s, Wrote) || strings.HasPrefix(s, Made) }) {
			t.Errorf("%s: a second time: %q", c.name, again)
		}
	}
}

// A link in an image that leads out of it leads nowhere.
func TestPlaceStaysBelowItsRoot(t *testing.T) {
	outside := t.TempDir()
	root := image(t, map[string]string{"/etc/evenkeel": "-> " + outside})
	if all, err := Place(root, two, false); err == nil {
		t.Errorf("it placed %v", all)
	}
	if in := tree(t, outside); !slices.Equal(in, []string{"/"}) {
		t.Errorf("outside lies %q", in)
	}
}

// places are where evenkeel leaves something, in an image.
func places(root string) Places {
	return Places{Root: root, State: "/var/lib/evenkeel", Runtime: "/run/evenkeel", Rehearse: "/run/evenkeel-rehearse", Cache: "/var/cache/evenkeel"}
}

// lived is what a host has on which evenkeel was used, besides what Place wrote.
var lived = map[string]string{
	"/etc/systemd/system/multi-user.target.wants/evenkeel.service": "-> /etc/systemd/system/evenkeel.service",
	"/etc/systemd/system/keeper.service":                           "-> evenkeel.service",
	"/etc/systemd/system/evenkeel.service.d/override.conf":         "[Service]\n",
	"/etc/systemd/system/web.service":                              "[Service]\n",
	"/etc/systemd/system/multi-user.target.wants/web.service":      "-> ../web.service",
	"/etc/systemd/system/.evenkeel-0123":                           "half",
	"/etc/systemd/system/web.conf.saved-by-evenkeel-01":            "a human's",
	"/run/evenkeel/evenkeel.sock":                                  "",
	"/run/evenkeel/stop":                                           "",
	"/run/evenkeel-rehearse/lock":                                  "",
	"/var/lib/evenkeel/evenkeel.db":                                "db",
	"/var/lib/evenkeel/state.seq":                                  "1",
	"/var/lib/evenkeel/displaced/0123":                             "theirs",
	"/var/lib/evenkeel/revisions/0123.tree":                        "files",
	"/var/lib/evenkeel/sealed.json":                                "{}",
	"/var/lib/evenkeel/exec/0123":                                  "done",
	"/var/lib/evenkeel/metrics/alerts.json":                        "{}",
	"/var/cache/evenkeel/git/mirror/HEAD":                          "ref: refs/heads/main",
}

// others is what is left when evenkeel is gone: what it managed, and a human's.
var others = []string{
	"/etc/systemd/system/multi-user.target.wants/web.service", "/etc/systemd/system/web.conf.saved-by-evenkeel-01", "/etc/systemd/system/web.service", "/run/", "/var/cache/", "/var/lib/",
}

func TestRemove(t *testing.T) {
	for _, c := range []struct {
		name  string
		human func(root string, p *Places) // what somebody did since
		left  []string                     // besides others
	}{
		{"nobody touched anything", func(string, *Places) {}, nil},
		{"the policy was edited", func(root string, _ *Places) {
			_ = os.WriteFile(filepath.Join(root, PolicyPath), []byte("mode: enforce\n"), 0o644)
		}, []string{PolicyPath}},
		{"there is desired state", func(root string, _ *Places) {
			_ = os.WriteFile(filepath.Join(root, DesiredDir, "web.yaml"), nil, 0o644)
		}, []string{DesiredDir + "/web.yaml"}},
		{"the unit was edited: it goes, for it is evenkeel's", func(root string, _ *Places) {
			_ = os.WriteFile(filepath.Join(root, UnitPath), []byte("[Service]\nNice=1\n"), 0o644)
		}, nil},
		{"the unit was masked", func(root string, _ *Places) {
			_ = os.Remove(filepath.Join(root, UnitPath))
			_ = os.Symlink("/dev/null", filepath.Join(root, UnitPath))
		}, nil},
		{"the list is gone: nothing counts as install's", func(root string, _ *Places) {
			_ = os.Remove(filepath.Join(root, ListPath))
		}, []string{PolicyPath, DesiredDir + "/"}},
		{"the record stays", func(_ string, p *Places) { p.KeepState = true }, []string{
			"/var/lib/evenkeel/displaced/0123", "/var/lib/evenkeel/evenkeel.db", "/var/lib/evenkeel/exec/0123", "/var/lib/evenkeel/revisions/0123.tree",
			"/var/lib/evenkeel/metrics/alerts.json", "/var/lib/evenkeel/sealed.json", "/var/lib/evenkeel/state.seq",
		}},
		{"something else lies beside the record", func(root string, _ *Places) {
			_ = os.WriteFile(filepath.Join(root, "/var/lib/evenkeel/notes.txt"), nil, 0o644)
		}, []string{"/var/lib/evenkeel/notes.txt"}},
		{"a disposable host runs", func(root string, _ *Places) {
			_ = os.Mkdir(filepath.Join(root, "/run/evenkeel-rehearse/web-01"), 0o700)
		}, []string{"/run/evenkeel-rehearse/web-01/"}},
	} {
		root := image(t, lived)
		place(t, root, false)
		p := places(root)
		c.human(root, &p)
		traces, err := Survey(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Remove(p, append(Litter(p, []string{UnitDir}), traces...)); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		want := slices.Concat(others, c.left)
		for _, parent := range []string{"/run/", "/var/lib/"} {
			if slices.ContainsFunc(c.left, func(s string) bool { return strings.HasPrefix(s, parent) }) {
				want = slices.DeleteFunc(want, func(s string) bool { return s == parent })
			}
		}
		slices.Sort(want)
		got := tree(t, root)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: left (-want +got):\n%s", c.name, d)
		}
		if again, err := Survey(p); err != nil || slices.ContainsFunc(again, func(t Trace) bool { return t.Keep == "" }) {
			t.Errorf("%s: a second time it would remove %v, %v", c.name, again, err)
		}
	}
}

func TestUnitsOnDisk(t *testing.T) {
	root := image(t, map[string]string{
		UnitDir + "/web.service":                              "",
		UnitDir + "/worker@.service":                          "",
		UnitDir + "/linked.service":                           "-> /opt/linked/linked.service",
		UnitDir + "/sshd.service":                             "-> /lib/systemd/system/ssh.service",
		UnitDir + "/alias.service":                            "-> web.service",
		UnitDir + "/masked.service":                           "-> /dev/null",
		UnitDir + "/data.mount":                               "",
		UnitDir + "/multi-user.target.wants/nginx.service":    "-> /lib/systemd/system/nginx.service",
		UnitDir + "/multi-user.target.wants/worker@1.service": "-> ../worker@.service",
		"/usr/local/lib/systemd/system/tool.service":          "",
		"/usr/lib/systemd/system/cron.service":                "",
	})
	own := OwnUnits(root)
	if want := []string{"linked.service", "tool.service", "web.service", "worker@.service"}; !slices.Equal(own, want) {
		t.Errorf("own units are %q, want %q", own, want)
	}
	var globs []string
	for _, a := range Candidates(Merge(nil, own, EnabledUnits(root))) {
		globs = append(globs, a.Glob)
	}
	if want := []string{"linked.service", "tool.service", "web.service", "worker@*", "nginx.service"}; !slices.Equal(globs, want) {
		t.Errorf("a policy would allow %q, want %q", globs, want)
	}
}

func TestChangeable(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "evenkeel")
	if err := os.WriteFile(program, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(program, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if got := Changeable(program); got != program {
		t.Errorf("another's program: %q", got)
	}
	if got := Changeable(filepath.Join(dir, "none")); got != filepath.Join(dir, "none") {
		t.Errorf("a program that is not there: %q", got)
	}
}
