package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// signersFile writes a file of allowed signers.
func signersFile(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "allowed_signers")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// graft puts the signature of one commit onto another one's content.
func graft(o *origin, signed, onto string) string {
	o.t.Helper()
	signature := ""
	in := false
	for line := range strings.Lines(o.git("cat-file", "commit", signed)) {
		if in = strings.HasPrefix(line, "gpgsig ") || in && strings.HasPrefix(line, " "); in {
			signature += line
		}
	}
	head, message, _ := strings.Cut(o.git("cat-file", "commit", onto), "\n\n")
	cmd := exec.Command("git", "hash-object", "-w", "-t", "commit", "--stdin")
	cmd.Dir, cmd.Env, cmd.Stdin = o.work, o.env, strings.NewReader(head+"\n"+signature+"\n"+message+"\n")
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatal(err)
	}
	id := strings.TrimSpace(string(out))
	o.git("update-ref", "HEAD", id)
	return id
}

// Each commit is judged as git verify-commit judges it with the same keys, but
// where we are stricter and say why. git itself is asked plainly: no Mirror, no
// child, the operator's file as it is.
func TestSignatures(t *testing.T) {
	k := keyring.open(t)
	o := newOrigin(t)
	change := func(with ...string) string { return o.commit(map[string]string{"a": "x"}, with...) }
	signed := func(who string) string { return change(k.with(who)...) }
	type row struct {
		name     string
		id       string
		good     bool
		words    string // of the refusal
		stricter string // why git itself says good
	}
	base := change()
	fresh := func() { o.git("checkout", "-q", "-f", "--detach", base) }
	var rows []row
	add := func(r row) { rows = append(rows, r); fresh() }
	fresh()
	add(row{name: "signed by an allowed ssh key", id: signed("ada"), good: true})
	add(row{name: "signed by an allowed OpenPGP key", id: signed("pgp-ada"), good: true})
	add(row{name: "unsigned", id: change(), words: "no signature"})
	add(row{name: "signed by an unknown ssh key", id: signed("eve"), words: "not among the allowed signers"})
	add(row{name: "signed by an unknown OpenPGP key", id: signed("pgp-eve"), words: "not among the allowed signers"})
	add(row{name: "signed by an OpenPGP key that has expired", id: signed("pgp-expired"), words: "has expired"})
	revoked := signed("pgp-revoked")
	k.revoke("pgp-revoked")
	add(row{name: "signed by an OpenPGP key that is revoked", id: revoked, words: "revoked"})
	add(row{name: "signed by an ssh key that has expired", id: signed("old"), words: "not among the allowed signers"})
	o.tick = -2 * 365 * 86400 // the commit says that it is of another time
	add(row{name: "signed by an ssh key that has expired, as of before", id: signed("old"), words: "not among the allowed signers", stricter: "git asks ssh-keygen for the time that the commit itself names"})
	o.tick = 1000
	unsigned := change()
	o.git(append(k.with("ada"), "tag", "-s", "-m", "v1", "v1")...)
	add(row{name: "a signed tag on an unsigned commit", id: unsigned, words: "no signature"})
	add(row{name: "another commit's ssh signature", id: graft(o, rows[0].id, unsigned), words: "something else"})
	add(row{name: "another commit's OpenPGP signature", id: graft(o, rows[1].id, unsigned), words: "something else"})
	o.git("checkout", "-q", "-f", "--detach", rows[0].id)
	add(row{name: "an unsigned commit on top of a signed one", id: change(), words: "no signature"})
	add(row{name: "a signed commit on top of an unsigned one", id: signed("ada"), good: true})
	o.git("checkout", "-q", "-f", "--detach", rows[0].id)
	o.git("merge", "-q", "--no-ff", "--no-commit", "-s", "ours", rows[1].id)
	add(row{name: "an unsigned merge of signed commits", id: change(), words: "no signature"})

	file := signersFile(t, "# who may sign\n\n"+k.line(t, "ada", `namespaces="git"`)+k.line(t, "old", `valid-after="20200101",valid-before="20260601"`)+
		k.armored("pgp-ada")+k.armored("pgp-expired")+k.armored("pgp-revoked"))
	plainly := verifier(t, o, k, file)
	for _, r := range rows {
		o.git("push", "-q", "-f", "origin", r.id+":refs/heads/main")
		options := o.options()
		options.Signers = file
		m := mirror(t, options)
		if !r.good {
			refused(t, m, Unsigned, r.words)
		} else if h := fetched(t, m); h.Branch.ID != r.id || !strings.Contains(h.Branch.Signer, "ada@example.com") || h.Tree.Commit.Signer != h.Branch.Signer {
			t.Errorf("%s: got %+v", r.name, h.Branch)
		}
		if git := plainly(r.id); git != r.good && r.stricter == "" || git == r.good && r.stricter != "" {
			t.Errorf("%s: good is %v here, and git says %v", r.name, r.good, git)
		}
	}
}

// verifier is git verify-commit, with all keys of the file and nothing of ours.
func verifier(t *testing.T, o *origin, k *signingKeys, file string) func(id string) bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ssh, pgp, _ := strings.Cut(string(text), pgpBegin)
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	for name, content := range map[string]string{"ssh": ssh, "keys": pgpBegin + pgp, "gpg.conf": "trust-model always\nno-autostart\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"GNUPGHOME=" + home}
	cmd := exec.Command("gpg", "--batch", "--quiet", "--import", filepath.Join(home, "keys"))
	cmd.Env = append(append([]string{}, o.env...), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("gpg --import: %v: %s", err, out)
	}
	return func(id string) bool {
		_, err := o.try(o.work, env, "-c", "gpg.ssh.allowedSignersFile="+filepath.Join(home, "ssh"), "verify-commit", id)
		return err == nil
	}
}

