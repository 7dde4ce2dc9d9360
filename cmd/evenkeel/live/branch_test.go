package live_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// A host that follows a branch: a bare repository on the host itself, a clone in
// which somebody works, and evenkeel as a service that follows it.
const (
	bareRepo  = "/srv/shop.git"
	workRepo  = "/srv/work"
	signers   = "/etc/evenkeel/signers"
	gitPolicy = `mode: enforce
host: {name: app-1, environment: production}
units: ["*"]
paths: ["/**"]
actions: {rollback: auto}
signatures: %s
`
)

// author is who commits on the host.
const author = "git -c user.name=Amina -c user.email=amina@pakashop.store "

// followBranch makes the repository and starts evenkeel on its branch production.
func (b box) followBranch(signatures string, files map[string]string, args ...string) {
	b.Helper()
	b.write(policyFile, fmt.Sprintf(gitPolicy, signatures))
	b.sh("git init -q --bare -b production " + bareRepo + " && git clone -q " + bareRepo + " " + workRepo + " 2>/dev/null && cd " + workRepo + " && git checkout -q -b production")
	b.commit("first", files)
	b.write("/run/systemd/system/evenkeel.service", strings.Replace(keeperUnit, "-f "+desiredDir,
		strings.Join(append([]string{"--git", "file://" + bareRepo, "--branch", "production", "--interval", "1s"}, args...), " "), 1))
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
}

// commit pushes files to the branch; one whose content is empty is removed. It
// returns the commit.
func (b box) commit(subject string, files map[string]string) string {
	b.Helper()
	for name, content := range files {
		if content == "" {
			b.sh("rm " + workRepo + "/" + name)
			continue
		}
		b.write(workRepo+"/"+name, content)
	}
	return b.sh("cd " + workRepo + " && git add -A && " + author + "commit -q --allow-empty -m '" + subject + "' && git push -q origin HEAD:production && git rev-parse HEAD")
}

// board is what status says of the branch.
type branchBoard struct {
	Revision    string
	Pinned      bool
	Wanted      string
	Quarantined []string
	Healthy     bool
}

// inForceIs waits until a commit is in force.
func (b box) inForceIs(commit string) {
	b.Helper()
	b.until(commit+" in force", func() string {
		r := b.evenkeel("status", "-o", "json") // while evenkeel is down it says nothing
		var s branchBoard
		if err := json.Unmarshal([]byte(r.out), &s); err != nil || s.Revision != commit {
			return r.out + r.err
		}
		return ""
	})
}

// provisional tells whether the revision in force has yet to prove itself.
func (b box) provisional() bool {
	b.Helper()
	return strings.Contains(b.evenkeel("status").out, "is provisional")
}

// shopping is the desired state of these tests: web, which api rests on, and mail, which
// has nothing to do with them. web is what start says.
func shopping(start string, more ...string) string {
	ready := func(name string) string {
		return "readinessProbe: {exec: {command: [/usr/bin/test, -e, /run/" + name + "-ready]}, periodSeconds: 1, failureThreshold: 1}"
	}
	unit := func(name, start string) string {
		return "[Service]\nExecStart=" + start + "\nExecStopPost=/bin/rm -f /run/" + name + "-ready\n[Install]\nWantedBy=multi-user.target\n"
	}
	up := func(name string) string { return "/bin/sh -c 'touch /run/" + name + "-ready; exec sleep infinity'" }
	if start == "" {
		start = up("web")
	}
	return "apiVersion: evenkeel.dev/v1\nkind: Environment\nmetadata: {name: production}\nspec: {branch: production, confirmAfter: 30s}\n---\n" +
		service("web", unit("web", start), append([]string{ready("web")}, more...)...) + "---\n" +
		service("api", unit("api", up("api")), "dependsOn: [web]", ready("api")) + "---\n" +
		service("mail", unit("mail", up("mail")), ready("mail"))
}

