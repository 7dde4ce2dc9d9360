package live_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// What systemd has been starting or stopping for more than five minutes is stuck.
// Nobody waits for that here: evenkeel runs in a time namespace whose clocks are
// ten minutes ahead of systemd's, so that all that systemd says lies that far back.
func TestWhatIsStuckIsNamedAndLeftToItsOwner(t *testing.T) {
	t.Parallel()
	b := boot(t, "stuck")
	for _, c := range stuckTests {
		t.Run(c.name, func(t *testing.T) {
			alone := b.on(t) // each with a record of its own
			alone.args = []string{"--state-dir", "/root/state-of-" + c.name}
			dir := alone.folder(c.name, service(c.name, c.unit, c.spec...))
			alone.must(0, "apply", "-f", dir)
			alone.sh(c.fill(c.by))
			t.Cleanup(func() { alone.try(c.fill("rm -f /run/$S.hangs; systemctl kill -s KILL $S; systemctl stop $S")) })
			alone.planned(alone.evenkeel("diff", "-f", dir, "-o", "json"), "held SystemdActing")
			alone.planned(alone.later(10*time.Minute, "diff", "-f", dir, "-o", "json"), c.then)
			did := len(alone.history(c.name))
			r := alone.later(10*time.Minute, "apply", "-f", dir, "--timeout", cmp.Or(c.timeout, "60s"))
			steps := verbs(alone.history(c.name)[did:])
			if r.code != c.code || !slices.Equal(steps, c.did) {
				t.Errorf("apply: exit %d, did %q; want %d and %q\n%s%s", r.code, steps, c.code, c.did, r.out, r.err)
			}
			alone.sh(c.fill(c.proof))
		})
	}
}

// Of three units that hang the host's budget lets one be restarted. The others wait,
// and retry lets the one through that it names, once.
func TestRetryPassesTheHostsBudgetOnce(t *testing.T) {
	t.Parallel()
	b := boot(t, "budget")
	b.write(policyFile, "mode: enforce\nunits: [\"*\"]\npaths: [/**]\nsignatures: none\nbudgets: {disruptive: 1, per: 1h}\n")
	names := []string{"hangs-1", "hangs-2", "hangs-3"}
	var estate []string
	for _, n := range names {
		estate = append(estate, service(n, slowStart))
	}
	b.declare("estate", estate...)
	b.must(0, "apply", "-f", desiredDir)
	for _, n := range names {
		b.sh(stuckTest{name: n}.fill(hangingStart + "; systemctl cancel $(systemctl show -P Job $S)"))
	}
	b.write("/run/systemd/system/evenkeel.service", strings.Replace(keeperUnit, "ExecStart=", "ExecStart=/usr/bin/unshare --time --boottime 600 --monotonic 600 ", 1))
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
	waiting := func(want int) (held []string) {
		b.Helper()
		b.until("the budget holds those that are left", func() string {
			held = nil
			for _, n := range names {
				switch r := b.row(n); {
				case r.Reason == "BudgetSpent":
					held = append(held, n)
				case r.State != "OK":
					return n + " is " + r.State + " " + r.Reason
				}
			}
			if len(held) != want {
				return strings.Join(held, " ") + " are held"
			}
			return ""
		})
		return held
	}
	held := waiting(2)
	b.says(0, "0 of the host's 1 disruptive repairs in 1h left", "why", held[0])
	b.says(0, held[0]+": this host's 1 disruptive repairs within 1h are used up, and hold the others; its next repair passes that, once", "retry", held[0])
	b.well(held[0])
	if left := waiting(1); left[0] != held[1] {
		t.Errorf("%s is held, want %s", left[0], held[1])
	}
	if did := verbs(b.history(held[0])); did[len(did)-1] != "systemd.restart StuckActivating done" {
		t.Errorf("did %q", did)
	}
	b.says(0, "next repair may pass the host's budget", "changes", "--since", "1h")
}

// stuckTest is one way in which a unit can hang, and what is done about it.
type stuckTest struct {
	name, unit string
	spec       []string
	by         string // what somebody does
	then       string // what is planned ten minutes later
	timeout    string // of apply; default 60s
	code       int    // of apply
	did        []string
	proof      string
}

func (c stuckTest) fill(line string) string { return strings.ReplaceAll(line, "$S", c.name) }

// hangs is a command that hangs, once, if /run/NAME.hangs is there.
const hangs = "/bin/sh -c 'if rm /run/%N.hangs 2>/dev/null; then exec sleep infinity; fi'"

var (
	slowStart = bare("ExecStartPre="+hangs, "ExecStart=/bin/sleep infinity", "TimeoutStartSec=infinity")
	slowStop  = bare("ExecStart=/bin/sleep infinity", "ExecStopPost="+hangs, "TimeoutStopSec=infinity")
)

const (
	hangingStart = "touch /run/$S.hangs; systemctl restart --no-block $S; until systemctl show -P SubState $S | grep -qx start-pre; do :; done"
	isActivating = "systemctl show -P ActiveState $S | grep -qx activating"
)

var stuckTests = []stuckTest{
	{
		name: "start-of-nobodys", unit: slowStart,
		by:   hangingStart + "; systemctl cancel $(systemctl show -P Job $S)",
		then: "systemd.restart StuckActivating", did: []string{"systemd.restart StuckActivating done"}, proof: "systemctl is-active -q $S",
	},
	{
		name: "start-of-somebodys", unit: slowStart, by: hangingStart,
		then: "held StuckActivating", code: 1, did: []string{}, proof: isActivating + " && test $(systemctl show -P Job $S) != 0",
	},
	{
		name: "end-by-itself", unit: slowStop,
		by:   "touch /run/$S.hangs; systemctl kill --kill-whom=main -s KILL $S; until systemctl show -P SubState $S | grep -qx stop-post; do :; done",
		then: "held StuckDeactivating", code: 1, did: []string{}, proof: "systemctl show -P ActiveState $S | grep -qx deactivating",
	},
	{
		name: "pause-before-a-restart", unit: sleeper("Restart=always", "RestartSec=1h"),
		by:   "systemctl kill -s KILL $S; until systemctl show -P SubState $S | grep -qx auto-restart; do :; done",
		then: "held SystemdActing", timeout: "1s", code: 1, did: []string{}, proof: isActivating,
	},
	{
		name: "start-of-what-is-declared-stopped", unit: slowStart, spec: []string{"state: stopped"}, by: hangingStart,
		then: "held StuckActivating", code: 1, did: []string{}, proof: isActivating,
	},
}

// planned insists on a plan of one thing: "actuator.verb Reason" or "held Reason".
func (b box) planned(diff result, want string) {
	b.Helper()
	var p plan
	if err := json.Unmarshal([]byte(diff.out), &p); err != nil {
		b.Fatalf("diff: exit %d: %v\n%s%s", diff.code, err, diff.out, diff.err)
	}
	var got []string
	for _, s := range p.Steps {
		got = append(got, s.Actuator+"."+s.Verb+" "+s.Reason)
	}
	for _, h := range p.Held {
		got = append(got, "held "+h.Reason)
	}
	if !slices.Equal(got, []string{want}) {
		b.Errorf("planned %q, want %q\n%s", got, want, diff.out)
	}
}