func TestTheTestingBranchMustBeSignedToo(t *testing.T) {
	k := keyring.open(t)
	o := newOrigin(t)
	base := o.commit(nil, k.with("ada")...)
	o.push("main")
	canary := o.commit(map[string]string{"a": "2"})
	o.push("testing/app-1")
	options := o.options()
	options.Testing, options.Signers = "app-1", signersFile(t, k.line(t, "ada", ""))
	m := mirror(t, options)
	if r := refused(t, m, Unsigned, "testing/app-1", base); r.Commit != canary {
		t.Errorf("refused is %s, want %s", r.Commit, canary)
	}
	// A signed canary on an unsigned branch is none, either.
	canary = o.commit(nil, k.with("ada")...)
	o.push("testing/app-1")
	if h := fetched(t, m, base); h.Tree.Commit.ID != canary || h.Tree.Commit.Signer != "ada@example.com" || h.Branch.ID != base {
		t.Errorf("got %+v", h)
	}
	o.git("reset", "-q", "--hard", base)
	unsigned := o.commit(nil)
	o.push("main")
	o.commit(nil, k.with("ada")...)
	o.push("testing/app-1")
	if r := refused(t, m, Unsigned, "no signature", base); r.Commit != unsigned {
		t.Errorf("refused is %s, want %s", r.Commit, unsigned)
	}
}

// A good signature is good for ever; that a commit was once the newest is not.
func TestAnOlderSignedCommitIsNotBelievedAgain(t *testing.T) {
	k := keyring.open(t)
	o := newOrigin(t)
	older := o.commit(map[string]string{"a": "with a hole"}, k.with("ada")...)
	o.push("main")
	options := o.options()
	options.Signers = signersFile(t, k.line(t, "ada", ""))
	m := mirror(t, options)
	fetched(t, m)
	believed := o.commit(map[string]string{"a": "mended"}, k.with("ada")...)
	o.push("main")
	fetched(t, m, older)
	o.git("push", "-q", "-f", "origin", older+":refs/heads/main")
	if r := refused(t, m, Rewritten, "was set back", believed, older); r.Commit != older {
		t.Errorf("refused is %s, want %s", r.Commit, older)
	}
}

func TestASignerWhoIsTakenAwayIsNotBelievedAnyMore(t *testing.T) {
	k := keyring.open(t)
	o := newOrigin(t)
	o.commit(nil, k.with("ada")...)
	o.push("main")
	options := o.options()
	options.Signers = signersFile(t, k.line(t, "ada", ""))
	m := mirror(t, options)
	fetched(t, m)
	if err := os.WriteFile(options.Signers, []byte(k.line(t, "eve", "")), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, m, Unsigned, "not among the allowed signers")
}

func TestTheFileOfSignersMustBeOurs(t *testing.T) {
	k := keyring.open(t)
	o := newOrigin(t)
	o.commit(nil, k.with("ada")...)
	o.push("main")
	for name, spoil := range map[string]func(file string) error{
		"writable by others":        func(f string) error { return os.Chmod(f, 0o666) },
		"in a folder of others":     func(f string) error { return os.Chmod(filepath.Dir(f), 0o777) },
		"not there":                 os.Remove,
		"empty":                     func(f string) error { return os.Truncate(f, 0) },
		"a line without a key":      func(f string) error { return os.WriteFile(f, []byte("ada@example.com\n"), 0o644) },
		"an OpenPGP key cut short":  func(f string) error { return os.WriteFile(f, []byte(pgpBegin+"\n\nabc\n"), 0o644) },
		"an OpenPGP key that is no": func(f string) error { return os.WriteFile(f, []byte(pgpBegin+"\n\nabc\n"+pgpEnd+"\n"), 0o644) },
		"a secret OpenPGP key":      func(f string) error { return os.WriteFile(f, []byte("-----BEGIN PGP PRIVATE KEY BLOCK-----\n"), 0o644) },
	} {
		options := o.options()
		options.Signers = signersFile(t, k.line(t, "ada", ""))
		if err := spoil(options.Signers); err != nil {
			t.Fatal(err)
		}
		if h, err := mirror(t, options).Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "allowed signers") {
			t.Errorf("%s: got %s, %v, want an error", name, h.Branch.ID, err)
		}
	}
}

func TestLinesOfSignersThatAreValidNow(t *testing.T) {
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA"
	for line, want := range map[string]string{
		"a@b " + key:                            "valid",
		"a@b " + key + " valid-before=20200101": "valid", // a comment
		"a@b,c@d namespaces=\"git\",valid-before=\"20271128\" " + key:         "valid",
		"a@b valid-before=\"20261127\" " + key:                                "left out",
		"a@b VALID-BEFORE=20261127 " + key:                                    "left out",
		"a@b valid-before=\"202611280300Z\" " + key:                           "left out",
		"a@b valid-before=\"202611280301Z\" " + key:                           "valid",
		"a@b valid-before=\"20261128030001Z\" " + key:                         "valid",
		"a@b valid-after=\"20261129\" " + key:                                 "left out",
		"a@b valid-after=\"20261127\",valid-before=\"20261201\" " + key:       "valid",
		"a@b valid-before=tomorrow " + key:                                    "error",
		"a@b valid-before=2026 " + key:                                        "error",
		"a@b valid-before " + key:                                             "error",
		"a@b valid-before=\"20261399\" " + key:                                "error",
		"a@b":                                                                 "error",
		"a@b sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2g=": "valid",
		"a@b ecdsa-sha2-nistp256 AAAAE2VjZHNh":                                "valid",
	} {
		valid, err := validNow(line, now)
		got := map[bool]string{true: "valid", false: "left out"}[valid]
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", line, got, err, want)
		}
	}
}
