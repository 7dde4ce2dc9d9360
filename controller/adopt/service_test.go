package adopt_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// What of a unit is written down, and what is said about it.
func TestServices(t *testing.T) {
	for _, c := range []struct {
		name string
		seen seen
		want string // the spec in YAML
		note string // part of what is noted; empty: nothing is
		lost string // part of what could not be expressed; empty: everything was
	}{
		{"a plain one", seen{unit: state.Unit{ID: "a.service"}}, "unitFile:\n  source: units/a.service\n", "", ""},
		{"a package's", seen{unit: state.Unit{ID: "a.service"}, file: "none"}, "{}", "", ""},
		{
			"a package's with a drop-in",
			seen{unit: state.Unit{ID: "a.service"}, file: "none", dropIns: map[string]string{"/etc/systemd/system/a.service.d/override.conf": "[Service]\nNice=1\n"}},
			"dropIns:\n  - name: override.conf\n    source: units/a.service.d/override.conf\n", "", "",
		},
		{"a timer", seen{unit: state.Unit{ID: "once.timer"}, file: "none"}, "unit: once.timer\n", "", ""},
		{"an instance", seen{unit: state.Unit{ID: "x@1.service"}, file: "none"}, "{}", "", ""},
		{
			"an instance of a template in /etc",
			seen{unit: state.Unit{ID: "x@1.service", Fragment: "/etc/systemd/system/x@.service"}, file: "none"},
			"{}", "template /etc/systemd/system/x@.service is referred to", "",
		},
		{
			"drop-ins of its template",
			seen{unit: state.Unit{ID: "x@1.service", DropIns: []string{"/etc/systemd/system/x@.service.d/a.conf"}}, file: "none"},
			"{}", "/etc/systemd/system/x@.service.d/a.conf shapes it, too", "",
		},
		{"an escaped name", seen{unit: state.Unit{ID: `a@b\x2dc.service`}, file: "none"}, `unit: "a@b\\x2dc.service"` + "\n", "", ""},
		{"a link", seen{unit: state.Unit{ID: "a.service"}, link: "/opt/a.service"}, "{}", "is a link to /opt/a.service", ""},
		{"in /run", seen{unit: state.Unit{ID: "a.service", Fragment: "/run/systemd/system/a.service", Boot: "static"}, file: "none"}, "{}", "gone at the next boot", ""},
		{"generated", seen{unit: state.Unit{ID: "a.service", Fragment: "/run/systemd/generator.late/a.service", Boot: "generated", Sub: "exited"}, file: "none"}, "{}", "", ""},
		{
			"set-property",
			seen{unit: state.Unit{ID: "a.service", DropIns: []string{"/etc/systemd/system.control/a.service.d/50-CPUWeight.conf"}}, file: "none"},
			"{}", "", "",
		},
		{"a database", seen{unit: state.Unit{ID: "postgresql@15-main.service", Boot: "enabled-runtime"}, file: "none"}, "stateful: true\n", "", ""},

		{"stopped", seen{unit: state.Unit{ID: "a.service", Active: "inactive", Sub: "dead"}, file: "none"}, "state: stopped\n", "", ""},
		{"failed", seen{unit: state.Unit{ID: "a.service", Active: "failed", Result: "exit-code"}, file: "none"}, "state: ignored\n", "had failed (exit-code)", ""},
		{"between two tries", seen{unit: state.Unit{ID: "a.service", Active: "activating", Sub: "auto-restart"}, file: "none"}, "state: ignored\n", "activating (auto-restart)", ""},
		{"stopping", seen{unit: state.Unit{ID: "a.service", Active: "deactivating", Sub: "stop-sigterm"}, file: "none"}, "state: ignored\n", "deactivating", ""},
		{"a job is queued", seen{unit: state.Unit{ID: "a.service", Job: state.Job{ID: 7, Type: "restart"}}, file: "none"}, "state: ignored\n", "when it was imported", ""},
		{"its condition was not met", seen{unit: state.Unit{ID: "a.service", Active: "inactive", ConditionAt: before}, file: "none"}, "state: ignored\n", "a condition", ""},
		{"at rest until its socket is asked", seen{unit: state.Unit{ID: "a.service", Active: "inactive", Boot: "static", TriggeredBy: []string{"a.socket"}}, file: "none"}, "state: ignored\n", "", ""},
		{"its socket was asked", seen{unit: state.Unit{ID: "a.service", Boot: "static", TriggeredBy: []string{"a.socket"}}, file: "none"}, "{}", "", ""},
		{"ends by itself", seen{unit: state.Unit{ID: "a.service", Active: "inactive", Boot: "static", Type: "oneshot"}, file: "none"}, "state: ignored\n", "", ""},
		{"ends by itself, and failed", seen{unit: state.Unit{ID: "a.service", Active: "failed", Boot: "static", Type: "oneshot"}, file: "none"}, "state: ignored\n", "", ""},
		{"a oneshot that remains", seen{unit: state.Unit{ID: "a.service", Sub: "exited", Type: "oneshot", Remain: true}, file: "none"}, "{}", "", ""},
		{
			"ends by itself once it is loaded",
			seen{unit: state.Unit{ID: "a.service", NeedReload: true, Boot: "static"}, file: "[Service]\nType=oneshot\nExecStart=/bin/true\n"},
			"state: ignored\nunitFile:\n  source: units/a.service\n", "", "DaemonReloadNeeded",
		},

		{"masked", seen{unit: state.Unit{ID: "a.service", Load: "masked", Boot: "masked", Active: "inactive"}, link: "/dev/null"}, "state: stopped\nboot: masked\n", "", ""},
		{"masked and still running", seen{unit: state.Unit{ID: "a.service", Load: "loaded", Boot: "masked"}, link: "/dev/null"}, "boot: masked\n", "", ""},
		{"masked until the next boot", seen{unit: state.Unit{ID: "a.service", Load: "masked", Boot: "masked-runtime", Active: "inactive"}, file: "none"}, "state: stopped\nboot: ignored\n", "until the next boot", ""},
		{"disabled", seen{unit: state.Unit{ID: "a.service", Boot: "disabled"}, file: "none"}, "boot: disabled\n", "", ""},
		{"disabled, and ours", seen{unit: state.Unit{ID: "a.service", Boot: "disabled"}}, "boot: disabled\nunitFile:\n  source: units/a.service\n", "", ""},
		{"without [Install]", seen{unit: state.Unit{ID: "a.service", Boot: "static"}, file: "[Service]\nExecStart=/bin/x\n"}, "unitFile:\n  source: units/a.service\n", "", ""},
		{"enabled by a link alone", seen{unit: state.Unit{ID: "a.service"}, file: "[Service]\nExecStart=/bin/x\n"}, "unitFile:\n  source: units/a.service\n", "a link in a .wants folder", ""},
		{
			"[Install] asks for others only",
			seen{unit: state.Unit{ID: "a.service", Boot: "indirect"}, file: "[Service]\nExecStart=/bin/x\n[Install]\nAlso=b.service\n"},
			"boot: ignored\nunitFile:\n  source: units/a.service\n", "", "",
		},

		{"edited without daemon-reload", seen{unit: state.Unit{ID: "a.service", NeedReload: true}}, "unitFile:\n  source: units/a.service\n", "", "DaemonReloadNeeded"},
		{"a mode of its own", seen{unit: state.Unit{ID: "a.service"}, mode: 0o755}, "{}", "", "its mode is 0755"},
		{"systemd cannot load it", seen{unit: state.Unit{ID: "a.service", Load: "bad-setting", Active: "inactive", Boot: "static"}}, "state: ignored\n", "", "cannot load it (bad-setting)"},
		{"what would not be valid", seen{unit: state.Unit{ID: "a.service"}, file: "[Service]\nExecStart=/bin/x\nWantedBy=multi-user.target\n"}, "{}", "", "line 3 WantedBy= belongs in [Install]"},
		{
			"a drop-in in /run",
			seen{unit: state.Unit{ID: "a.service"}, file: "none", dropIns: map[string]string{"/run/systemd/system/a.service.d/50-x.conf": "[Service]\nNice=1\n"}},
			"acceptDropIns:\n  - \"50-x.conf\"\n", "gone at the next boot", "",
		},
		{
			"a drop-in that is a link",
			seen{unit: state.Unit{ID: "a.service"}, file: "none", dropIns: map[string]string{"/etc/systemd/system/a.service.d/x.conf": "-> /dev/null"}},
			"acceptDropIns:\n  - x.conf\n", "it is a link to /dev/null", "",
		},
		{
			"a drop-in with a strange name",
			seen{unit: state.Unit{ID: "a.service"}, file: "none", dropIns: map[string]string{"/etc/systemd/system/a.service.d/my drop-in.conf": "[Service]\nNice=1\n"}},
			"foreignDropIns: ignore\n", "", "cannot be declared",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := made(t, hostOf(c.seen), c.seen.unit.ID)
			var got string
			for _, file := range f.Files {
				if strings.HasSuffix(file.Path, ".yaml") {
					_, spec, _ := strings.Cut(string(file.Content), "\nspec:")
					got = strings.TrimPrefix(strings.ReplaceAll(spec, "\n  ", "\n"), "\n")
				}
			}
			if strings.TrimSpace(got) != strings.TrimSpace(c.want) {
				t.Errorf("spec:\n%s\nwant:\n%s", got, c.want)
			}
			for _, told := range []struct {
				what string
				got  []string
				want string
			}{{"notes", texts(f.Notes), c.note}, {"not expressed", texts(f.Lost), c.lost}} {
				if said := strings.Join(told.got, "\n"); said != "" && told.want == "" || !strings.Contains(said, told.want) {
					t.Errorf("%s: %q, want %q", told.what, said, told.want)
				}
			}
		})
	}
}

// What changed after systemd loaded its units is told even where systemd's own
// word misses it, because planning does not miss it.
func TestYoungerThanTheLoad(t *testing.T) {
	h := hostOf(seen{unit: state.Unit{ID: "a.service"}}, seen{unit: state.Unit{ID: "b.service"}})
	file := h.World.Files["/etc/systemd/system/b.service"]
	file.Value.Changed = loaded.Add(time.Second)
	h.World.Files["/etc/systemd/system/b.service"] = file
	lost := texts(made(t, h, "a.service", "b.service").Lost)
	if len(lost) != 1 || !strings.HasPrefix(lost[0], "b.service: ") || !strings.Contains(lost[0], "DaemonReloadNeeded") {
		t.Errorf("lost %q, want b.service alone", lost)
	}
}
