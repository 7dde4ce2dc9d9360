package live_test

import (
	"strings"
	"testing"
)

// badInput is one way to get it wrong: what is declared and asked, the exit
// code of each verb, and what the one line must say.
type badInput struct {
	name  string
	files map[string]string // below /root/bad
	by    string            // a shell line before
	line  string            // the command, with VERB for each of the verbs; default: evenkeel VERB -f /root/bad
	verbs []string          // default: diff, apply, run
	says  []string
}

const head = "apiVersion: evenkeel.dev/v1\nkind: Service\n"

var badInputs = []badInput{
	{name: "no such path", line: "evenkeel VERB -f /root/nowhere", says: []string{"/root/nowhere", "no such file"}},
	{name: "a folder without YAML", by: "mkdir -p /root/bad; touch /root/bad/readme.txt", says: []string{"/root/bad", "YAML"}},
	{name: "an empty folder", by: "mkdir -p /root/bad", says: []string{"/root/bad", "YAML"}},
	{name: "not YAML", files: map[string]string{"a.yaml": "a: [\n"}, says: []string{"a.yaml:"}},
	{name: "wrong kind", files: map[string]string{"a.yaml": "apiVersion: evenkeel.dev/v1\nkind: Servise\nmetadata: {name: a}\n"}, says: []string{"a.yaml:2:7:", "Servise", "Service"}},
	{name: "wrong version", files: map[string]string{"a.yaml": "apiVersion: evenkeel.dev/v9\nkind: Service\nmetadata: {name: a}\n"}, says: []string{"a.yaml:1:13:", "evenkeel.dev/v1"}},
	{name: "unknown field", files: map[string]string{"a.yaml": head + "metadata: {name: a}\nspec:\n  unitfile: {content: x}\n"}, says: []string{"a.yaml:5:3:", "unitfile", "unitFile"}},
	{name: "two of one name", files: map[string]string{"a.yaml": service("a", sleeper()), "b.yaml": service("a", sleeper())}, says: []string{"b.yaml:3:", "a.yaml:3"}},
	{name: "a cycle", files: map[string]string{"a.yaml": service("a", sleeper(), "dependsOn: [b]") + "---\n" + service("b", sleeper(), "dependsOn: [a]")}, says: []string{"a.yaml:15:15:", "a → b → a"}},
	{name: "an unknown dependency", files: map[string]string{"a.yaml": service("a", sleeper(), "dependsOn: [bee]")}, says: []string{"a.yaml:", "bee"}},
	{name: "a missing source", files: map[string]string{"a.yaml": object("a", "unitFile: {source: units/a.service}")}, says: []string{"a.yaml:5:", "units/a.service"}},
	{name: "a source outside of the tree", files: map[string]string{"a.yaml": object("a", "unitFile: {source: ../../etc/passwd}")}, says: []string{"a.yaml:5:"}},
	{name: "an invalid unit name", files: map[string]string{"a.yaml": object("a", "unit: a b.service")}, says: []string{"a.yaml:5:", "a b.service"}},
	{name: "a unit file without a start", files: map[string]string{"a.yaml": service("a", "[Service]\nType=simple\n")}, says: []string{"a.yaml:", "ExecStart"}},
	{name: "a protected unit", files: map[string]string{"a.yaml": object("a", "unit: systemd-journald.service")}, says: []string{"a.yaml:5:", "protected"}},
	{name: "an overlay and no environment", files: map[string]string{"a.yaml": service("a", sleeper()), "environments/prod/a.yaml": object("a", "severity: P1")}, says: []string{"environment"}},
	{name: "a policy that is invalid", by: "mkdir -p /root/bad; echo 'mode: enforced' > /root/bad/policy.yml", files: map[string]string{"a.yaml": service("a", sleeper())}, line: "evenkeel VERB -f /root/bad/a.yaml --policy /root/bad/policy.yml", says: []string{"policy.yml:1:", "enforced"}},
	{name: "no such policy", files: map[string]string{"a.yaml": service("a", sleeper())}, line: "evenkeel VERB -f /root/bad --policy /root/nowhere.yaml", says: []string{"/root/nowhere.yaml"}},
	{name: "an unknown mode", files: map[string]string{"a.yaml": service("a", sleeper())}, line: "evenkeel VERB -f /root/bad --mode wild", says: []string{"wild", "observe"}},
	{name: "an unknown flag", line: "evenkeel VERB --wild", says: []string{"--wild"}},
	{name: "an unknown form", line: "evenkeel VERB -f /root/bad -o wild", verbs: []string{"diff", "apply", "status", "history"}, says: []string{"wild", "json"}},
	{
		name: "no systemd", files: map[string]string{"a.yaml": service("a", sleeper())},
		line: "unshare -m sh -c 'mount -t tmpfs none /run && exec evenkeel VERB -f /root/bad --socket /tmp/none.sock --state-dir /tmp/none'", says: []string{"systemd"},
	},
	{
		name: "no permission", files: map[string]string{"a.yaml": service("a", sleeper())}, by: "chmod 755 /root /root/bad",
		line: "setpriv --reuid=65534 --regid=65534 --clear-groups evenkeel VERB -f /root/bad", verbs: []string{"apply", "run"}, says: []string{"sudo"},
	},
	{
		name: "a declaration that may not be read", files: map[string]string{"a.yaml": service("a", sleeper())}, by: "chmod 755 /root /root/bad; chmod 600 /root/bad/a.yaml",
		line: "setpriv --reuid=65534 --regid=65534 --clear-groups evenkeel VERB -f /root/bad", verbs: []string{"diff", "status"}, says: []string{"a.yaml: no permission"},
	},
	{name: "nothing runs and nothing is given", line: "evenkeel VERB", verbs: []string{"diff", "status", "get Service"}, says: []string{"no controller is running", "-f"}},
	{name: "an unknown verb", line: "evenkeel VERB", verbs: []string{"aply", "statsu"}, says: []string{"unknown verb", "did you mean"}},
}

