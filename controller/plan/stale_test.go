package plan_test

import (
	"strings"
	"testing"

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
