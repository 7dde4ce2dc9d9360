package live_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// deed is a line of `history -o json` as far as it says who did something.
type deed struct {
	Object, Verb, Reason, Actor, Outcome, Detail string
}

// deeds lists what was done by hand to a service, the oldest first.
func (b box) deeds(name string) (out []deed) {
	b.Helper()
	for line := range strings.Lines(b.must(0, "history", "-o", "json", "-n", "10000", name).out) {
		var d deed
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			b.Fatalf("history: %v: %s", err, line)
		}
		if d.Reason == "ByHand" {
			out = append(out, d)
		}
	}
	return out
}

// says demands of a verb its exit code, and words of what it says.
func (b box) says(code int, words string, args ...string) {
	b.Helper()
	if r := b.must(code, args...); !strings.Contains(r.out+r.err, words) {
		b.Errorf("evenkeel %s does not say %q:\n%s%s", strings.Join(args, " "), words, r.out, r.err)
	}
}

// lacks asks about a service, and says what the answer lacks, if it does.
func (b box) lacks(verb, name, words string) string {
	b.Helper()
	if r := b.evenkeel(verb, name); !strings.Contains(strings.Join(strings.Fields(r.out), " "), words) {
		return verb + " does not say " + words + ":\n" + r.out + r.err
	}
	return ""
}

// Each verb by hand, as somebody types it: its exit code, what it says, what is
// then so on the host, and what the record says of it.
func TestTheVerbsByHand(t *testing.T) {
	t.Parallel()
	b := boot(t, "hand")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for name, f := range handTests {
		t.Run(name, func(t *testing.T) { f(b.on(t)) })
	}
}

