package crash_test

import (
	"fmt"
	"os"
	"path/filepath"
)

// scenario is a difference between a host and its declaration that one verb of
// one actuator must mend, and a witness outside of evenkeel of how often that
// verb had its effect.
type scenario struct {
	verb    string // ACTUATOR.VERB
	target  string
	prepare func(b *box)        // once; what it declares is applied before the first round
	differ  func(b *box, n int) // makes the host differ in round n: by hand, or by another declaration
	count   func(b *box) int    // effects until now
	waves   int                 // how many times intents are written in one round
	notes   int                 // how many times notes are
	again   string              // why the effect may come twice after a crash; empty: it must not
}

const spec = "  limits: {restarts: 100000, per: 1h, backoff: [0s]}\n"

// x is the one service of most scenarios, with its own unit file.
func (b *box) x(inService, more string) string {
	return service("crash-x", spec+"  unitFile:\n    content: "+inline("      ", b.unit("crash-x", "", inService))+more)
}

func scenarios() []scenario {
	up := func(b *box) { b.declare(b.x("", "")) }
	unitSays := func(what string) func(b *box) int {
		return func(b *box) int { return b.seen("crash-x", what) }
	}
	called := func(call string) func(b *box) int {
		return func(b *box) int { return bus(b.T).count(call) }
	}
	const (
		link = wants + "/crash-x.service"
		mask = unitDir + "/crash-m.service"
		conf = "/etc/crash/x.conf"
		drop = unitDir + "/crash-x.service.d/50-foreign.conf"

		current = "/etc/crash/current"
	)
	release := func(b *box, n int) {
		b.declare(b.x("", fmt.Sprintf("  state: stopped\n  release: {dir: /etc/crash/releases, version: \"%d\"}\n", n&1)))
	}
	file := func(reload string) func(b *box, n int) {
		return func(b *box, n int) {
			b.declare(b.x("", reload+"  files: [{path: "+conf+", content: \""+fmt.Sprint(n)+"\"}]\n"))
		}
	}
	masked := func(b *box) { b.declare(service("crash-m", spec+"  state: stopped\n  boot: masked\n")) }
	vendored := func(b *box) {
		b.put(vendor+"/crash-m.service", b.unit("crash-m", "", ""))
		b.systemctl("daemon-reload")
	}
	return []scenario{
		{
			verb: "systemd.start", target: "crash-x.service", prepare: up, waves: 1, notes: 1,
			differ: func(b *box, _ int) { b.fails("crash-x.service") },
			count:  unitSays("start"),
		},
		{
			verb: "systemd.stop", target: "crash-x.service", waves: 1,
			prepare: func(b *box) { b.declare(b.x("", "  state: stopped\n")) },
			differ:  func(b *box, _ int) { b.systemctl("start", "crash-x.service") },
			count:   unitSays("stop"),
		},
		{
			verb: "systemd.restart", target: "crash-x.service", waves: 2, notes: 1,
			prepare: func(b *box) { file("")(b, -1) },
			differ:  file(""),
			count:   unitSays("start"),
		},
		{
			verb: "systemd.reload", target: "crash-x.service", waves: 2,
			prepare: func(b *box) { file("  reload: true\n")(b, -1) },
			differ:  file("  reload: true\n"),
			count:   unitSays("reload"),
			again:   "nothing on the host tells whether a service has read its files again",
		},
		{
			verb: "systemd.enable", target: "crash-x.service", prepare: up, waves: 2,
			differ: func(b *box, _ int) { b.systemctl("disable", "crash-x.service") },
			count:  came(link),
		},
		{
			verb: "systemd.disable", target: "crash-x.service", waves: 2,
			prepare: func(b *box) { b.declare(b.x("", "  boot: disabled\n")) },
			differ:  func(b *box, _ int) { b.systemctl("enable", "crash-x.service") },
			count:   went(link),
		},
		{
			verb: "systemd.mask", target: "crash-m.service", waves: 2,
			prepare: func(b *box) { vendored(b); masked(b) },
			differ:  func(b *box, _ int) { b.systemctl("unmask", "crash-m.service") },
			count:   came(mask),
		},
		{
			verb: "systemd.unmask", target: "crash-m.service", waves: 2,
			prepare: func(b *box) { vendored(b); masked(b) },
			differ: func(b *box, n int) {
				if n > 0 {
					masked(b)
					b.converge()
				}
				b.declare(service("crash-m", spec+"  state: stopped\n  boot: disabled\n"))
			},
			count: went(mask),
		},
		{
			verb: "systemd.daemon-reload", waves: 2,
			prepare: func(b *box) { b.declare(b.x("Nice=0", "  state: stopped\n")) },
			differ: func(b *box, n int) {
				b.declare(b.x(fmt.Sprintf("Nice=%d", 1+n%2), "  state: stopped\n"))
			},
			count: called("Reload"),
		},
		{
			verb: "systemd.reset-failed", target: "crash-l.service", waves: 2, notes: 1,
			prepare: func(b *box) {
				limited := b.unit("crash-l", "StartLimitIntervalSec=1h\nStartLimitBurst=1", "")
				b.declare(service("crash-l", spec+"  unitFile:\n    content: "+inline("      ", limited)))
			},
			differ: func(b *box, _ int) {
				b.systemctl("stop", "crash-l.service")
				// One more than its limit: systemd refuses, and counts it as failed for that.
				if b.try("systemctl", "start", "crash-l.service") == nil {
					b.Fatal("crash-l does not hit its start limit")
				}
			},
			count: called("ResetFailedUnit crash-l.service"),
			again: "to clear a start limit twice clears it once",
		},
		{
			verb: "file.write", target: conf, waves: 1,
			prepare: func(b *box) {
				b.declare(b.x("", "  state: stopped\n  files: [{path: "+conf+", content: \"as declared\"}]\n"))
			},
			differ: func(b *box, n int) { b.put(conf, fmt.Sprint("by hand ", n)) },
			count:  came(conf),
		},
		{
			verb: "file.write", target: current, waves: 1,
			prepare: func(b *box) {
				for _, v := range []string{"0", "1"} {
					b.put("/etc/crash/releases/"+v+"/app", v)
				}
				release(b, -1)
			},
			differ: release,
			count:  came(current),
		},
		{
			verb: "file.remove", target: drop, waves: 2,
			prepare: func(b *box) {
				b.ok(os.MkdirAll(filepath.Dir(drop), 0o755))
				b.declare(b.x("", "  state: stopped\n  foreignDropIns: enforce\n"))
			},
			differ: func(b *box, n int) { b.put(drop, fmt.Sprintf("[Service]\nNice=%d\n", 1+n%2)) },
			count:  went(drop),
		},
	}
}

// watched are the folders whose names the witness follows.
var watched = []string{unitDir, wants, unitDir + "/crash-x.service.d", "/etc/crash"}

func came(path string) func(b *box) int {
	return func(b *box) int { b.names.take(); return b.names.came[path] }
}

func went(path string) func(b *box) int {
	return func(b *box) int { b.names.take(); return b.names.went[path] }
}
