package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/git"
	"github.com/pakashop/evenkeel/controller/act"
	"github.com/pakashop/evenkeel/desired"
	source "github.com/pakashop/evenkeel/desired/git"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// What git is told is what the host's folder of credentials holds at that moment.
func TestWhatGitIsTold(t *testing.T) {
	dir := t.TempDir()
	r := secrets.New()
	r.Use([]string{dir})
	tell := gitRemote([]string{"https://a/x", "https://b/x"}, "app-1", r.Value)
	ask := func() git.Content {
		t.Helper()
		b, err := tell(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var c git.Content
		if err := json.Unmarshal(b, &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := ask(); strings.Join(c.Remotes, " ") != "https://a/x https://b/x" || c.Author != (git.Author{Name: "evenkeel", Email: "evenkeel@app-1"}) || c.Credentials != (git.Credentials{}) {
		t.Errorf("%+v", c)
	}
	for _, name := range []string{source.SSHKey, source.KnownHosts, source.Token, gitSigningKey} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("the "+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := git.Credentials{SSHKey: "the git-ssh-key", KnownHosts: "the git-known-hosts", Token: "the git-token", SigningKey: "the git-signing-key"}
	if c := ask(); c.Credentials != want {
		t.Errorf("%+v", c.Credentials)
	}
	if err := os.Chmod(filepath.Join(dir, source.Token), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tell(t.Context()); err == nil || !strings.Contains(err.Error(), "git-token is open to everybody") || strings.Contains(err.Error(), "the git-token\n") {
		t.Errorf("a token that everybody can read: %v", err)
	}
}

// A revert goes its whole way: held against the host's policy, done by a process
// without rights, and not done twice.
func TestARevertIsDoneByAPlugin(t *testing.T) {
	dir, err := os.MkdirTemp("", "ek-") // not t.TempDir, which others may not enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	sh := func(script string) string {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-ec", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	ids := strings.Fields(sh(`chmod 755 . && git init -q --bare shop.git && cd shop.git
good=$(git commit-tree -m Good $(git mktree </dev/null))
bad=$(git commit-tree -m Bad -p $good $(printf '100644 blob %s\tunit\n' $(echo bad | git hash-object -w --stdin) | git mktree))
git update-ref refs/heads/main $bad && chown -R ` + gitUser() + ` . && echo $good $bad`))
	good, bad := ids[0], ids[1]

	policy := desired.BuiltInPolicy()
	policy.Actions = map[string]string{"git.revert": desired.Auto, "git.push": desired.Approve}
	actor := act.New(act.Options{Plugins: startPlugins(t), Eyes: noEyes{}, Log: slog.New(slog.DiscardHandler)})
	none := secrets.New()
	none.Use([]string{t.TempDir()})
	do := func(let bool) state.Outcome {
		t.Helper()
		step := state.Step{ID: "s", Key: "incident", Effect: actuators.Benign, Action: actuators.Action{
			Actuator: git.Name, Verb: "revert", Target: "main", Args: map[string]string{"commit": bad, "base": good, "at": "2027-01-15T08:00:00Z", "host": "app-1", "why": "web is down"},
		}}
		return actor.Do(t.Context(), act.Order{Step: step, Policy: policy, Let: let, Resolve: gitRemote([]string{"file://" + dir + "/shop.git"}, "app-1", none.Value)}).Outcome
	}
	if o := do(false); o.Status != state.StepRefused || !strings.Contains(o.Detail, "policy asks for approval") {
		t.Errorf("without approval: %+v", o)
	}
	policy.Actions["git.push"] = desired.Auto
	head := func() string { return sh("git -C shop.git rev-parse main") }
	if o := do(false); o.Status != state.Done || !strings.HasPrefix(o.Detail, `reverted "Bad" (`+bad[:12]+") on main by "+head()[:12]) {
		t.Errorf("%+v", o)
	}
	reverted := head()
	if o := do(false); o.Status != state.Done || !strings.Contains(o.Detail, "already, by evenkeel with "+reverted[:12]) || head() != reverted {
		t.Errorf("again: %+v", o)
	}
}
