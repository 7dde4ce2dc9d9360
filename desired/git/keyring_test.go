package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// keyring has keys that the tests sign with; they are made once.
var keyring signingKeys

type signingKeys struct {
	once sync.Once
	dir  string
	err  string
}

// open makes the keys: ada, eve and old for ssh; pgp-ada, pgp-eve, pgp-expired and
// pgp-revoked for OpenPGP.
func (k *signingKeys) open(t testing.TB) *signingKeys {
	t.Helper()
	k.once.Do(func() {
		var err error
		if k.dir, err = os.MkdirTemp("", "keys"); err != nil {
			k.err = err.Error()
			return
		}
		for _, who := range []string{"ada", "eve", "old"} {
			k.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", k.path(who))
		}
		for _, who := range []string{"ada", "eve", "revoked"} {
			k.run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "pgp-"+who+"@example.com", "ed25519", "sign", "never")
		}
		k.run("gpg", "--batch", "--passphrase", "", "--faked-system-time", "20260101T000000", "--quick-gen-key", "pgp-expired@example.com", "ed25519", "sign", "1d")
		certificate := k.path("openpgp-revocs.d/" + k.fingerprint("pgp-revoked@example.com") + ".rev")
		text, err := os.ReadFile(certificate)
		if err != nil {
			k.err = err.Error()
			return
		}
		// The certificate that gpg makes beside a key is made harmless by a colon.
		if err := os.WriteFile(certificate, []byte(strings.Replace(string(text), ":-----BEGIN", "-----BEGIN", 1)), 0o600); err != nil {
			k.err = err.Error()
		}
	})
	if k.err != "" {
		t.Fatal(k.err)
	}
	return k
}

func (k *signingKeys) path(name string) string { return filepath.Join(k.dir, name) }

func (k *signingKeys) run(argv ...string) string {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + k.dir, "GNUPGHOME=" + k.dir, "LC_ALL=C"}
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil && k.err == "" {
		k.err = strings.Join(argv, " ") + ": " + err.Error() + ": " + words.String()
	}
	return string(out)
}

func (k *signingKeys) fingerprint(who string) string {
	for line := range strings.Lines(k.run("gpg", "--batch", "--with-colons", "--list-keys", who)) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			return f[9]
		}
	}
	return ""
}

// line is how an ssh key stands among the allowed signers.
func (k *signingKeys) line(t testing.TB, who, options string) string {
	t.Helper()
	public, err := os.ReadFile(k.path(who + ".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return who + "@example.com " + options + " " + string(public)
}

// armored is an OpenPGP key, as it stands among the allowed signers.
func (k *signingKeys) armored(who string) string {
	return k.run("gpg", "--batch", "--armor", "--export", who+"@example.com")
}

// revoke revokes a key, once others have signed with it.
func (k *signingKeys) revoke(who string) {
	k.run("gpg", "--batch", "--import", k.path("openpgp-revocs.d/"+k.fingerprint(who+"@example.com")+".rev"))
}

// with are the words by which git signs with a key.
func (k *signingKeys) with(who string) []string {
	if pgp, ok := strings.CutPrefix(who, "pgp-"); ok {
		return []string{"-c", "gpg.format=openpgp", "-c", "commit.gpgSign=true", "-c", "gpg.program=" + k.script(), "-c", "user.signingKey=pgp-" + pgp + "@example.com"}
	}
	return []string{"-c", "gpg.format=ssh", "-c", "commit.gpgSign=true", "-c", "user.signingKey=" + k.path(who+".pub")}
}

// script is gpg with the keys of the tests; it goes back in time for a key that has
// expired since.
func (k *signingKeys) script() string {
	name := k.path("gpg.sh")
	text := "#!/bin/sh\nexport GNUPGHOME=" + k.dir + "\ncase \"$*\" in *pgp-expired*) set -- --faked-system-time 20260101T010000 \"$@\";; esac\nexec gpg --batch \"$@\"\n"
	if _, err := os.Stat(name); err != nil {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil && k.err == "" {
			k.err = err.Error()
		}
	}
	return name
}

// close ends the agent that gpg started for itself.
func (k *signingKeys) close() {
	if k.dir == "" {
		return
	}
	k.run("gpgconf", "--kill", "all")
	_ = os.RemoveAll(k.dir)
}