// A commit that breaks what it touched goes back by itself, is not put in force
// again, and the commit that mends it goes on.
func TestABadCommitGoesBack(t *testing.T) {
	t.Parallel()
	b := boot(t, "branch")
	conf := "files: [{path: /etc/shop/web.conf, content: %q}]"
	reads := "/bin/sh -c '. /etc/shop/web.conf; touch /run/web-ready; exec sleep infinity'"
	good := func() string { return shopping(reads, fmt.Sprintf(conf, "GREETING=hello\n")) }
	b.followBranch("none", map[string]string{"shop.yaml": good()})
	first := b.sh("cd " + workRepo + " && git rev-parse HEAD")
	b.inForceIs(first)
	b.comes("systemctl is-active web api mail")
	healthy := func() string {
		var s branchBoard
		b.data(&s, "status", "-o", "json")
		if !s.Healthy || b.evenkeel("diff", "--ignore-held").code != 0 {
			return b.evenkeel("status").out + b.evenkeel("diff").out
		}
		return ""
	}
	b.until("healthy", healthy)
	for _, c := range []struct{ what, yaml string }{
		{"a bad unit file", shopping("/opt/no/such/program")},
		{"a good unit whose service crashes", shopping("/bin/sh -c 'exit 3'")},
		{"a bad config file", shopping(reads, fmt.Sprintf(conf, "GREETING=(oh no\n"))},
		{"a service that starts but is never ready", shopping("/bin/sleep infinity")},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := b.on(t)
			mail := b.sh("systemctl show -p MainPID --value mail")
			bad := b.commit(c.what, map[string]string{"shop.yaml": c.yaml})
			began := time.Now()
			b.until("it is quarantined", func() string {
				var s branchBoard
				b.data(&s, "status", "-o", "json")
				if len(s.Quarantined) == 0 || s.Wanted != bad || s.Revision == bad {
					return fmt.Sprintf("%+v\n%s", s, b.evenkeel("status").out)
				}
				return ""
			})
			if took := time.Since(began); took > 40*time.Second {
				t.Errorf("it took %s", took)
			}
			b.until("healthy again", healthy)
			var d struct {
				Held []struct{ Object, Reason string }
			}
			b.data(&d, "diff", "-o", "json")
			if !strings.Contains(fmt.Sprint(d.Held), "{Host/app-1 Quarantined}") {
				t.Errorf("diff does not say what is quarantined: %+v", d)
			}
			if now := b.sh("systemctl show -p MainPID --value mail"); now != mail {
				t.Errorf("mail was disturbed: %s, then %s", mail, now)
			}
			if n := b.sh("evenkeel history -o json | grep -c '\"verb\":\"rollback\"' || true"); n == "" {
				t.Error("history knows of no rollback")
			}
			mended := b.commit("mend it", map[string]string{"shop.yaml": good() + "# " + c.what + "\n"})
			b.inForceIs(mended)
			b.until("healthy", healthy)
		})
	}
	if n := b.sh("evenkeel history -o json | grep -c '\"verb\":\"rollback\"'"); n != "4" {
		t.Errorf("%s rollbacks, want 4:\n%s", n, b.evenkeel("history").out)
	}
}

// A bad commit is reverted in git by the host that it broke, once; what the branch
// says then goes on. Where the branch is protected a branch of its own is pushed.
func TestABadCommitIsReverted(t *testing.T) {
	t.Parallel()
	b := boot(t, "reverted")
	b.sh("git config --global safe.directory '*'")
	b.followBranch("none", map[string]string{"shop.yaml": shopping("")})
	b.write(policyFile, strings.Replace(fmt.Sprintf(gitPolicy, "none"), "rollback: auto", "rollback: auto, git.push: auto", 1))
	b.sh("chown -R nobody " + bareRepo)
	first := b.sh("cd " + workRepo + " && git rev-parse HEAD")
	b.inForceIs(first)
	b.comes("systemctl is-active web api mail")
	bad := b.commit("crash", map[string]string{"shop.yaml": shopping("/bin/sh -c 'exit 3'")})
	head := "git -C " + bareRepo + " rev-parse production"
	b.until("the branch has a revert", func() string {
		if b.sh(head) == bad {
			return b.evenkeel("status").out + b.evenkeel("diff").out
		}
		return ""
	})
	revert := b.sh(head)
	b.inForceIs(revert)
	log := b.sh("git -C " + bareRepo + " log -1 --format=%P%n%B production")
	if !strings.HasPrefix(log, bad+"\nRevert \"crash\"") || !strings.Contains(log, "This reverts commit "+bad) || !strings.Contains(log, "\nEvenkeel-Key: ") {
		t.Errorf("the revert:\n%s", log)
	}
	if diff := b.sh("git -C " + bareRepo + " diff " + first + " " + revert); diff != "" {
		t.Errorf("the revert differs from the last good commit:\n%s", diff)
	}
	b.until("all is well, and the case is closed", func() string {
		if r := b.evenkeel("diff"); r.code != 0 {
			return r.out
		}
		return ""
	})
	if n := b.sh("evenkeel history -o json | grep -c '\"verb\":\"revert\"'"); n != "1" {
		t.Errorf("%s reverts:\n%s", n, b.evenkeel("history").out)
	}
	if out := b.evenkeel("changes", "--since", "10m").out; !strings.Contains(out, "git.revert") {
		t.Errorf("changes tells nothing of the revert:\n%s", out)
	}

	b.sh("printf '#!/bin/sh\\nwhile read old new ref; do [ $ref != refs/heads/production ] || [ \"$(id -u)\" = 0 ] || { echo protected branch >&2; exit 1; }; done\\n' > " + bareRepo + "/hooks/pre-receive && chmod +x " + bareRepo + "/hooks/pre-receive")
	b.sh("cd " + workRepo + " && git pull -q origin production")
	bad = b.commit("crash again", map[string]string{"shop.yaml": shopping("/bin/sh -c 'exit 4'")})
	b.until("a branch for a pull request", func() string {
		if out := b.sh("git -C " + bareRepo + " branch --list 'evenkeel/*'"); !strings.Contains(out, bad[:7]) {
			return out + "\n" + b.evenkeel("status").out
		}
		return ""
	})
	if b.sh(head) != bad {
		t.Error("the protected branch was moved")
	}
	b.inForceIs(revert)
}

