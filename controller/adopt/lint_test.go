package adopt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/state"
)

func TestLint(t *testing.T) {
	unit := func(lines ...string) string {
		return "[Service]\nUser=nobody\nRestart=always\n" + strings.Join(lines, "\n") + "\n"
	}
	for _, c := range []struct {
		name string
		seen seen
		want string // parts of the findings, the worst first, parted by |
	}{
		{"well made", seen{file: unit("ExecStart=/usr/bin/x", "Environment=NODE_ENV=production PORT=80")}, ""},
		{"a program in /tmp", seen{file: unit("ExecStart=-/tmp/x --flag")}, "starts /tmp/x"},
		{"a program that is open to all", seen{file: unit("ExecStart=/bin/ok", "ExecStop=/srv/open")}, "starts /srv/open"},
		{"a secret by name", seen{file: unit("ExecStart=/bin/x", `Environment=A=1 "DB_PASSWORD=hush hush" B=2`)}, "a secret in Environment=DB_PASSWORD"},
		{"a secret in an address", seen{file: unit("ExecStart=/bin/x", "Environment=DATABASE=postgres://shop:hush@db/shop")}, "a secret in Environment=DATABASE"},
		{"a secret in a command", seen{file: unit("ExecStart=/bin/x --api-key=hush")}, "a secret in ExecStart="},
		{"a secret that was taken back", seen{file: unit("ExecStart=/bin/x", "Environment=TOKEN=hush", "Environment=")}, ""},
		{"where a secret lies", seen{file: unit("ExecStart=/bin/x --token-file=%d/token", "Environment=TOKEN=/run/credentials/token")}, ""},
		{"runs as root", seen{file: "[Service]\nExecStart=/bin/x\nRestart=always\n"}, "runs as root"},
		{"runs as root, bounded", seen{file: "[Service]\nExecStart=/bin/x\nRestart=always\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"}, ""},
		{"runs as nobody in particular", seen{file: "[Service]\nExecStart=/bin/x\nRestart=always\nDynamicUser=yes\n"}, ""},
		{"a package's runs as root", seen{file: "none", vendor: "[Service]\nExecStart=/bin/x\nRestart=always\n"}, ""},
		{"no Restart=", seen{unit: state.Unit{Restart: "no"}, file: unit("ExecStart=/bin/x")}, "no Restart="},
		{"no Restart=, for a timer", seen{unit: state.Unit{Restart: "no", TriggeredBy: []string{"a.timer"}}, file: unit("ExecStart=/bin/x")}, ""},
		{"no Restart=, ends by itself", seen{unit: state.Unit{Restart: "no", Type: "oneshot"}, file: unit("ExecStart=/bin/x")}, ""},
		{"forking blindly", seen{unit: state.Unit{Type: "forking"}, file: unit("ExecStart=/bin/x")}, "Type=forking without PIDFile="},
		{"KillMode=none", seen{file: unit("ExecStart=/bin/x", "KillMode=none")}, "KillMode=none"},
		{"all at once", seen{unit: state.Unit{Restart: "no"}, file: "[Service]\nExecStart=/tmp/x\nEnvironment=TOKEN=hush\n"}, "starts /tmp/x|TOKEN|root|no Restart="},
	} {
		c.seen.unit.ID = "a.service"
		h := hostOf(c.seen)
		h.Open = map[string]bool{"/srv/open": true}
		var got []string
		for _, f := range adopt.Lint(h, []string{"a.service"}) {
			got = append(got, f.Texts...)
		}
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "|")
		}
		ok := len(got) == len(want)
		for i := range min(len(got), len(want)) {
			ok = ok && strings.Contains(got[i], want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
		if strings.Contains(fmt.Sprint(got), "hush") {
			t.Errorf("%s: the secret itself is told: %q", c.name, got)
		}
	}
}

// The worst comes first; of two that are as bad, the one with more flaws.
func TestLintOrder(t *testing.T) {
	h := hostOf(
		seen{unit: state.Unit{ID: "a.service"}},
		seen{unit: state.Unit{ID: "b.service"}, file: "[Service]\nExecStart=/bin/x\n"},
		seen{unit: state.Unit{ID: "c.service", Restart: "no"}, file: "[Service]\nExecStart=/bin/x\n"},
		seen{unit: state.Unit{ID: "d.service"}, file: "[Service]\nExecStart=/tmp/x\nUser=x\n"},
		seen{unit: state.Unit{ID: "e.service", Load: "bad-setting"}, file: "[Service]\n"},
		seen{unit: state.Unit{ID: "f.timer"}, file: "[Timer]\n"},
	)
	h.Exposure = map[string]float64{"a.service": 9.6, "b.service": 8.9}
	var got []string
	for _, f := range adopt.Lint(h, []string{"a.service", "b.service", "c.service", "d.service", "e.service", "f.timer"}) {
		got = append(got, fmt.Sprintf("%s %d %d", f.Unit, f.Weight, len(f.Texts)))
	}
	if d := cmp.Diff([]string{"d.service 100 1", "c.service 60 2", "b.service 60 1", "a.service 9 1"}, got); d != "" {
		t.Error(d)
	}
	if p := adopt.Programs(h, []string{"b.service", "c.service", "d.service"}); fmt.Sprint(p) != "[/bin/x /tmp/x]" {
		t.Errorf("programs %v", p)
	}
}
