package sealed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
)

// canary is in every secret, and in nothing else.
const canary = "CANARY-7f3a9e"

// identity makes one, in a file that root alone can read.
func identity(t *testing.T) (path string, to age.Recipient) {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "identity.txt")
	if err := os.WriteFile(path, []byte("# created: today\n"+id.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, id.Recipient()
}

// seal encrypts; with text in age's text form.
func seal(t *testing.T, content string, text bool, to ...age.Recipient) []byte {
	t.Helper()
	var b bytes.Buffer
	var out interface {
		Write([]byte) (int, error)
		Close() error
	} = nopCloser{&b}
	if text {
		out = armor.NewWriter(&b)
	}
	w, err := age.Encrypt(out, to...)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{ignored(w.Write([]byte(content))), w.Close(), out.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

type nopCloser struct{ *bytes.Buffer }

func (nopCloser) Close() error { return nil }

func ignored(_ int, err error) error { return err }

// setOf is a Set of one service with one sealed file.
func setOf(a desired.Artifact) *desired.Set {
	a.Path, a.From = "/etc/pakashop/pay.env", desired.Pos{File: "secrets/pay.env.age"}
	a.Locked, a.Sensitive = "it is encrypted, and was not decrypted here", true
	plain := desired.Artifact{Path: "/etc/pakashop/plain", Content: []byte("x"), Digest: desired.Digest([]byte("x"))}
	return &desired.Set{Services: []desired.Service{{Name: "pay", FilesDigest: "before", Files: []desired.Artifact{plain, a}}}}
}

func names(t *testing.T) *Names {
	t.Helper()
	n, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatFitsIsUnsealed(t *testing.T) {
	path, to := identity(t)
	_, another := identity(t)
	vars := &desired.Expansion{Object: "pay", Instance: "2", Vars: desired.Vars{Host: "app-1", Environment: "production", Vars: map[string]string{"x": "1"}}}
	for name, c := range map[string]struct {
		sealed []byte
		within *desired.Expansion
		want   string
	}{
		"binary":                   {sealed: seal(t, "KEY="+canary, false, to), want: "KEY=" + canary},
		"text":                     {sealed: seal(t, "KEY="+canary, true, to), want: "KEY=" + canary},
		"text after an empty line": {sealed: append([]byte("\n"), seal(t, "KEY="+canary, true, to)...), want: "KEY=" + canary},
		"for others, too":          {sealed: seal(t, canary, false, another, to), want: canary},
		"empty":                    {sealed: seal(t, "", false, to), want: ""},
		"variables stay":           {sealed: seal(t, "$(name)", false, to), want: "$(name)"},
		"variables are replaced":   {sealed: seal(t, "$(name)@$(host) $(instance) $(vars.x) $$(y)", false, to), within: vars, want: "pay@app-1 2 1 $(y)"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Check(c.sealed); err != nil {
				t.Errorf("check: %v", err)
			}
			set, n := setOf(desired.Artifact{Sealed: c.sealed, Within: c.within}), names(t)
			if wrong := Unseal(set, ReadIdentity(path), n); wrong != nil {
				t.Fatal(wrong)
			}
			if err := n.Use(set); err != nil {
				t.Fatal(err)
			}
			a := set.Services[0].Files[1]
			if string(a.Content) != c.want || a.Locked != "" {
				t.Errorf("content %q, locked %q; want %q", a.Content, a.Locked, c.want)
			}
			plain := desired.Digest([]byte(c.want))
			if a.Digest != n.Name(a.Path, plain) || a.Digest == plain || len(a.Digest) != 64 {
				t.Errorf("the digest is %s, the SHA-256 %s", a.Digest, plain)
			}
			if got, ok := set.Content(a.Digest); !ok || string(got.Content) != c.want {
				t.Errorf("found by its digest: %v, %v", got, ok)
			}
			if d := set.Services[0].FilesDigest; d == "before" || d == "" {
				t.Errorf("the digest of all files is %q", d)
			}
		})
	}
}

// Where it does not fit, all that is known is why; nothing is wrong with the files.
func TestWhatDoesNotFitStaysLocked(t *testing.T) {
	path, to := identity(t)
	dir := filepath.Dir(path)
	_, another := identity(t)
	passphrase, err := age.NewScryptRecipient("open sesame")
	if err != nil {
		t.Fatal(err)
	}
	passphrase.SetWorkFactor(10)
	file := func(name, content string, mode os.FileMode) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	theirs := file("theirs", string(b), 0o600)
	if err := os.Chown(theirs, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		identity string
		to       age.Recipient
		why      string
	}{
		"no identity":             {"", to, "the host's policy names no identity to decrypt it with; write there identity: FILE"},
		"no such identity":        {dir + "/none", to, "the identity that policy names cannot be used: there is no " + dir + "/none"},
		"everybody can read it":   {file("open", string(b), 0o604), to, dir + "/open is open to others than root (mode 0604): chmod 600 " + dir + "/open"},
		"a group can read it":     {file("group", string(b), 0o640), to, "is open to others than root (mode 0640)"},
		"another user's":          {theirs, to, "does not belong to root: chown root " + theirs},
		"a folder":                {dir, to, "is not a regular file"},
		"no identities":           {file("empty", "# nothing\n", 0o600), to, "holds no age identities"},
		"damaged":                 {file("damaged", strings.Replace(string(b), "SECRET", "SECRE", 1), 0o600), to, "holds no age identities"},
		"encrypted for another":   {path, another, "it is encrypted for others than the identity that policy names, " + path},
		"encrypted by passphrase": {path, passphrase, "it is encrypted for others than the identity that policy names, " + path},
	} {
		t.Run(name, func(t *testing.T) {
			set := setOf(desired.Artifact{Sealed: seal(t, canary, true, c.to)})
			if wrong := Unseal(set, ReadIdentity(c.identity), names(t)); wrong != nil {
				t.Fatal(wrong)
			}
			a := set.Services[0].Files[1]
			if !strings.HasPrefix(a.Locked, "it is encrypted") || !strings.Contains(a.Locked, c.why) || a.Content != nil || a.Digest != "" {
				t.Errorf("locked %q, content %q, digest %q; want …%s…", a.Locked, a.Content, a.Digest, c.why)
			}
			if strings.Contains(a.Locked, "SECRE") {
				t.Errorf("a key is told: %s", a.Locked)
			}
		})
	}
}

// What is wrong with a file is told with its place, and nothing of what is in it.
func TestWhatIsWrongIsToldWithoutTheSecret(t *testing.T) {
	path, to := identity(t)
	whole := seal(t, strings.Repeat(canary, 100), false, to)
	changed := bytes.Clone(whole)
	changed[len(changed)-1] ^= 1
	for name, c := range map[string]struct {
		artifact desired.Artifact
		says     string
	}{
		"cut short":           {desired.Artifact{Sealed: whole[:len(whole)-5]}, "it is damaged, or was changed by somebody"},
		"changed":             {desired.Artifact{Sealed: changed}, "it is damaged, or was changed by somebody"},
		"without its content": {desired.Artifact{Sealed: whole[:bytes.Index(whole, []byte("\n---"))+50]}, "it is damaged, or was changed by somebody"},
		"an unknown variable": {
			desired.Artifact{Sealed: seal(t, "a\nb=$("+canary+")\n", false, to), Within: &desired.Expansion{}},
			"line 2 of what is decrypted names a variable that is not known; write $$( for the text $( itself",
		},
		"another for each instance": {
			desired.Artifact{Sealed: seal(t, canary+"$(instance)", false, to), Within: &desired.Expansion{Many: true, Instance: "1"}},
			"the path must name $(instance) too",
		},
		"larger than a file may be": {desired.Artifact{Sealed: seal(t, strings.Repeat("x", maxContent+1), false, to)}, "larger than 1 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			set := setOf(c.artifact)
			wrong := Unseal(set, ReadIdentity(path), names(t))
			if len(wrong) != 1 || wrong[0].Pos.File != "secrets/pay.env.age" || !strings.HasPrefix(wrong[0].Message, "/etc/pakashop/pay.env: ") || !strings.Contains(wrong[0].Message, c.says) {
				t.Fatalf("%+v, want …%s…", wrong, c.says)
			}
			if strings.Contains(fmt.Sprint(wrong), canary) {
				t.Errorf("the secret is told: %v", wrong)
			}
		})
	}
}

func TestNamesOutlastTheProcessOnceKept(t *testing.T) {
	dir := t.TempDir()
	sealedAt := func(paths ...string) *desired.Set {
		s := desired.Service{Name: "a"}
		for _, p := range paths {
			s.Files = append(s.Files, desired.Artifact{Path: p, Sealed: []byte("x")})
		}
		return &desired.Set{Services: []desired.Service{s}}
	}
	open := func() *Names {
		t.Helper()
		n, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	use := func(n *Names, set *desired.Set) {
		t.Helper()
		if err := n.Use(set); err != nil {
			t.Fatal(err)
		}
	}
	sum := desired.Digest([]byte(canary))

	looking := open()
	use(looking, sealedAt("/a"))
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("whoever only looks wrote %v, %v", entries, err)
	}
	if looking.Name("/a", sum) == sum || looking.Name("/b", sum) != sum || looking.Name("/a", "") != "" {
		t.Error("only what is sealed has another name")
	}

	if err := looking.Keep(); err != nil {
		t.Fatal(err)
	}
	use(looking, sealedAt("/a", "/b"))
	was := looking.Name("/a", sum)
	i, err := os.Stat(filepath.Join(dir, namesFile))
	if err != nil || i.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", i.Mode(), err)
	}

	later := open()
	if got := []string{later.Name("/a", sum), later.Name("/b", sum)}; got[0] != was || got[1] != was {
		t.Errorf("%v, and it was %s", got, was)
	}
	use(later, sealedAt("/b"))
	if later.Name("/a", sum) != was {
		t.Error("what is no longer declared is remembered, and its name with it")
	}
	plain := sealedAt("/b")
	plain.Services[0].Files = append(plain.Services[0].Files, desired.Artifact{Path: "/a"})
	use(later, plain)
	if later.Name("/a", sum) != sum {
		t.Error("what is declared in plain has its SHA-256")
	}
	if d := cmp.Diff(was, open().Name("/a", sum)); d != "" {
		t.Errorf("who only looks changed what is kept: %s", d)
	}
	if err := os.WriteFile(filepath.Join(dir, namesFile), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a damaged file: %v", err)
	}
}

// FuzzCheck feeds what a commit may bring under the name of an age file.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\ny\n--- z\n"))
	f.Add([]byte(armor.Header + "\nYWdl\n" + armor.Footer + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := Check(b); err == nil && len(b) < len("age-encryption.org/v1\n") {
			t.Errorf("%q is an age file", b)
		}
	})
}
