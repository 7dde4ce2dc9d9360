package live_test

import "testing"

// The host's policy bounds whatever is declared.
func TestThePolicyBoundsWhatIsDone(t *testing.T) {
	t.Parallel()
	b := boot(t, "policy")
	b.write(policyFile, "mode: enforce\nunits: [\"our-*\"]\npaths: [/etc/our/**]\nsignatures: none\nprotect: [our-agent.service]\n")
	b.write("/usr/lib/systemd/system/our-agent.service", sleeper())
	b.write("/usr/lib/systemd/system/theirs.service", sleeper())
	b.sh("systemctl daemon-reload && systemctl start our-agent")
	b.declare("ours",
		service("our-web", sleeper(), patient, `files: [{path: /etc/our/web.env, content: "A=1\n"}]`),
		service("our-greedy", sleeper(), `files: [{path: /etc/passwd.d/greedy, content: "A=1\n"}]`),
		object("theirs", "unit: theirs.service"),
		object("our-agent", "unit: our-agent.service", "state: stopped"),
	)
	b.keep()
	b.well("our-web")
	b.held("theirs", "NotAllowed")
	b.held("our-agent", "Protected")
	b.until("what policy does not allow of it is held, and the rest is done", func() string {
		if r := b.row("our-greedy"); r.Reason != "NotAllowed" {
			return r.State + " " + r.Reason
		}
		return ""
	})
	b.sh("test -e /etc/our/web.env && ! test -e /etc/passwd.d && ! systemctl is-active -q theirs && systemctl is-active -q our-agent")
	for _, name := range []string{"theirs", "our-agent"} {
		if did := b.history(name); len(did) > 0 {
			t.Errorf("%s: %v", name, did)
		}
	}

	// The policy is read again when it changes: now it only observes.
	b.write(policyFile, "mode: observe\nunits: [\"our-*\"]\npaths: [/etc/our/**]\nsignatures: none\n")
	b.until("observing", func() string {
		if r := b.row("our-greedy"); r.Reason != "NotAllowed" && r.Reason != "ObserveOnly" {
			return r.Reason
		}
		for _, h := range b.diff().Held {
			if h.Reason == "ObserveOnly" {
				return ""
			}
		}
		return "no ObserveOnly"
	})
	b.holds("our-web", "systemctl kill -s KILL our-web; rm /etc/our/web.env; systemctl disable -q our-web; echo '# by hand' >> "+unitDir+"/our-web.service", "ObserveOnly",
		"! systemctl is-active -q our-web && ! test -e /etc/our/web.env && ! systemctl is-enabled -q our-web && grep -q by.hand "+unitDir+"/our-web.service")
	b.write(policyFile, "mode: enforce\nunits: [\"our-*\"]\npaths: [/etc/our/**]\nsignatures: none\n")
	b.well("our-web")
	b.sh("systemctl is-active -q our-web && test -e /etc/our/web.env && systemctl is-enabled -q our-web && ! grep -q by.hand " + unitDir + "/our-web.service")

	// --mode narrows, and never widens.
	b.sh("systemctl stop evenkeel && systemctl kill -s KILL our-web")
	b.must(1, "apply", "-f", desiredDir, "--mode", "observe")
	b.sh("! systemctl is-active -q our-web")
	b.must(1, "apply", "-f", desiredDir) // what policy does not allow is held still
	b.sh("systemctl is-active -q our-web")
	b.write(policyFile, "{}\n")
	b.sh("systemctl kill -s KILL our-web")
	b.must(1, "apply", "-f", desiredDir, "--mode", "enforce")
	b.sh("! systemctl is-active -q our-web")
}
