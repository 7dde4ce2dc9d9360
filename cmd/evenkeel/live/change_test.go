package live_test

import (
	"strings"
	"testing"
)

// What is declared changes, and the host follows.
func TestTheHostFollowsTheDeclaration(t *testing.T) {
	t.Parallel()
	b := boot(t, "change")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, c := range changeTests {
		t.Run(c.name, func(t *testing.T) { c.f(b.on(t)) })
	}
}

// invocation is which run of a unit this is.
func (b box) invocation(unit string) string {
	b.Helper()
	return b.sh("systemctl show -P InvocationID " + unit)
}

// follows changes a declaration and waits until the host has followed.
func (b box) follows(name, proof string, objects ...string) []step {
	b.Helper()
	before := b.history(name)
	revision := b.board().Revision
	b.declare(name, objects...)
	b.until("the new declaration is in force", func() string {
		if b.board().Revision == revision {
			return "still " + revision
		}
		return ""
	})
	b.comes(proof)
	return b.since(before, name)
}

const envFile = `{path: /etc/NAME/env, content: "A=VALUE\n"}`

func fileSpec(name, value string) string {
	return "files: [" + strings.NewReplacer("NAME", name, "VALUE", value).Replace(envFile) + "]"
}

var changeTests = []struct {
	name string
	f    func(box)
}{
	{"a changed unit file restarts", func(b box) {
		b.declare("unit", service("unit", sleeper()))
		b.well("unit")
		was := b.invocation("unit")
		before := b.history("unit")
		b.follows("unit", "test $(systemctl show -P Nice unit) = 4 && test $(ps -o ni= -p $(systemctl show -P MainPID unit)) = 4", service("unit", sleeper("Nice=4")))
		b.well("unit")
		b.only(b.since(before, "unit"), "file.write UnitFileDrift", "systemd.restart StaleProcess")
		if b.invocation("unit") == was {
			b.Error("it still runs as before")
		}
	}},
	{"a changed file restarts", func(b box) {
		b.declare("files", service("files", sleeper(), fileSpec("files", "1")))
		b.well("files")
		before := b.history("files")
		b.follows("files", "grep -qx A=2 /etc/files/env", service("files", sleeper(), fileSpec("files", "2")))
		b.well("files")
		b.only(b.since(before, "files"), "file.write FileDrift", "systemd.restart StaleProcess")
	}},
	{"restartOn manual waits for a human", func(b box) {
		spec := []string{"restartOn: {files: manual}"}
		b.declare("manual", service("manual", sleeper(), append(spec, fileSpec("manual", "1"))...))
		b.well("manual")
		was := b.invocation("manual")
		b.follows("manual", "grep -qx A=2 /etc/manual/env", service("manual", sleeper(), append(spec, fileSpec("manual", "2"))...))
		r := b.held("manual", "PendingRestart")
		if r.State != "WARN" {
			b.Errorf("a pending restart is %s on the board, want WARN", r.State)
		}
		if b.invocation("manual") != was {
			b.Error("it was restarted")
		}
		b.sh("systemctl restart manual")
		b.well("manual")
	}},
	{"reload: true reloads where only files changed", func(b box) {
		unit := sleeper("ExecReload=/bin/sh -c 'echo reloaded >> /run/soft.witness'")
		b.declare("soft", service("soft", unit, "reload: true", fileSpec("soft", "1")))
		b.well("soft")
		was := b.invocation("soft")
		before := b.history("soft")
		b.follows("soft", "test $(wc -l < /run/soft.witness) = 1", service("soft", unit, "reload: true", fileSpec("soft", "2")))
		b.well("soft")
		b.sh("test $(wc -l < /run/soft.witness) = 1")
		if b.invocation("soft") != was {
			b.Error("it was restarted")
		}
		b.only(b.since(before, "soft"), "file.write FileDrift", "systemd.reload StaleProcess")
	}},
	{"a watched symlink that is switched restarts", func(b box) {
		b.sh("mkdir -p /opt/deploy/v1 /opt/deploy/v2 && ln -s v1 /opt/deploy/current")
		b.declare("deploy", service("deploy", sleeper(), "watch: [/opt/deploy/current]"))
		b.well("deploy")
		was := b.invocation("deploy")
		did := b.heals("deploy", "ln -s v2 /opt/deploy/next && mv -T /opt/deploy/next /opt/deploy/current", "systemd.restart StaleProcess", "true")
		b.only(did, "systemd.restart StaleProcess")
		if b.invocation("deploy") == was {
			b.Error("it still runs as before")
		}
	}},
	{"what ran before evenkeel came is not restarted", func(b box) {
		b.write(unitDir+"/adopted.service", sleeper())
		b.sh("systemctl daemon-reload && systemctl enable -q --now adopted")
		was := b.invocation("adopted")
		b.declare("adopted", service("adopted", sleeper("Nice=2")))
		b.comes("grep -qx Nice=2 " + unitDir + "/adopted.service")
		b.held("adopted", "PendingRestart")
		if b.invocation("adopted") != was {
			b.Error("it was restarted")
		}
	}},
	{"a drop-in that is no longer declared leaves", func(b box) {
		b.declare("dropped", service("dropped", sleeper(), `dropIns: [{name: 10-nice.conf, content: "[Service]\nNice=5\n"}]`))
		b.well("dropped")
		b.sh("test $(ps -o ni= -p $(systemctl show -P MainPID dropped)) = 5")
		b.follows("dropped", "! test -e "+unitDir+"/dropped.service.d/10-nice.conf && test $(ps -o ni= -p $(systemctl show -P MainPID dropped)) = 0", service("dropped", sleeper()))
		b.well("dropped")
	}},
	{"state: stopped stops, and running starts again", func(b box) {
		b.declare("paused", service("paused", sleeper()))
		b.well("paused")
		b.follows("paused", "! systemctl is-active -q paused", service("paused", sleeper(), "state: stopped"))
		b.well("paused")
		b.follows("paused", "systemctl is-active -q paused", service("paused", sleeper()))
		b.well("paused")
	}},
	{"boot: masked masks, and enabled lifts our own mask", func(b box) {
		b.write("/usr/lib/systemd/system/shut.service", sleeper())
		b.sh("systemctl daemon-reload")
		b.declare("shut", object("shut", "unit: shut.service", "state: stopped", "boot: masked"))
		b.comes("test \"$(readlink " + unitDir + "/shut.service)\" = /dev/null")
		b.well("shut")
		b.follows("shut", "systemctl is-enabled -q shut && systemctl is-active -q shut", object("shut", "unit: shut.service", "boot: enabled"))
		b.well("shut")
	}},
	{"a renamed unit is let go", func(b box) {
		b.declare("renamed", service("renamed", sleeper(), "unit: old-name.service"))
		b.well("renamed")
		b.follows("renamed", "systemctl is-active -q new-name && ! systemctl is-active -q old-name && ! test -e "+unitDir+"/old-name.service",
			service("renamed", sleeper(), "unit: new-name.service"))
		b.well("renamed")
	}},
	{"no longer declared", leaves},
}

