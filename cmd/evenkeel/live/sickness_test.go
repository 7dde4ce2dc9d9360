package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// player is a unit file for the program that plays services, on a port.
func player(name string, port int, more ...string) string {
	return bare(append([]string{
		"Type=notify", "ExecStart=/usr/local/lib/pakashop/service", "Environment=SERVICE=" + name, fmt.Sprintf("Environment=PORT=%d", port),
	}, more...)...)
}

// live and readyProbe ask a player each second.
func liveProbe(port int) string {
	return fmt.Sprintf("livenessProbe: {httpGet: {path: /health, port: %d}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3}", port)
}

func readyProbe(port int) string {
	return fmt.Sprintf("readinessProbe: {httpGet: {path: /health/ready, port: %d}, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2}", port)
}

// fault has a player misbehave.
func (b box) fault(port int, kind string) {
	b.Helper()
	b.sh(fmt.Sprintf("curl -fsS -m 5 -X POST '127.0.0.1:%d/fault?kind=%s'", port, kind))
}

// reason waits until the board says of a service that it is in a state, for a reason.
func (b box) reason(name, state, reason string) {
	b.Helper()
	b.until(name+" is "+state+" "+reason, func() string {
		if r := b.row(name); r.State != state || r.Reason != reason {
			return fmt.Sprint(r)
		}
		return ""
	})
}

// did lists what evenkeel did to a service since it came up, verb and reason.
func (b box) did(name string) []string {
	b.Helper()
	out := []string{}
	for _, s := range b.history(name) {
		if s.Actuator == "systemd" && slices.Contains([]string{"start", "stop", "restart", "reset-failed"}, s.Verb) {
			out = append(out, s.Verb+" "+s.Reason)
		}
	}
	return out[min(1, len(out)):] // the first is how it came up
}

func (b box) wantDid(name string, want ...string) {
	b.Helper()
	if got := b.did(name); !slices.Equal(got, want) {
		b.Errorf("%s: did %q, want %q", name, got, want)
	}
}

// calls lists for which services a human was called.
func (b box) calls(name string) int {
	b.Helper()
	return b.count("journalctl --no-pager -o cat -u evenkeel | grep 'a human is needed' | grep 'Service/" + name + "\\b'")
}