// Bad input gets its exit code and a line that says what and where; nothing is
// touched.
func TestBadInputGetsOneClearLine(t *testing.T) {
	t.Parallel()
	b := boot(t, "bad")
	b.sh("rmdir " + desiredDir)
	for _, c := range badInputs {
		t.Run(c.name, func(t *testing.T) { c.run(b.on(t)) })
	}
}

const everything = `find /etc /usr/lib/systemd /run/systemd/system /var/lib/evenkeel /root/bad -printf '%p %i %C@ %m\n' 2>/dev/null | sort`

func (c badInput) run(b box) {
	b.sh("rm -rf /root/bad")
	for path, content := range c.files {
		b.write("/root/bad/"+path, content)
	}
	if c.by != "" {
		b.sh(c.by)
	}
	line := c.line
	if line == "" {
		line = "evenkeel VERB -f /root/bad"
	}
	verbs := c.verbs
	if verbs == nil {
		verbs = []string{"diff", "apply", "run", "status"}
	}
	before := b.sh(everything)
	for _, v := range verbs {
		r := b.try(strings.ReplaceAll(line, "VERB", v))
		if r.code != 2 {
			b.Errorf("%s: exit %d, want 2\n%s%s", v, r.code, r.out, r.err)
		}
		for _, want := range c.says {
			if !strings.Contains(r.err, want) {
				b.Errorf("%s does not say %q:\n%s", v, want, r.err)
			}
		}
		if n := strings.Count(strings.TrimSpace(r.err), "\n"); n > 1 || strings.Contains(r.err, "goroutine") || r.out != "" {
			b.Errorf("%s says too much:\n%s%s", v, r.out, r.err)
		}
	}
	if after := b.sh(everything); after != before {
		b.Errorf("it touched:\n%s", changes(before, after))
	}
}
