package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A process that was started with something older is restarted, or waits for a
// human, as restartOn says; one that ran before evenkeel came is never
// restarted on evenkeel's own account.
func TestStaleProcess(t *testing.T) {
	restart := "Service/web file.write /etc/web.env FileDrift\nService/web systemd.restart web.service StaleProcess after [1]\n"
	cases := []struct {
		name string
		make func(h *host)
		want string
	}{
		{"restartOn files now", func(*host) {}, restart},
		{
			"restartOn files manual", func(h *host) { h.svc("web").Spec.RestartOn.Files = desired.Manual },
			"Service/web file.write /etc/web.env FileDrift\nheld Service/web PendingRestart\n",
		},
		{"reload where only files changed", func(h *host) {
			h.svc("web").Spec.Reload = true
			h.unit("web.service", func(u *state.Unit) { u.CanReload = true })
		}, strings.Replace(restart, "restart", "reload", 1)},
		{"adopted", func(h *host) {
			r := h.past.Ran["web.service"]
			r.Adopted = true
			h.past.Ran["web.service"] = r
		}, "Service/web file.write /etc/web.env FileDrift\nheld Service/web PendingRestart\n"},
		{
			"a package manager is at work", func(h *host) { h.have.Host.Value.Packages = true },
			"Service/web file.write /etc/web.env FileDrift\nheld Service/web PackageManager\n",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			env := func(content string) []desired.Artifact {
				return []desired.Artifact{{Path: "/etc/web.env", Digest: state.Digest([]byte(content)), Mode: 0o644, Owner: "root", Group: "root"}}
			}
			h.svc("web").Files = env("old")
			h.lies("/etc/web.env", "old")
			h.past.Ran = map[string]state.Ran{}
			h.settle()
			h.svc("web").Files = env("new")
			c.make(h)
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// After a reboot a process was started with what lay on disk, unless that has
// changed since: then nobody knows, and a human restarts it.
func TestStaleAfterAReboot(t *testing.T) {
	write := "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n"
	for name, c := range map[string]struct {
		make func(h *host)
		want string
	}{
		"what is declared anew restarts it":     {func(*host) {}, write + "Service/web systemd.restart web.service StaleProcess after [1 2]\n"},
		"it never ran before: it is adopted":    {func(h *host) { h.past.Ran = map[string]state.Ran{} }, write + "held Service/web PendingRestart\n"},
		"its file was changed since it started": {func(h *host) { h.changed("/etc/systemd/system/web.service", h.now.Wall.Add(-time.Minute)) }, write + "held Service/web PendingRestart\n"},
		"and after that systemd loaded its units": {func(h *host) {
			h.changed("/etc/systemd/system/web.service", h.now.Wall.Add(-time.Minute))
			h.have.Host.Value.UnitsLoaded = h.now.Wall
		}, write + "held Service/web PendingRestart\n"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost("web")
			h.now = state.Time{Wall: h.now.Wall.Add(time.Hour), Up: 10 * time.Minute, Boot: "b2"}
			h.unit("web.service", func(u *state.Unit) { u.Invocation = "i2-web.service" })
			h.have.Host.Value.UnitsLoaded = h.now.Wall.Add(-9 * time.Minute)
			c.make(h)
			h.see()
			h.settle()
			h.redeclare("web", "unit web v2")
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}
