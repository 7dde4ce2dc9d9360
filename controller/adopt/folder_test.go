package adopt_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// platform is an estate whose services have much in common.
func platform() *adopt.Host {
	limits := "[Service]\nMemoryMax=512M\n"
	var units []seen
	for _, name := range []string{"backend", "catalog", "gateway", "search"} {
		id := "shop-" + name + ".service"
		units = append(units, seen{unit: state.Unit{ID: id}, dropIns: map[string]string{"/etc/systemd/system/" + id + ".d/10-limits.conf": limits}})
	}
	return hostOf(append(units,
		seen{unit: state.Unit{ID: "nginx.service"}, file: "none", dropIns: map[string]string{"/etc/systemd/system/nginx.service.d/10-limits.conf": "[Service]\nMemoryMax=1G\n"}},
		seen{unit: state.Unit{ID: "cron.service"}, file: "none"},
		seen{unit: state.Unit{ID: "once.service", Type: "oneshot", Active: "inactive", Boot: "static"}, file: "[Service]\nType=oneshot\nExecStart=/usr/bin/once\n"},
		seen{unit: state.Unit{ID: "once.timer"}, file: "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n"},
		seen{unit: state.Unit{ID: "once-timer.service", Active: "failed", Result: "timeout"}, file: "none"},
		seen{unit: state.Unit{ID: "Defaults.service"}, file: "none"},
	)...)
}

func idsOf(h *adopt.Host) []string {
	return adopt.All(h, policy).Units
}

// A whole folder: names, modelines, notes, what is shared.
func TestFolder(t *testing.T) {
	h := platform()
	f := made(t, h, idsOf(h)...)
	var got strings.Builder
	for _, file := range f.Files {
		fmt.Fprintf(&got, "== %s\n%s", file.Path, file.Content)
	}
	const golden = "testdata/folder.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Error(d)
	}
	if n := [4]int{f.Services, f.Defaults, f.UnitFiles, f.DropIns}; n != [4]int{10, 1, 6, 5} {
		t.Errorf("services, Defaults, unit files, drop-ins: %v", n)
	}
}

// Nothing is factored out unless the whole becomes shorter by it.
func TestDefaultsMustPay(t *testing.T) {
	for _, c := range []struct {
		services int
		want     int // Defaults
	}{{2, 0}, {3, 0}, {12, 1}} {
		var units []seen
		for i := range c.services {
			units = append(units, seen{unit: state.Unit{ID: fmt.Sprintf("app-%d.service", i)}})
		}
		h := hostOf(units...)
		f := made(t, h, idsOf(h)...)
		if f.Defaults != c.want {
			t.Errorf("%d services: %d Defaults, want %d", c.services, f.Defaults, c.want)
		}
	}
}

// Services that have no prefix to themselves are selected one by one.
func TestDefaultsForSome(t *testing.T) {
	units := []seen{{unit: state.Unit{ID: "v.1.service"}}}
	for _, id := range strings.Fields("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu") {
		units = append(units, seen{unit: state.Unit{ID: id + ".service"}}, seen{unit: state.Unit{ID: id + "-vendor.service"}, file: "none"})
	}
	h := hostOf(units...)
	f := made(t, h, idsOf(h)...)
	for _, file := range f.Files {
		if file.Path == "defaults.yaml" {
			if !strings.Contains(string(file.Content), `name=~\"alpha|beta|delta|epsilon|eta|gamma|iota|kappa|lambda|mu|theta|v[.]1|zeta\"`) {
				t.Errorf("%s", file.Content)
			}
			return
		}
	}
	t.Error("there are no Defaults")
}

// Files that would be invalid are referred to in a second try.
func TestRefer(t *testing.T) {
	h := hostOf(seen{unit: state.Unit{ID: "a.service"}, dropIns: map[string]string{"/etc/systemd/system/a.service.d/x.conf": "[Service]\nNice=1\n"}})
	f, err := adopt.Make(h, []string{"a.service"}, adopt.Options{Print: func(o []desired.Object) ([]byte, error) { return o[0].Spec, nil }, Refer: map[string]string{"a.service": "systemd refuses it"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(f.Files[0].Content); !strings.HasSuffix(got, `{"acceptDropIns":["x.conf"]}`) {
		t.Error(got)
	}
	if lost := texts(f.Lost); len(lost) != 1 || !strings.Contains(lost[0], "systemd refuses it") {
		t.Errorf("lost %q", lost)
	}
	if u := f.Units("a.yaml"); len(u) != 1 || u[0] != "a.service" {
		t.Errorf("a.yaml is about %v", u)
	}
}
