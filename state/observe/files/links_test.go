package files

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tree lays out a file system: a path and content a line, or a path, an arrow
// and where a link leads. Content is [Install]'s; "-" is an empty file, "none"
// a unit without [Install].
func tree(t *testing.T, root, layout string) {
	t.Helper()
	for line := range strings.Lines(layout) {
		path, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		p := filepath.Join(root, path)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		if dest, ok := strings.CutPrefix(rest, "-> "); ok {
			must(t, os.Symlink(dest, p))
			continue
		}
		content := "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n"
		switch rest {
		case "-":
			content = ""
		case "none":
		default:
			content += "[Install]\n" + strings.ReplaceAll(rest, ";", "\n") + "\n"
		}
		must(t, os.WriteFile(p, []byte(content), 0o644))
	}
}

// What these say is what `systemctl --root is-enabled` of systemd 252 says; the
// live test holds more against the real one.
func TestBoot(t *testing.T) {
	const w = "WantedBy=multi-user.target"
	for _, c := range []struct {
		name, layout string
		want         map[string]string
	}{
		{"plain", `
			/usr/lib/systemd/system/a.service ` + w + `
			/usr/lib/systemd/system/b.service ` + w + `
			/usr/lib/systemd/system/c.service none
			/usr/lib/systemd/system/d.service Also=a.service
			/etc/systemd/system/multi-user.target.wants/a.service -> /usr/lib/systemd/system/a.service
		`, map[string]string{"a.service": "enabled", "b.service": "disabled", "c.service": "static", "d.service": "indirect", "e.service": "not-found"}},
		{"runtime", `
			/usr/lib/systemd/system/a.service ` + w + `
			/run/systemd/system/multi-user.target.wants/a.service -> /usr/lib/systemd/system/a.service
		`, map[string]string{"a.service": "enabled-runtime"}},
		{"required", `
			/etc/systemd/system/a.service RequiredBy=x.target
			/etc/systemd/system/x.target.requires/a.service -> ../a.service
		`, map[string]string{"a.service": "enabled"}},
		{"wanted by the vendor is not enabled", `
			/usr/lib/systemd/system/a.service none
			/usr/lib/systemd/system/sysinit.target.wants/a.service -> ../a.service
			/usr/lib/systemd/system/t@.service none
			/usr/lib/systemd/system/x.target.wants/t@1.service -> ../t@.service
		`, map[string]string{"a.service": "static", "t@1.service": "static"}},
		{"masks", `
			/usr/lib/systemd/system/a.service ` + w + `
			/etc/systemd/system/a.service -> /dev/null
			/run/systemd/system/b.service -> /dev/null
			/etc/systemd/system/c.service -
			/usr/lib/systemd/system/v.service -> /dev/null
			/etc/systemd/system/t@1.service -> /dev/null
			/usr/lib/systemd/system/t@.service ` + w + `
		`, map[string]string{
			"a.service": "masked", "b.service": "masked-runtime", "c.service": "masked", "v.service": "masked",
			"t@1.service": "masked", "t@2.service": "disabled",
		}},
		{"aliases", `
			/usr/lib/systemd/system/a.service ` + w + `;Alias=b.service
			/etc/systemd/system/b.service -> /usr/lib/systemd/system/a.service
			/usr/lib/systemd/system/c.service none
			/usr/lib/systemd/system/d.service -> c.service
		`, map[string]string{"a.service": "enabled", "b.service": "alias", "c.service": "static", "d.service": "alias"}},
		{"an alias that [Install] does not ask for", `
			/usr/lib/systemd/system/a.service ` + w + `
			/etc/systemd/system/b.service -> /usr/lib/systemd/system/a.service
		`, map[string]string{"a.service": "indirect", "b.service": "alias"}},
		{"linked", `
			/opt/x/a.service ` + w + `
			/etc/systemd/system/a.service -> /opt/x/a.service
			/opt/x/b.service none
			/run/systemd/system/b.service -> /opt/x/b.service
			/opt/x/c.service ` + w + `
			/etc/systemd/system/c.service -> /opt/x/c.service
			/etc/systemd/system/multi-user.target.wants/c.service -> /opt/x/c.service
			/etc/systemd/system/d.service -> /opt/x/gone.service
		`, map[string]string{"a.service": "linked", "b.service": "linked-runtime", "c.service": "enabled", "d.service": "not-found"}},
		{"templates", `
			/usr/lib/systemd/system/t@.service ` + w + `;DefaultInstance=one
			/etc/systemd/system/multi-user.target.wants/t@one.service -> /usr/lib/systemd/system/t@.service
			/usr/lib/systemd/system/u@.service ` + w + `
			/etc/systemd/system/multi-user.target.wants/u@x.service -> /usr/lib/systemd/system/u@.service
		`, map[string]string{
			"t@.service": "enabled", "t@one.service": "enabled", "t@two.service": "disabled",
			"u@.service": "indirect", "u@x.service": "enabled", "u@y.service": "disabled",
		}},
		{"made at boot and at run time", `
			/run/systemd/generator/a.service none
			/run/systemd/generator.late/b.service none
			/run/systemd/transient/c.service none
			/run/systemd/generator/d.service none
			/etc/systemd/system/d.service none
		`, map[string]string{"a.service": "generated", "b.service": "generated", "c.service": "transient", "d.service": "static"}},
		{"drop-ins have an [Install], too", `
			/usr/lib/systemd/system/a.service none
			/etc/systemd/system/a.service.d/i.conf ` + w + `
			/usr/lib/systemd/system/b.service none
			/usr/lib/systemd/system/b.service.d/i.conf ` + w + `
			/etc/systemd/system/b.service.d/i.conf -> /dev/null
			/usr/lib/systemd/system/t@.service none
			/etc/systemd/system/t@.service.d/i.conf ` + w + `
		`, map[string]string{"a.service": "disabled", "b.service": "static", "t@1.service": "disabled"}},
		{"what is wrong", `
			/etc/systemd/system/loop.service -> loop2.service
			/etc/systemd/system/loop2.service -> loop.service
			/etc/systemd/system/type.service -> type.socket
			/etc/systemd/system/type.socket none
			/etc/systemd/system/dir.service/x none
			/etc/systemd/system/severed.service -> gone.service
		`, map[string]string{"severed.service": "bad", "loop.service": "bad", "type.service": "bad", "dir.service": "bad", "no unit": "bad", "": "bad", "../x.service": "bad"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			tree(t, root, c.layout)
			must(t, os.Symlink("usr/lib", root+"/lib"))
			var names []string
			for n := range c.want {
				names = append(names, n)
			}
			l := NewLinks(root)
			for range 2 { // read, and remembered
				got, err := l.Boot(names)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// Whatever is done to the links, a Links that remembers answers like one that
// has only just been made.
func TestRememberingChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(t.TempDir(), "root")
		must(t, err)
		l := NewLinks(root)
		names := []string{"a.service", "b.service", "t@.service", "t@1.service"}
		places := []string{
			"/etc/systemd/system/", "/run/systemd/system/", "/usr/lib/systemd/system/", "/etc/systemd/system/x.target.wants/",
			"/run/systemd/system/x.target.wants/", "/etc/systemd/system/a.service.d/", "/usr/lib/systemd/system/t@.service.d/",
		}
		contents := []string{"", "[Service]\n", "[Install]\nWantedBy=x.target\n", "[Install]\nAlias=b.service\n", "[Install]\nAlso=b.service\n", "[Install\n"}
		dests := []string{"/dev/null", "a.service", "/usr/lib/systemd/system/a.service", "../t@.service", "/opt/a.service"}
		for range rapid.IntRange(1, 12).Draw(rt, "changes") {
			place := rapid.SampledFrom(places).Draw(rt, "place")
			name := rapid.SampledFrom(names).Draw(rt, "name")
			if strings.HasSuffix(place, ".d/") {
				name = "i.conf"
			}
			p := root + place + name
			must(t, os.MkdirAll(filepath.Dir(p), 0o755))
			switch rapid.IntRange(0, 3).Draw(rt, "what") {
			case 0:
				_ = os.Remove(p)
			case 1:
				_ = os.Remove(p)
				must(t, os.Symlink(rapid.SampledFrom(dests).Draw(rt, "dest"), p))
			case 2:
				_ = os.Remove(p)
				must(t, os.WriteFile(p, []byte(rapid.SampledFrom(contents).Draw(rt, "content")), 0o644))
			case 3:
				if info, err := os.Lstat(p); err == nil && info.Mode().IsRegular() { // in place
					must(t, os.WriteFile(p, []byte(rapid.SampledFrom(contents).Draw(rt, "content")), 0o644))
				}
			}
			got, err := l.Boot(names)
			must(t, err)
			want, err := NewLinks(root).Boot(names)
			must(t, err)
			if d := cmp.Diff(want, got); d != "" {
				rt.Fatalf("after %s: %s", p, d)
			}
			if rapid.IntRange(0, 15).Draw(rt, "let it settle") == 0 {
				time.Sleep(racy + 5*time.Millisecond)
			}
		}
	})
}

func TestParseInstall(t *testing.T) {
	for _, c := range []struct {
		text string
		want install
		err  error
	}{
		{"[Unit]\nWantedBy=no\n[Install]\nWantedBy=a.target b.target\nRequiredBy=\"c.target\"\n", install{wanted: []string{"a.target", "b.target", "c.target"}}, nil},
		{"[Install]\nAlias=a.service\nAlias=\nAlias=b.service\n", install{aliases: []string{"b.service"}}, nil},
		{"[Install]\n# WantedBy=x\n;WantedBy=y\nWantedBy = a.target \\\n# between\n  b.target\n", install{wanted: []string{"a.target", "b.target"}}, nil},
		{"[Install]\r\nDefaultInstance=one\r\nAlso=x.socket\r\nUnknown=1\r\nno assignment\r\n[X-Other]\nAlias=z", install{instance: "one", also: []string{"x.socket"}}, nil},
		{"[Install\nWantedBy=a", install{}, errSyntax},
		{"", install{}, nil},
	} {
		got, err := parseInstall(c.text)
		if err != c.err || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q: %+v, %v, want %+v", c.text, got, err, c.want)
		}
	}
}

func FuzzParseInstall(f *testing.F) {
	f.Add("[Install]\nWantedBy=a.target\n")
	f.Fuzz(func(t *testing.T, text string) {
		if in, err := parseInstall(text); err == nil && in.rules() && !strings.Contains(text, "[Install]") {
			t.Errorf("rules from nothing: %+v", in)
		}
	})
}

func BenchmarkBootWarm1000(b *testing.B) {
	root := b.TempDir()
	var names []string
	for _, d := range []string{"/etc/systemd/system/multi-user.target.wants", "/run/systemd/system", "/usr/lib/systemd/system"} {
		if err := os.MkdirAll(root+d, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 1000 {
		n := fmt.Sprintf("s%04d.service", i)
		if err := os.WriteFile(root+"/etc/systemd/system/"+n, []byte("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"), 0o644); err != nil {
			b.Fatal(err)
		}
		if err := os.Symlink("../"+n, root+"/etc/systemd/system/multi-user.target.wants/"+n); err != nil {
			b.Fatal(err)
		}
		names = append(names, n)
	}
	time.Sleep(2 * racy)
	l := NewLinks(root)
	for range 2 {
		if _, err := l.Boot(names); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := l.Boot(names); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNames(t *testing.T) {
	root := t.TempDir()
	tree(t, root, `
		/usr/lib/systemd/system/a.service none
		/usr/lib/systemd/system/t@.service none
		/usr/lib/systemd/system/README none
		/usr/lib/systemd/system/b.service.d/10.conf none
		/etc/systemd/system/a.service none
		/etc/systemd/system/masked.timer -> /dev/null
		/etc/systemd/system/multi-user.target.wants/t@one.service -> /usr/lib/systemd/system/t@.service
		/run/systemd/system/b.socket none
	`)
	names, err := NewLinks(root).Names()
	must(t, err)
	want := []string{"a.service", "b.socket", "masked.timer", "t@.service", "t@one.service"}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
}
