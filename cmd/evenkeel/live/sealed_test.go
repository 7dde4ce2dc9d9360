package live_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// identityFile is where the hosts of these tests have their age identity.
const identityFile = "/etc/evenkeel/identity.txt"

// encrypted is what lies in git of a secret.
func encrypted(t *testing.T, content string, to age.Recipient) string {
	t.Helper()
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := text.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func newIdentity(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What lies encrypted in git is decrypted on the host and written like any other
// file: a changed secret restarts who reads it, drift is mended, and what the host
// cannot decrypt is left as it lies, and told. Neither a secret nor its digest is
// seen anywhere.
func TestEncryptedFilesAreDecryptedOnTheHost(t *testing.T) {
	t.Parallel()
	b := boot(t, "sealed")
	id := newIdentity(t)
	const path = "/etc/vault/pay.env"
	pay := func(i int) string { return "PAY_KEY=" + secret(i) + "\n" }
	commit := func(content string, to age.Recipient) {
		t.Helper()
		b.write(desiredDir+"/secrets/pay.env.age", encrypted(t, content, to))
	}
	lies := func(content string) {
		t.Helper()
		b.until("the file is as declared", func() string {
			if got := b.sh("cat " + path + "; stat -c '%a %U:%G' " + path); got != content+"640 root:adm" {
				return got
			}
			return ""
		})
	}
	runsWith := func(content string) {
		t.Helper()
		b.comes("tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID vault)/environ | grep -qxF " + strings.TrimSpace(content))
	}
	var hidden []string
	for i := range 7 {
		sum := sha256.Sum256([]byte(pay(i)))
		hidden = append(hidden, hex.EncodeToString(sum[:])[:8])
	}

	b.write(identityFile, id.String()+"\n")
	b.sh("chmod 600 " + identityFile)
	b.write(policyFile, "mode: enforce\nunits: [vault]\npaths: [/etc/vault/**]\nsignatures: none\nidentity: "+identityFile+"\n")
	commit(pay(0), id.Recipient())
	b.write(desiredDir+"/vault.yaml", service("vault", sleeper("EnvironmentFile="+path), "files:",
		"  - {path: "+path+", source: secrets/pay.env.age, mode: '0640', group: adm}"))
	b.inForce()
	b.must(0, "validate", desiredDir)
	b.must(1, "diff", "-f", desiredDir)
	b.sh("! test -e /var/lib/evenkeel/sealed.json")
	b.keep()
	b.well("vault")
	lies(pay(0))
	runsWith(pay(0))
	b.must(0, "diff", "-f", desiredDir)
	b.tellsNoSecret("written", hidden...)

	t.Log("a changed secret restarts its service")
	commit(pay(1), id.Recipient())
	lies(pay(1))
	runsWith(pay(1))
	b.well("vault")

	t.Log("a change by hand is mended, and not kept")
	b.sh("echo PIN=" + secret(2) + " >> " + path)
	lies(pay(1))
	b.well("vault")
	b.tellsNoSecret("mended", hidden...)

	t.Log("evenkeel restarts, and nothing else does")
	pid := b.sh("systemctl show -P MainPID vault")
	b.sh("systemctl restart evenkeel")
	b.well("vault")
	b.must(0, "diff")
	if now := b.sh("systemctl show -P MainPID vault"); now != pid {
		t.Errorf("vault runs as %s, and ran as %s", now, pid)
	}

	t.Log("an identity that is open to others is not used")
	b.sh("chmod 644 " + identityFile)
	commit(pay(3), id.Recipient())
	if r := b.held("vault", "Unobserved"); !strings.Contains(r.Detail, path) || !strings.Contains(r.Detail, "chmod 600 "+identityFile) {
		t.Errorf("held: %s", r.Detail)
	}
	lies(pay(1))
	b.must(0, "validate", desiredDir)
	b.tellsNoSecret("locked", hidden...)
	b.sh("chmod 600 " + identityFile)
	lies(pay(3))
	runsWith(pay(3))

	t.Log("nor is one that it was not encrypted for; who has died is started all the same")
	commit(pay(4), newIdentity(t).Recipient())
	b.held("vault", "Unobserved")
	b.sh("systemctl kill -s KILL vault")
	runsWith(pay(3))
	b.held("vault", "Unobserved")

	t.Log("what is damaged is an error, and the last good state stays in force")
	b.write(desiredDir+"/secrets/pay.env.age", strings.Replace(encrypted(t, pay(5), id.Recipient()), "-----END", "AAAA\n-----END", 1))
	if r := b.evenkeel("validate", desiredDir); r.code == 0 || !strings.Contains(r.out+r.err, "secrets/pay.env.age:1:1: its age armor is damaged") {
		t.Errorf("exit %d: %s%s", r.code, r.out, r.err)
	}

	t.Log("what is no longer declared goes, and no copy is kept")
	commit(pay(5), id.Recipient())
	lies(pay(5))
	b.write(desiredDir+"/vault.yaml", service("vault", sleeper()))
	b.inForce()
	b.comes("! test -e " + path)
	b.well("vault")
	if kept := b.must(0, "displaced", "list").out; strings.Contains(kept, path) {
		t.Errorf("a copy of the secret is kept: %s", kept)
	}
	b.tellsNoSecret("removed", hidden...)
}

// From a branch it is the same: the YAML is read by a child without rights, and what
// is encrypted is decrypted afterwards. An identity that comes later is used.
func TestEncryptedFilesOfABranch(t *testing.T) {
	t.Parallel()
	b := boot(t, "sealed-branch")
	id := newIdentity(t)
	const path = "/etc/vault/pay.env"
	commit := func(content string) {
		t.Helper()
		b.write("/srv/repo/secrets/pay.env.age", encrypted(t, content, id.Recipient()))
		b.sh("cd /srv/repo && git add -A && git -c user.name=a -c user.email=a@b commit -qm change")
	}
	b.sh("git init -q -b main /srv/repo && chmod -R go+rX /srv/repo")
	b.write("/srv/repo/vault.yaml", service("vault", sleeper("EnvironmentFile=-"+path), "files:",
		"  - {path: "+path+", source: secrets/pay.env.age, mode: '0640', group: adm, expand: true}"))
	commit("PAY_KEY=" + secret(0) + "$(name)\n")
	b.write(policyFile, "mode: enforce\nunits: [vault]\npaths: [/etc/vault/**]\nsignatures: none\nidentity: "+identityFile+"\n")
	b.write("/run/systemd/system/evenkeel.service", strings.Replace(keeperUnit, "-f "+desiredDir, "--git file:///srv/repo --branch main --interval 1s", 1))
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
	if r := b.held("vault", "Unobserved"); !strings.Contains(r.Detail, "there is no "+identityFile) && !strings.Contains(r.Detail, "without "+path) {
		t.Errorf("held: %s", r.Detail)
	}
	b.sh("! test -e " + path + "; test $(systemctl is-active vault) = inactive")

	b.sh("umask 077 && echo " + id.String() + " > " + identityFile)
	b.comes("grep -qxF PAY_KEY=" + secret(0) + "vault " + path)
	b.comes("tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID vault)/environ | grep -qxF PAY_KEY=" + secret(0) + "vault")
	commit("PAY_KEY=" + secret(1) + "\n")
	b.comes("grep -qxF PAY_KEY=" + secret(1) + " " + path)
	b.comes("tr '\\0' '\\n' < /proc/$(systemctl show -P MainPID vault)/environ | grep -qxF PAY_KEY=" + secret(1))
	b.sh("cp -r /srv/repo/vault.yaml /srv/repo/secrets " + desiredDir) // for validate
	b.tellsNoSecret("of a branch")
}
