package read

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
)

func TestPolicy(t *testing.T) {
	name := write(t, t.TempDir(), "policy.yaml", `
mode: enforce
host: {name: app-1, environment: production, labels: {role: app}}
units: ["pakashop-*", nginx.service, redis-server.service, "postgresql@*"]
paths: [/etc/pakashop/**, /opt/pakashop/**]
exec: [{argv0: /usr/local/bin/backup, user: backup}]
actions: {restart: auto, rollback: auto, failover: approve, cache.flush: approve, exec: approve}
signatures: none
budgets: {disruptive: 5, per: 20m, unhealthyShare: 0.4}
protect: [amazon-ssm-agent.service]
`)
	got, problems := Policy(name)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := desired.Policy{
		Mode: "enforce", Host: desired.Host{Name: "app-1", Environment: "production", Labels: map[string]string{"role": "app"}},
		Units: []string{"pakashop-*", "nginx.service", "redis-server.service", "postgresql@*"}, Paths: []string{"/etc/pakashop/**", "/opt/pakashop/**"},
		Exec:    []desired.PolicyExec{{Argv0: "/usr/local/bin/backup", User: "backup"}},
		Actions: map[string]string{"restart": "auto", "rollback": "auto", "failover": "approve", "cache.flush": "approve", "exec": "approve"}, Signatures: "none",
		Budgets: desired.Budgets{Disruptive: 5, Per: desired.Duration(20 * 60e9), UnhealthyShare: 0.4, InFlight: 1}, Shrink: 0.3,
		Protect: []string{"amazon-ssm-agent.service"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPolicyThatSaysNothingAllowsNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "{}\n"} {
		p, problems := Policy(write(t, t.TempDir(), "policy.yaml", text))
		if len(problems) > 0 || p.Mode != "observe" || p.Signatures != "required" || p.AllowsUnit("x.service") || p.AllowsPath("/etc/x") {
			t.Errorf("%q: %+v %v", text, p, problems)
		}
	}
}

// Desired state from git is bounded by a policy that says what it demands of
// signatures, or it is refused.
func TestPolicyForGit(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"signatures: none":     "",
		"signatures: required": "nobody is named whose count",
		"signatures: required\nallowedSigners: /etc/evenkeel/signers": "",
		"mode: enforce":  "desired state from git needs signatures said",
		"":               "desired state from git needs signatures said",
		"signatures:":    "signatures: is empty",
		"signatures: no": "is not one of required, none",
	} {
		_, problems := GitPolicy(write(t, dir, "policy.yaml", text+"\n"))
		got := ""
		if err := problems.Err(); err != nil {
			got = err.Error()
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	_, problems := GitPolicy(dir + "/none.yaml")
	if err := problems.Err(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "sudo evenkeel install") {
		t.Errorf("without a policy: %v", err)
	}
}

func TestPolicyProblems(t *testing.T) {
	for text, want := range map[string]string{
		"mod: enforce":                      `:1:1: unknown field mod; did you mean "mode"?`,
		"mode: enforced":                    `:1:7: mode: "enforced" is not one of observe, enforce; did you mean "enforce"?`,
		"units: nginx":                      `:1:8: units: want a list, not "nginx"`,
		"units: ['[']":                      `:1:9: units[0]: "[" is not a pattern`,
		"paths: [etc]":                      `:1:9: paths[0]: "etc" is not absolute`,
		"actions: {restart: yes}":           `:1:20: actions.restart: "yes" is not one of auto, approve`,
		"signatures: no":                    `:1:13: signatures: "no" is not one of required, none`,
		"budgets: {disruptive: 0}":          `:1:23: budgets.disruptive: want at least 1; mode: observe if nothing may be done`,
		"budgets: {unhealthyShare: 55}":     `:1:27: budgets.unhealthyShare: want more than 0 and at most 1`,
		"shrink: 0":                         `:1:9: shrink: want more than 0 and at most 1`,
		"shrink: .nan":                      `:1:9: shrink: want a number, not ".nan"`,
		"budgets: {per: soon}":              `:1:16: budgets.per: "soon" is not a duration`,
		"exec: [{argv0: backup}]":           `:1:16: exec[0].argv0: "backup" is not absolute`,
		"identity: id.txt":                  `:1:11: identity: "id.txt" is not absolute`,
		"exec: [{user: x}]":                 `:1:8: exec[0]: the field argv0 is missing`,
		"host: {labels: {a b: c}}":          `:1:17: host.labels: "a b" is not the name of a label`,
		"mode: observe\n---\nmode: observe": `a policy is one document`,
		"mode: *x":                          `not valid YAML`,
		"- a":                               `:1:1: want a table of fields, not a list`,
		"mode:":                             `:1:6: mode: is empty`,
	} {
		_, problems := Policy(write(t, t.TempDir(), "policy.yaml", text+"\n"))
		if !strings.Contains(problems.String(), want) || problems.Err() == nil {
			t.Errorf("%q:\n got %s\nwant %s", text, problems, want)
		}
	}
}

func TestPolicyOfOthersIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root refuses")
		return
	}
	name := write(t, t.TempDir(), "policy.yaml", "mode: enforce\n")
	for _, c := range []struct {
		why    string
		change func() error
	}{
		{"group may write", func() error { return os.Chmod(name, 0o664) }},
		{"everybody may write", func() error { return os.Chmod(name, 0o646) }},
		{"somebody else's", func() error { return errors.Join(os.Chmod(name, 0o644), os.Chown(name, 65534, 0)) }},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		if _, problems := Policy(name); !errors.Is(problems.Err(), ErrUnsafe) {
			t.Errorf("%s: %v", c.why, problems)
		}
	}
}

func TestNoPolicy(t *testing.T) {
	_, problems := Policy(t.TempDir() + "/policy.yaml")
	if err := problems.Err(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
