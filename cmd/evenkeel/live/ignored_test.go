package live_test

import "testing"

// Where drift is ignored nothing that somebody changed is told or put back, and
// what is declared anew is still brought about.
func TestIgnoredDriftIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := boot(t, "ignored")
	declare := func(name, unit string, spec ...string) {
		b.declare(name, service(name, unit, append(spec,
			"dropIns: [{name: 10-nice.conf, content: \"[Service]\\nNice=5\\n\"}]",
			"files: [{path: /etc/"+name+"/env, content: \"A=1\\n\"}]")...))
	}
	declare("free", sleeper(), "drift: ignore")
	declare("kept", sleeper())
	b.keep()
	b.well("free", "kept")

	for _, by := range []string{
		byHand,
		"rm $U.d/10-nice.conf",
		"echo A=2 > /etc/$S/env",
		"systemctl disable -q $S",
		"sed -i s/infinity/1h/ $U && systemctl daemon-reload && systemctl restart $S",
		"rm $U && systemctl daemon-reload",
	} {
		t.Run(by, func(t *testing.T) {
			b := b.on(t)
			free, kept := b.history("free"), b.history("kept")
			b.sh(way{name: "free"}.fill(by))
			b.sh(way{name: "kept"}.fill(by)) // the same, where it is put back: then the first was seen, too
			b.until("the other one is put back", func() string {
				if len(b.since(kept, "kept")) == 0 {
					return "nothing is done yet"
				}
				return ""
			})
			b.well("free", "kept")
			if did := b.since(free, "free"); len(did) > 0 {
				b.Errorf("drift is ignored, and yet: %v", did)
			}
			for _, h := range b.diff().Held {
				if h.Object == "Service/free" {
					b.Errorf("drift is ignored, and told: %s %s", h.Reason, h.Detail)
				}
			}
		})
	}
	t.Run("state is no drift", func(t *testing.T) {
		b := b.on(t)
		declare("alive", sleeper(), "drift: ignore")
		b.well("alive")
		b.sh(way{name: "alive"}.fill("sed -i s/infinity/1h/ $U && systemctl daemon-reload"))
		did := b.heals("alive", "systemctl kill -s KILL alive", "systemd.start Failed", way{name: "alive"}.fill("systemctl is-active -q $S && grep -q 1h $U"))
		b.only(did, "systemd.start Failed")
	})
	t.Run("a declaration that moves", func(t *testing.T) {
		b := b.on(t)
		declare("moved", sleeper(), "drift: ignore")
		b.well("moved")
		before := b.history("moved")
		declare("moved", sleeper("CPUWeight=50"), "drift: ignore")
		b.comes("test $(systemctl show -P CPUWeight moved) = 50")
		b.well("moved")
		b.only(b.since(before, "moved"), "file.write UnitFileDrift", "systemd.restart StaleProcess")
	})
}