// What leaves the declaration is deleted, stopped or released, as it had asked.
func leaves(b box) {
	b.write("/usr/lib/systemd/system/bought.service", sleeper())
	b.sh("systemctl daemon-reload")
	b.declare("mine", service("mine", sleeper(), fileSpec("mine", "1")))
	b.declare("halted", service("halted", sleeper(), "onRemove: stop"))
	b.declare("freed", service("freed", sleeper(), "onRemove: release"))
	b.declare("bought", object("bought", "unit: bought.service"))
	b.well("mine", "halted", "freed", "bought")
	b.sh("rm " + desiredDir + "/mine.yaml " + desiredDir + "/halted.yaml " + desiredDir + "/freed.yaml " + desiredDir + "/bought.yaml")
	b.comes("! test -e " + unitDir + "/mine.service && ! systemctl is-active -q mine halted")
	b.until("all four are let go", func() string {
		for _, r := range b.board().Services {
			if r.Name == "mine" || r.Name == "halted" || r.Name == "freed" || r.Name == "bought" {
				return r.Name + " is still on the board"
			}
		}
		if p := b.diff(); !p.InSync {
			for _, s := range p.Steps {
				return s.Object + " " + s.Verb
			}
		}
		return ""
	})
	b.sh("systemctl is-active -q freed && systemctl is-active -q bought && systemctl is-enabled -q bought && test -e " + unitDir + "/halted.service && test -e " + unitDir + "/freed.service")
	b.sh("! systemctl cat mine 2>/dev/null && test $(systemctl show -P LoadState mine) = not-found && ! test -e /etc/mine/env")

	before := b.history("")
	b.sh("cd " + desiredDir + " && mkdir /root/away && mv *.yaml /root/away/ && cp /root/away/first.yaml .")
	b.until("what is emptied is held", func() string {
		for _, h := range b.diff().Held {
			if h.Reason == "Shrunk" {
				return ""
			}
		}
		return "no Shrunk"
	})
	if did := b.since(before, ""); len(did) > 0 {
		b.Errorf("the declaration was emptied, and: %v", did)
	}
	b.sh("systemctl is-active -q unit && mv /root/away/*.yaml " + desiredDir + "/")
	b.until("what came back is well", func() string {
		if r := b.row("unit"); r.State != "OK" {
			return r.State + " " + r.Reason
		}
		return ""
	})
	if did := b.since(before, ""); len(did) > 0 {
		b.Errorf("the declaration came back, and: %v", did)
	}
}
