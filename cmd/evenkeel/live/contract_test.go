package live_test

import (
	"slices"
	"strings"
	"testing"
)

// estate is a small one with every sort of step in it.
func estate() []string {
	return []string{
		service("base", sleeper()),
		service("web", sleeper(), "dependsOn: [base]", "files:",
			"  - {path: /etc/web/web.env, content: \"A=1\\n\", mode: \"0640\"}",
			"dropIns: [{name: 10-nice.conf, content: \"[Service]\\nNice=5\\n\"}]"),
		service("rest", sleeper(), "state: stopped", "boot: disabled"),
		service("worker", sleeper(), "unit: worker@.service", "replicas: 2"),
		object("vendor", "unit: vendor.service", "foreignDropIns: enforce"),
	}
}

// untouched lists everything that a dry run must leave alone, with change times.
const untouched = `find /etc /usr/lib/systemd/system /run/systemd/system /var/lib/evenkeel -printf '%p %i %C@ %m %u %g %l\n' 2>/dev/null | sort
systemctl show -P UnitsLoadTimestampMonotonic
systemctl show -p Id -p ActiveEnterTimestampMonotonic -p InvocationID base web rest worker@1 worker@2 vendor`

// The dry run shows what is done: the same steps by ID, nothing more, nothing
// less; and it touches nothing.
func TestTheStepsDoneAreTheStepsShown(t *testing.T) {
	t.Parallel()
	b := boot(t, "contract")
	b.write("/usr/lib/systemd/system/vendor.service", sleeper())
	b.write(unitDir+"/vendor.service.d/50-foreign.conf", "[Service]\nNice=7\n")
	b.write(unitDir+"/rest.service", sleeper("Nice=1"))
	b.sh("systemctl daemon-reload && systemctl enable -q --now rest")
	b.declare("estate", estate()...)

	before := b.sh(untouched)
	var shown, again plan
	if r := b.data(&shown, "diff", "-f", desiredDir, "-o", "json"); r.code != 1 {
		t.Fatalf("diff: exit %d, want 1\n%s", r.code, r.err)
	}
	b.data(&again, "diff", "-f", desiredDir, "-o", "json")
	if !slices.Equal(shown.ids(), again.ids()) {
		t.Errorf("two diffs differ:\n%v\n%v", shown.ids(), again.ids())
	}
	b.must(1, "apply", "-f", desiredDir, "--dry-run")
	b.must(3, "status", "-f", desiredDir)
	b.must(0, "history")
	if after := b.sh(untouched); after != before {
		t.Errorf("a dry run touched the host:\n%s", changes(before, after))
	}
	if shown.InSync {
		t.Error("inSync is true, and there are steps")
	}

	var applied struct {
		Converged bool
		Done      []step
	}
	if r := b.data(&applied, "apply", "-f", desiredDir, "-o", "json"); r.code != 0 || !applied.Converged {
		t.Fatalf("apply: exit %d, converged %v\n%s%s", r.code, applied.Converged, r.out, r.err)
	}
	done := ids(applied.Done)
	if !slices.Equal(done, shown.ids()) {
		t.Errorf("shown and done differ:\nshown %v\ndone  %v\n%+v", shown.ids(), done, shown.Steps)
	}
	if recorded := ids(b.history("")); !slices.Equal(recorded, done) {
		t.Errorf("history has other steps than were done:\ndone    %v\nhistory %v", done, recorded)
	}
	for _, s := range applied.Done {
		if s.Outcome != "done" {
			t.Errorf("%s", s)
		}
	}
	if r := b.data(&again, "diff", "-f", desiredDir, "-o", "json"); r.code != 0 || !again.InSync || len(again.Steps)+len(again.Held)+len(again.Gaps) > 0 {
		t.Errorf("diff after apply: exit %d, %+v", r.code, again)
	}
	b.must(0, "status", "-f", desiredDir)
	b.sh("systemctl is-active base web worker@1 worker@2 vendor && ! systemctl is-active -q rest && ! systemctl is-enabled -q rest")
	b.sh("test $(systemctl show -P Nice web) = 5 && test $(systemctl show -P Nice vendor) = 0 && test $(stat -c %a /etc/web/web.env) = 640")

	if r := b.must(0, "apply", "-f", desiredDir); !strings.Contains(r.out, "converged: 0 steps") {
		t.Errorf("apply of what is in sync says: %s", r.out)
	}

	b.declare("labelled", strings.Replace(object("labelled", "unit: vendor-two.service", "state: ignored"), "{name: labelled}", "{name: labelled, labels: {tier: core}}", 1))
	for selector, want := range map[string]int{"tier=core": 0, `tier=~"c.*"`: 0, "tier=edge": 4, "=": 2} {
		r := b.must(want, "status", "-f", desiredDir, "-l", selector, "-o", "json")
		if want == 0 && (!strings.Contains(r.out, "labelled") || strings.Contains(r.out, `"web"`)) {
			t.Errorf("status -l %s:\n%s", selector, r.out)
		}
	}
	if r := b.must(0, "get", "services", "-f", desiredDir, "-l", "tier=core", "-o", "json"); strings.Contains(r.out, `"web"`) {
		t.Errorf("get -l tier=core:\n%s", r.out)
	}
}

func ids(steps []step) []string {
	var out []string
	for _, s := range steps {
		out = append(out, s.ID)
	}
	slices.Sort(out)
	return out
}

// changes lists the lines that only one of two texts has.
func changes(before, after string) string {
	missing := func(mark, from, in string) (out string) {
		has := make(map[string]bool)
		for line := range strings.Lines(in + "\n") {
			has[line] = true
		}
		for line := range strings.Lines(from + "\n") {
			if !has[line] {
				out += mark + line
			}
		}
		return out
	}
	return missing("- ", before, after) + missing("+ ", after, before)
}