// Each sickness gets what it needs, and no more: on a host of its own kind of
// services, all of which are struck in one run.
func TestSicknesses(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "sick")
	var estate []string
	add := func(name string, port int, unit []string, spec ...string) {
		estate = append(estate, service(name, player(name, port, unit...), append([]string{liveProbe(port)}, spec...)...))
	}
	add("hangs", 4001, nil)
	add("toggles", 4002, nil)
	add("stays-sick", 4003, []string{"ExecStartPost=/bin/sh -c 'test ! -e /run/stays-sick || curl -sS -X POST \"127.0.0.1:4003/fault?kind=unhealthy\"'"})
	add("breaks-others", 4004, []string{
		"ExecStartPost=/bin/sh -c 'test ! -e /run/breaks-others || for p in 4005 4006; do curl -sS -X POST \"127.0.0.1:$$p/fault?kind=unhealthy\"; done'",
	})
	add("broken-1", 4005, nil)
	add("broken-2", 4006, nil)
	add("slow-start", 4007, []string{"ExecStartPost=/bin/sh -c 'curl -sS -X POST \"127.0.0.1:4007/fault?kind=unhealthy&for=6s\"'"},
		"startupProbe: {httpGet: {path: /health, port: 4007}, periodSeconds: 1, failureThreshold: 20}")
	add("base", 4008, nil, readyProbe(4008))
	add("rests-on-base", 4009, []string{`Environment="DEPENDS=base=http://127.0.0.1:4008"`}, readyProbe(4009), "dependsOn: [base]")
	add("precious", 4010, nil, "stateful: true")
	estate = append(estate,
		service("crash-loops", bare("ExecStart="+whileBroken, `ExecStartPre=/bin/sh -c 'cut -d" " -f1 /proc/uptime >> /run/%N.starts'`), "limits: {restarts: 3, per: 30m, backoff: [1s, 2s, 4s]}"),
		service("flaps", conditional(bare("ExecStart=/bin/sh -c 'while ! test -e /run/%N.broken; do sleep 0.2; done; exit 1'", "Restart=always", "RestartSec=500ms"), "StartLimitIntervalSec=0")),
		"apiVersion: evenkeel.dev/v1\nkind: Endpoint\nmetadata: {name: outside}\nspec: {probe: {httpGet: {url: \"http://127.0.0.1:4999/\"}, periodSeconds: 1}}\n",
	)
	for i := range 12 { // so that what is struck is no fifth of all
		add(fmt.Sprintf("well-%d", i), 4100+i, nil)
	}
	b.declare("estate", estate...)
	b.keep()
	b.well("hangs", "toggles", "stays-sick", "breaks-others", "broken-1", "broken-2", "slow-start", "base", "rests-on-base", "precious", "crash-loops", "flaps")

	strike := func(name string, f func(b box)) {
		t.Run(name, func(t *testing.T) { f(b.on(t)) })
	}
	strike("a service that starts slowly is given its time", func(b box) { b.wantDid("slow-start") })
	strike("one that hangs is restarted, and well", func(b box) {
		b.fault(4001, "hang")
		b.until("hangs is restarted", func() string {
			if len(b.did("hangs")) == 0 {
				return "not yet"
			}
			return ""
		})
		b.well("hangs")
		b.wantDid("hangs", "restart LivenessFailed")
		if n := b.calls("hangs"); n > 0 {
			b.Errorf("a human was called %d times", n)
		}
	})
	strike("one that a restart does not help: restarted once, then a human is called, once", func(b box) {
		b.sh("touch /run/stays-sick")
		b.fault(4003, "unhealthy")
		b.reason("stays-sick", "FAIL", "Escalated")
		b.throughout(2*time.Second, func() { b.wantDid("stays-sick", "restart LivenessFailed") })
		if n := b.calls("stays-sick"); n != 1 {
			b.Errorf("a human was called %d times", n)
		}
		b.sh("rm /run/stays-sick")
		b.must(0, "retry", "stays-sick")
		b.well("stays-sick")
	})
	strike("what is precious is not restarted: a human is called", func(b box) {
		b.fault(4010, "unhealthy")
		b.reason("precious", "FAIL", "Escalated")
		b.wantDid("precious")
		b.fault(4010, "off")
		b.well("precious")
	})
	strike("a restart that breaks others stops the ladders", func(b box) {
		b.sh("touch /run/breaks-others")
		b.fault(4004, "unhealthy")
		b.reason("broken-1", "FAIL", "RemedyWorse")
		b.reason("broken-2", "FAIL", "RemedyWorse")
		b.throughout(2*time.Second, func() {
			b.wantDid("breaks-others", "restart LivenessFailed")
			b.wantDid("broken-1")
			b.wantDid("broken-2")
		})
		b.sh("rm /run/breaks-others")
		b.fault(4005, "off")
		b.fault(4006, "off")
		b.well("broken-1", "broken-2")
	})
	strike("what rests on one that hangs recovers with it", func(b box) {
		before := b.sh("systemctl show -P InvocationID rests-on-base")
		b.fault(4008, "hang")
		b.reason("rests-on-base", "HELD", "DependencySick")
		b.well("base", "rests-on-base")
		b.wantDid("base", "restart LivenessFailed")
		if b.sh("systemctl show -P InvocationID rests-on-base") != before {
			b.Error("what rests on it was restarted")
		}
	})
	strike("health that comes and goes: few acts, few calls", func(b box) {
		for range 4 { // it comes again as soon as it is gone
			did := len(b.did("toggles"))
			b.fault(4002, "unhealthy")
			b.until("it is noticed", func() string {
				if r := b.row("toggles"); r.State == "OK" && len(b.did("toggles")) == did {
					return fmt.Sprint(r)
				}
				return ""
			})
			_ = b.try("curl -sS -m 2 -X POST '127.0.0.1:4002/fault?kind=off'")
			b.well("toggles")
		}
		if did := b.did("toggles"); len(did) > 1 {
			b.Errorf("did %q", did)
		}
		if n := b.calls("toggles"); n > 1 {
			b.Errorf("a human was called %d times", n)
		}
	})
	strike("a crash loop is started with growing pauses, and a human is called, once", func(b box) {
		b.sh("touch /run/crash-loops.broken; systemctl kill -s KILL crash-loops")
		b.reason("crash-loops", "FAIL", "BudgetSpent")
		starts := slices.DeleteFunc(b.history("crash-loops"), func(s step) bool { return s.Verb != "start" })
		if n := len(starts) - 1; n > 3 {
			b.Errorf("it was started %d times", n)
		}
		// The witness: after the start that was well and the one at once, a pause of 1 s
		// and one of 2 s; they count from when evenkeel began, not from when systemd had.
		if out := b.sh(`awk 'NR > 2 && $1 - last < NR - 2.5 {print "start", NR, "after", $1 - last} {last = $1} END {if (NR != 4) print NR, "starts"}' /run/crash-loops.starts`); out != "" {
			b.Error(out)
		}
		if n := b.calls("crash-loops"); n != 1 {
			b.Errorf("a human was called %d times", n)
		}
		b.sh("rm /run/crash-loops.broken")
		b.must(0, "retry", "crash-loops")
		b.well("crash-loops")
	})
	strike("a unit that systemd restarts again and again: a human is called, once, and nothing is done", func(b box) {
		b.sh("touch /run/flaps.broken")
		b.reason("flaps", "FAIL", "Escalated")
		if r := b.row("flaps"); !strings.Contains(r.Detail, "restarted flaps.service") {
			b.Errorf("the board says %q", r.Detail)
		}
		b.wantDid("flaps")
		if n := b.calls("flaps"); n != 1 {
			b.Errorf("a human was called %d times", n)
		}
		b.sh("rm /run/flaps.broken")
	})
	strike("an endpoint that is down is on the board, and nothing is done", func(b box) {
		b.reason("outside", "FAIL", "EndpointDown")
		b.must(0, "diff", "--ignore-held")
	})
}
