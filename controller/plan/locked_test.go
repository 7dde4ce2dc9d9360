package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A file that this host cannot decrypt is not known, and nothing is written; what
// runs, runs on, and is still healed, but nothing is started without what it reads.
func TestAFileThatCannotBeDecrypted(t *testing.T) {
	const path = "/etc/web/pay.env"
	down := func(u *state.Unit) {
		u.Active, u.Sub, u.MainPID, u.Exited, u.Changed, u.Stop = "failed", "failed", 0, 9*time.Minute, 9*time.Minute, state.StopByExit
		u.Result = "exit-code"
	}
	held := "held Service/web Unobserved\n"
	for _, c := range []struct {
		name string
		make func(h *host)
		want string
	}{
		{"its service runs, and it lies there", func(*host) {}, held},
		{"it does not lie there", func(h *host) { h.gone(path) }, held},
		{"somebody changed it", func(h *host) { h.lies(path, "another") }, held},
		{"its mode is another", func(h *host) { h.have.Files[path] = changedMode(h, path) }, held},
		{
			"its service is down", func(h *host) { h.unit("web.service", down) },
			"Service/web systemd.start web.service Failed charged\n" + held,
		},
		{"its service is down, and it does not lie there", func(h *host) { h.gone(path); h.unit("web.service", down) }, held},
		{
			"its unit file changed, too", func(h *host) { h.redeclare("web", "new") },
			"Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\nService/web systemd.restart web.service StaleProcess after [1 2]\n" + held,
		},
		{
			"its unit file changed, and it does not lie there", func(h *host) { h.redeclare("web", "new"); h.gone(path) },
			"Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n" + held,
		},
		{"it is decrypted, and lies there", func(h *host) { h.unlock(path, "secret") }, ""},
		{
			"it is decrypted, and is another one", func(h *host) { h.unlock(path, "new") },
			"Service/web file.write /etc/web/pay.env FileDrift\nService/web systemd.restart web.service StaleProcess after [1]\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost("web")
			h.lies(path, "secret")
			h.svc("web").Files = []desired.Artifact{{
				Path: path, Sealed: []byte("age"), Locked: "it is encrypted, and the host's policy names no identity", Sensitive: true, Mode: 0o644, Owner: "root", Group: "root",
			}}
			h.past.Ran = map[string]state.Ran{}
			h.settle()
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			for _, s := range p.Held {
				if !strings.Contains(s.Detail, path+": it is encrypted, and the host's policy names no identity") {
					t.Errorf("held: %s", s.Detail)
				}
			}
			fixpoint(t, h, p)
		})
	}
}

// unlock gives the sealed file its content.
func (h *host) unlock(path, content string) {
	a, _, _ := h.want.Artifact(path)
	a.Content, a.Digest, a.Locked = []byte(content), state.Digest([]byte(content)), ""
}

func changedMode(h *host, path string) state.Fact[state.File] {
	f := h.have.Files[path]
	f.Value.Mode = 0o600
	return f
}