// What has nothing to do with a commit takes it nowhere, a kill and a reboot do not
// end its proof, and a human's pin stands.
func TestAProvisionalCommit(t *testing.T) {
	t.Parallel()
	b := boot(t, "provisional")
	b.followBranch("none", map[string]string{"shop.yaml": shopping("")})
	b.comes("systemctl is-active web api mail")
	first := b.sh("cd " + workRepo + " && git rev-parse HEAD")
	b.inForceIs(first)

	second := b.commit("a new greeting", map[string]string{"shop.yaml": shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 100000'")})
	b.inForceIs(second)
	if !b.provisional() {
		t.Errorf("it is not provisional:\n%s", b.evenkeel("status").out)
	}
	b.sh("systemctl kill -s KILL mail")
	b.sh("systemctl kill -s KILL evenkeel; while systemctl is-active -q evenkeel; do sleep 0.1; done; systemctl start evenkeel")
	b.inForceIs(second)
	b.until("it is confirmed", func() string {
		if b.provisional() {
			return b.evenkeel("status").out
		}
		return ""
	})
	b.inForceIs(second)
	b.comes("systemctl is-active mail")

	b.must(0, "rollback", "--reason", "the greeting is rude")
	b.inForceIs(first)
	third := b.commit("another greeting", map[string]string{"shop.yaml": shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 200000'")})
	b.until("status says that it waits", func() string {
		var s branchBoard
		b.data(&s, "status", "-o", "json")
		if !s.Pinned || s.Wanted != third || s.Revision != first {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	if out := b.evenkeel("status").out; !strings.Contains(out, "PINNED") || !strings.Contains(out, "waiting: "+third[:12]) {
		t.Errorf("status:\n%s", out)
	}
	b.must(4, "rollback", "--to", "0000000")
	b.must(0, "resume", "host")
	b.inForceIs(third)
}

// What must not be believed changes nothing, and says so.
func TestACommitThatMustNotBeBelieved(t *testing.T) {
	t.Parallel()
	b := boot(t, "signed")
	b.sh("mkdir -p /etc/evenkeel /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/signer")
	b.sh("printf 'amina@pakashop.store %s\\n' \"$(cat /root/.ssh/signer.pub)\" > " + signers)
	b.sh("git config --global gpg.format ssh && git config --global user.signingKey /root/.ssh/signer && git config --global commit.gpgSign true")
	b.followBranch("required\nallowedSigners: "+signers, map[string]string{"shop.yaml": shopping("")})
	b.comes("systemctl is-active web api mail")
	good := b.sh("cd " + workRepo + " && git rev-parse HEAD")
	b.inForceIs(good)
	refused := func(what, reason, says string) {
		t.Helper()
		b.until(what, func() string {
			var d struct {
				Held []struct{ Object, Reason, Detail string }
			}
			b.data(&d, "diff", "-o", "json")
			for _, h := range d.Held {
				if h.Reason == reason && strings.Contains(h.Detail, says) {
					return ""
				}
			}
			return fmt.Sprintf("%+v", d)
		})
		b.inForceIs(good)
		b.sh("cd " + workRepo + " && git reset -q --hard " + good + " && git push -q --force origin HEAD:production")
		b.until("all is well again", func() string {
			if r := b.evenkeel("diff"); r.code != 0 {
				return r.out
			}
			return ""
		})
	}
	b.sh("git config --global commit.gpgSign false")
	b.commit("nobody signed this", map[string]string{"shop.yaml": shopping("/bin/sleep 1")})
	refused("an unsigned commit", "SourceRefused", "sign")
	b.sh("git config --global commit.gpgSign true")
	b.commit("not YAML", map[string]string{"shop.yaml": "kind: [\n"})
	refused("invalid YAML", "DesiredInvalid", "shop.yaml:")
	b.commit("all is gone", map[string]string{"shop.yaml": strings.SplitAfter(shopping(""), "---\n")[0]})
	refused("an emptied state", "Shrunk", "3 of 3 services")
	b.sh("cd " + workRepo + " && git checkout -q --orphan other && git add -A && " + author + "commit -q -m 'another history' && git push -q --force origin HEAD:production && git checkout -q production")
	refused("another history", "SourceRefused", "another history")
	b.sh("systemctl kill -s KILL web") // and what is in force is kept all the same
	b.comes("systemctl is-active web")
	b.sh("mv " + bareRepo + " " + bareRepo + ".away && systemctl restart evenkeel")
	b.inForceIs(good)
	b.sh("mv " + bareRepo + ".away " + bareRepo)
	next := b.commit("signed again", map[string]string{"shop.yaml": shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 300000'")})
	b.inForceIs(next)
}

// An installed evenkeel is told by a drop-in which branch to follow; a signed webhook
// has it look at once; a branch testing/HOST is for one host alone, as long as it sits
// on top of the branch.
func TestAnInstalledEvenkeelFollowsABranch(t *testing.T) {
	t.Parallel()
	b := boot(t, "installed-branch")
	b.sh("git init -q --bare -b production " + bareRepo + " && git clone -q " + bareRepo + " " + workRepo + " 2>/dev/null && cd " + workRepo + " && git checkout -q -b production && mkdir deploy")
	first := b.commit("first", map[string]string{"deploy/shop.yaml": shopping(""), "README": "nothing of evenkeel's\n"})
	b.must(0, "install")
	b.write(policyFile, fmt.Sprintf(gitPolicy, "none"))
	b.sh("mkdir -p /etc/evenkeel/credentials && umask 077 && printf sesame > /etc/evenkeel/credentials/git-webhook-secret")
	b.write("/etc/systemd/system/evenkeel.service.d/branch.conf", "[Service]\nEnvironment=EVENKEEL_GIT=file://"+bareRepo+" EVENKEEL_BRANCH=production EVENKEEL_PATH=deploy EVENKEEL_INTERVAL=1h EVENKEEL_WEBHOOK=127.0.0.1:9000\n")
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
	b.inForceIs(first)
	b.comes("systemctl is-active web api mail")
	hook := func() {
		b.Helper()
		b.sh(`body='{"ref":"refs/heads/production"}'; mac=$(printf %s "$body" | openssl dgst -sha256 -hmac sesame | sed 's/.* //'); curl -sf -X POST -H "X-Hub-Signature-256: sha256=$mac" -d "$body" http://127.0.0.1:9000/hook`)
	}
	if r := b.try(`curl -s -o /dev/null -w '%{http_code}' -X POST -d '{}' http://127.0.0.1:9000/hook`); r.out != "401" {
		t.Errorf("a webhook that nobody signed: %s", r.out)
	}
	second := b.commit("second", map[string]string{"deploy/shop.yaml": shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 100000'")})
	hook()
	b.inForceIs(second)

	b.sh("cd " + workRepo + " && git checkout -q -b trial")
	b.write(workRepo+"/deploy/shop.yaml", shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 200000'"))
	b.sh("cd " + workRepo + " && git add -A && " + author + "commit -q -m trial && git push -q origin HEAD:testing/app-1 && git push -q origin HEAD:testing/app-2")
	trial := b.sh("cd " + workRepo + " && git rev-parse HEAD")
	hook()
	b.inForceIs(trial)
	b.sh("cd " + workRepo + " && git checkout -q production")
	third := b.commit("third", map[string]string{"deploy/shop.yaml": shopping("/bin/sh -c 'touch /run/web-ready; exec sleep 300000'")})
	hook()
	b.inForceIs(third) // the trial no longer sits on top
	var l struct {
		Items []struct {
			Metadata struct{ Name string }
			Status   struct {
				Conditions []struct{ Type, Status, Reason string }
			}
		}
	}
	b.data(&l, "get", "environments", "-o", "json")
	if len(l.Items) != 1 || len(l.Items[0].Status.Conditions) != 2 || l.Items[0].Status.Conditions[0].Reason != "Current" {
		t.Errorf("get environments: %+v", l)
	}
	b.must(0, "uninstall", "--yes")
	if left := b.sh("ls -d /var/cache/evenkeel /var/lib/evenkeel 2>/dev/null || true"); left != "" {
		t.Errorf("uninstall left %s", left)
	}
}