var handTests = map[string]func(box){
	"restart": func(b box) {
		b.declare("again", service("again", sleeper()))
		b.well("again")
		was := b.invocation("again")
		b.says(0, "done    Service/again  restart", "restart", "again", "--reason", "new libssl")
		if b.invocation("again") == was {
			b.Error("it runs as before")
		}
		d := b.deeds("again")
		if len(d) != 1 || d[0].Verb != "restart" || d[0].Outcome != "done" || !strings.HasPrefix(d[0].Actor, "root") {
			b.Errorf("recorded: %+v", d)
		}
	},
	"stop, and start": func(b box) {
		b.declare("halted", service("halted", sleeper()))
		b.well("halted")
		b.says(0, "evenkeel resume halted", "stop", "halted.service", "--for", "2h")
		b.sh("! systemctl is-active -q halted")
		b.held("halted", "Suspended")
		b.sh("systemctl restart evenkeel")
		b.held("halted", "Suspended")
		b.says(0, "done", "start", "halted")
		b.well("halted")
		b.sh("systemctl is-active -q halted")
		b.heals("halted", "systemctl kill -s KILL halted", "systemd.start Failed", "systemctl is-active -q halted")
	},
	"reload": func(b box) {
		b.declare("reread", service("reread", sleeper("ExecReload=/bin/touch /run/reread.witness")), service("deaf", sleeper()))
		b.well("reread", "deaf")
		b.says(0, "done    Service/reread", "reload", "reread")
		b.sh("test -e /run/reread.witness")
		b.says(1, "no ExecReload=", "reload", "reread", "deaf")
		b.says(2, "name a service", "reload")
	},
	"a start that fails": func(b box) {
		b.declare("weakling", service("weakling", bare("ExecStartPre=/bin/sh -c '! test -e /run/weakling.broken'", "ExecStart=/bin/sleep infinity"), "limits: {restarts: 1, per: 1h, backoff: [1s]}"))
		b.well("weakling")
		b.sh("touch /run/weakling.broken; systemctl kill -s KILL weakling")
		b.held("weakling", "BudgetSpent")
		b.says(1, "failed  Service/weakling  start", "start", "weakling")
		b.sh("rm /run/weakling.broken")
		b.says(0, "begin anew", "retry", "weakling")
		b.well("weakling")
	},
	"systemd's own start limit": func(b box) {
		unit := strings.Replace(sleeper(), "[Service]", "StartLimitBurst=2\nStartLimitIntervalSec=1h\n[Service]", 1)
		b.declare("capped", service("capped", unit, "limits: {restarts: 1, per: 1h, backoff: [1h]}"))
		b.well("capped")
		b.must(0, "suspend", "capped")
		b.sh("for i in 1 2 3; do systemctl restart capped; done; systemctl show -P Result capped | grep -qx start-limit-hit")
		b.says(0, "done", "start", "capped")
		b.sh("systemctl is-active -q capped")
		b.must(0, "resume", "capped")
		b.well("capped")
	},
	"a chain, restarted along it and stopped against it": func(b box) {
		log := func(n string) string {
			return sleeper("ExecStartPre=/bin/sh -c 'echo start "+n+" >> /run/link.log'", "ExecStopPost=/bin/sh -c 'echo stop "+n+" >> /run/link.log'")
		}
		b.declare("link", service("link1", log("1")), service("link2", log("2"), "dependsOn: [link1]"), service("link3", log("3"), "dependsOn: [{name: link2, kind: order}]"))
		b.well("link1", "link2", "link3")
		said := func(want string, args ...string) {
			b.Helper()
			b.sh("rm -f /run/link.log")
			b.must(0, args...)
			if got := strings.ReplaceAll(b.sh("cat /run/link.log"), "\n", ", "); got != want {
				b.Errorf("%v: %s, want %s", args, got, want)
			}
		}
		said("stop 1, start 1, stop 2, start 2, stop 3, start 3", "restart", "link3", "link1", "link2")
		said("stop 3, stop 2, stop 1", "stop", "link1", "link2", "link3")
		said("start 1, start 2, start 3", "start", "link2", "link3", "link1")
		b.well("link1", "link2", "link3")
	},
	"suspend, and resume": func(b box) {
		b.declare("paused-one", service("paused-one", sleeper(), patient))
		b.well("paused-one")
		b.says(0, "evenkeel resume paused-one", "pause", "paused-one", "--for", "1d", "--reason", "debugging")
		b.holds("paused-one", "systemctl kill -s KILL paused-one", "Suspended", "")
		if r := b.row("paused-one"); !strings.Contains(r.Detail, "debugging") {
			b.Errorf("the board does not say why: %s", r.Detail)
		}
		b.says(0, "in evenkeel's hands again", "unpause", "paused-one")
		b.well("paused-one")
		b.says(0, "was not suspended", "resume", "paused-one")
		b.must(0, "suspend", "host", "--for", "30m")
		b.holds("paused-one", "systemctl kill -s KILL paused-one", "Suspended", "")
		b.must(0, "resume", "host")
		b.well("paused-one")
	},
	"hold": func(b box) {
		b.declare("kept-off", service("kept-off", sleeper(), patient))
		b.well("kept-off")
		r := b.try("evenkeel hold kept-off -- sh -c 'systemctl kill -s KILL kept-off; until evenkeel status kept-off | grep -q Suspended; do sleep 0.05; done; systemctl is-active -q kept-off && exit 9; exit 7'")
		if r.code != 7 || !strings.Contains(r.err, "while sh runs") {
			b.Errorf("hold: exit %d, want the command's 7\n%s%s", r.code, r.out, r.err)
		}
		b.well("kept-off")
		b.says(2, "--", "hold", "kept-off")
		b.says(4, "unknown", "hold", "nobody-knows", "--", "true")
		b.says(2, "no-such-program", "hold", "kept-off", "--", "/no-such-program")
	},
	"approve": func(b box) {
		b.write(policyFile, "mode: enforce\nunits: ['*']\npaths: [/**]\nsignatures: none\nactions: {restart: approve}\n")
		b.declare("asked", service("asked", sleeper()))
		b.well("asked")
		was := b.invocation("asked")
		b.declare("asked", service("asked", sleeper("Nice=3")))
		detail := b.held("asked", "AwaitingApproval").Detail
		id := regexp.MustCompile(`evenkeel approve (\w+)`).FindStringSubmatch(detail)
		if id == nil {
			b.Fatalf("the board does not say how to approve: %s", detail)
		}
		b.says(4, "no step", "approve", "ffffffffffff")
		b.says(4, "no step", "approve", id[1], "ffffffffffff")
		if b.invocation("asked") != was {
			b.Error("it was restarted without approval")
		}
		b.says(0, "is approved", "approve", id[1])
		b.well("asked")
		if b.invocation("asked") == was {
			b.Error("it runs as before")
		}
		b.says(0, "done", "restart", "asked") // asking is approving
		b.sh("rm " + policyFile)
	},
	"accept": func(b box) {
		b.declare("edited", service("edited", sleeper()))
		b.well("edited")
		b.says(1, "no foreign drop-in", "accept", "edited")
		b.write(unitDir+"/edited.service.d/90-mine.conf", "[Service]\nNice=4\n")
		b.until("seen", func() string {
			if r := b.row("edited"); r.Reason != "ForeignDropIn" {
				return r.State + " " + r.Reason
			}
			return ""
		})
		b.says(0, "acceptDropIns", "accept", "edited")
		b.until("accepted", func() string {
			if r := b.row("edited"); r.Reason == "ForeignDropIn" {
				return r.State + " " + r.Reason
			}
			return ""
		})
	},
	"release": func(b box) {
		b.declare("freed-by-hand", service("freed-by-hand", sleeper(), patient))
		b.well("freed-by-hand")
		b.says(0, "nothing on the host has changed", "release", "freed-by-hand")
		b.sh("systemctl is-active -q freed-by-hand && test -e " + unitDir + "/freed-by-hand.service")
		b.holds("freed-by-hand", "systemctl kill -s KILL freed-by-hand; echo '# mine' >> "+unitDir+"/freed-by-hand.service", "Suspended", "! systemctl is-active -q freed-by-hand")
		b.must(0, "resume", "freed-by-hand")
		b.well("freed-by-hand")
		b.sh("! grep -q mine " + unitDir + "/freed-by-hand.service")
	},
	"restart --pending": func(b box) {
		b.says(0, "no service waits", "restart", "--pending")
		b.write(unitDir+"/before-us.service", sleeper())
		b.sh("systemctl daemon-reload && systemctl enable -q --now before-us")
		b.declare("before-us", service("before-us", sleeper("Nice=2")))
		b.held("before-us", "PendingRestart")
		b.says(0, "done    Service/before-us", "restart", "--pending")
		b.well("before-us")
		b.sh("test $(systemctl show -P Nice before-us) = 2")
	},
	"a mask": func(b box) {
		b.write("/usr/lib/systemd/system/veil.service", sleeper())
		b.sh("systemctl daemon-reload")
		b.declare("veil", object("veil", "unit: veil.service"))
		b.well("veil")
		b.sh("systemctl mask -q --now veil")
		b.held("veil", "Masked")
		b.says(1, "Masked", "start", "veil", "--timeout", "2s")
		b.sh("test $(readlink " + unitDir + "/veil.service) = /dev/null && ! systemctl is-active -q veil")
		b.sh("systemctl unmask -q veil")
		b.comes("! test -e " + unitDir + "/veil.service")
		if d := b.deeds("veil"); len(d) > 0 {
			b.Errorf("what was withdrawn is done: %+v", d)
		}
	},
	"a stop that is withdrawn": func(b box) {
		b.declare("spared", service("spared", sleeper(), patient))
		b.well("spared")
		// Nothing may be stopped, so that it waits; then somebody presses Ctrl-C.
		b.sh("touch " + stopFile)
		b.sh("systemd-run -q -r --unit=asking evenkeel stop spared --for 5h")
		b.until("it is suspended", func() string { return b.lacks("why", "spared", "is left as it is after stop by hand") })
		b.sh("systemctl kill -s INT asking")
		b.comes("systemctl is-failed -q asking && test $(systemctl show -P ExecMainStatus asking) = 1")
		b.log("asking", "spared is not suspended: nothing of its stop had begun")
		b.log("asking", "what has not begun is withdrawn")
		b.sh("rm " + stopFile)
		b.well("spared")
		b.heals("spared", "systemctl kill -s KILL spared", "systemd.start Failed", "systemctl is-active -q spared")

		// What was suspended before stays so, for as long as that was said.
		b.must(0, "suspend", "spared", "--for", "20m", "--reason", "debugging")
		b.sh("touch " + stopFile)
		b.says(1, "spared is suspended as it was before: spared is suspended by root", "stop", "spared", "--for", "5h", "--timeout", "1s")
		b.sh("rm " + stopFile)
		if lacks := b.lacks("why", "spared", "it ends after 20m"); lacks != "" {
			b.Error(lacks)
		}
		b.sh("systemctl is-active -q spared")
		b.must(0, "resume", "spared")

		// One that has begun goes on to its end, and stays.
		b.declare("halting", service("halting", sleeper("ExecStop=/bin/sh -c 'until test -e /run/halting.go; do sleep 0.05; done'")))
		b.well("halting")
		b.says(1, "its stop has begun: halting stays suspended", "stop", "halting", "--timeout", "1s")
		b.sh("touch /run/halting.go")
		b.comes("systemctl show -P ActiveState halting | grep -qx inactive")
		b.held("halting", "Suspended")
	},
	"the last word counts": func(b box) {
		b.declare("fickle", service("fickle", sleeper("ExecStop=/bin/sh -c 'until test -e /run/fickle.go; do sleep 0.05; done'")))
		b.well("fickle")
		// Two restarts, of which the first is under way, then a stop.
		b.sh(`evenkeel restart fickle & evenkeel restart fickle &
		      until systemctl show -P ActiveState fickle | grep -qx deactivating; do sleep 0.05; done
		      evenkeel stop fickle & touch /run/fickle.go; wait`)
		b.held("fickle", "Suspended")
		b.sh("! systemctl is-active -q fickle")
	},
	"what is unknown, makes no sense, or must not be": func(b box) {
		for _, verb := range []string{"start", "stop", "restart", "reload", "suspend", "resume", "retry", "accept", "release"} {
			b.says(4, "did you mean first?", verb, "frist")
			b.says(2, "name a service", verb)
			b.says(2, "-l", verb, "-l", "=~")
			b.says(4, "no service has labels", verb, "-l", "tier=none")
		}
		for _, verb := range []string{"start", "stop", "restart", "reload", "retry", "accept", "release"} {
			b.says(2, "for services", verb, "host")
		}
		b.says(2, "30d", "suspend", "first", "--for", "60d")
		b.says(2, "--for", "stop", "first", "--for", "0.5 fortnights")
		b.says(2, "", "approve")
		b.must(0, "reconcile")
		b.says(2, "no controller is running", "restart", "first", "--socket", "/run/no-such.sock")
		if d := b.deeds("first"); len(d) > 0 {
			b.Errorf("and yet it was done: %+v", d)
		}
	},
	"every verb shows in the record who asked": func(b box) {
		b.declare("signed", service("signed", sleeper()))
		b.well("signed")
		b.sh("SUDO_USER=anna SSH_CONNECTION='203.0.113.7 5 10.0.0.1 22' evenkeel restart signed --reason 'because of that'")
		d := b.deeds("signed")
		if len(d) != 1 || d[0].Actor != "anna (sudo) from 203.0.113.7" {
			b.Errorf("recorded: %+v", d)
		}
		out := b.sh("journalctl --no-pager -o cat -u evenkeel")
		if !slices.ContainsFunc(strings.Split(out, "\n"), func(l string) bool {
			return strings.Contains(l, "a human asks") && strings.Contains(l, "anna (sudo) from 203.0.113.7") && strings.Contains(l, "because of that")
		}) {
			b.Error("the log does not say who asked, and why")
		}
	},
}
