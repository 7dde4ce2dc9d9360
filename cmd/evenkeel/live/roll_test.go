package live_test

import (
	"fmt"
	"strings"
	"testing"
)

// checked starts only if its configuration is good, as programs do: a while
// after systemd takes it for started.
func checked(name string) string {
	return bare("ExecStart=/bin/sh -c 'sleep 0.2; grep -q good /etc/" + name + "/env || exit 1; exec sleep infinity'")
}

// A commit that restarts much of a host restarts one service at a time, and
// stops where one does not come up.
func TestACommitRolls(t *testing.T) {
	t.Parallel()
	b := boot(t, "roll")
	b.write("/etc/evenkeel/policy.yaml", "mode: enforce\nunits: ['*']\npaths: [/**]\nsignatures: none\nbudgets: {inFlight: 4}\n")
	names := []string{"r1", "r2", "r3", "r4", "r5"}
	declare := func(word string) {
		var all []string
		for _, n := range names {
			all = append(all, service(n, checked(n), fileSpec(n, word)))
		}
		b.declare("all", all...)
	}
	entered := func() (at []int) {
		for _, n := range names {
			var us int
			if _, err := fmt.Sscan(b.sh("systemctl show -P ActiveEnterTimestampMonotonic "+n), &us); err != nil {
				t.Fatal(err)
			}
			at = append(at, us)
		}
		return at
	}
	declare("good-1")
	b.keep()
	b.well(names...)

	before := b.history("")
	declare("good-2")
	b.comes("grep -q good-2 /etc/r1/env")
	b.well(names...)
	restarts := 0
	for _, s := range b.since(before, "") {
		if s.Verb == "restart" {
			restarts++
		}
	}
	if restarts != len(names) {
		t.Errorf("%d restarts, want %d", restarts, len(names))
	}
	at := entered()
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < 1_000_000 {
			t.Errorf("%s was started %d µs after %s, which was to be up for a second first", names[i], at[i]-at[i-1], names[i-1])
		}
	}

	ran := b.sh("systemctl show -P InvocationID r2 r3 r4 r5")
	declare("bad")
	b.until("the others are held", func() string {
		for _, h := range b.diff().Held {
			if h.Object == "Service/r5" && h.Reason == "Rolling" && strings.Contains(h.Detail, "r1.service") {
				return ""
			}
		}
		return "not yet"
	})
	b.until("r1 is given up", func() string {
		if r := b.row("r1"); r.Reason != "BudgetSpent" && r.Reason != "Backoff" {
			return r.State + " " + r.Reason
		}
		return ""
	})
	if now := b.sh("systemctl show -P InvocationID r2 r3 r4 r5"); now != ran {
		t.Error("more than one service was restarted with what is bad")
	}
	declare("good-3") // by way of evenkeel, and of its budget
	b.must(0, "retry", "r1")
	b.well(names...)
}
