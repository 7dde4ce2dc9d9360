package secrets

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

// host makes two folders of credentials, and things that are none.
func host(t *testing.T) (r *Reader, first, second string) {
	t.Helper()
	dir := t.TempDir()
	first, second = filepath.Join(dir, "first"), filepath.Join(dir, "second")
	for _, d := range []string{first, second, filepath.Join(first, "deep")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{
		dir + "/outside": "canary", first + "/pg": "one\n", second + "/pg": "two\n", second + "/redis": "three\n\n", first + "/deep/x": "four",
		first + "/empty": "\n", first + "/open": "canary", first + "/group": "canary", first + "/theirs": "canary", first + "/large": strings.Repeat("x", maxValue+1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range []error{
		os.Chmod(first+"/open", 0o604), os.Chmod(first+"/group", 0o660), os.Chown(first+"/theirs", 65534, 65534),
		os.Symlink("../outside", first+"/leak"), os.Symlink(dir+"/outside", first+"/leak2"), os.Symlink("deep/x", first+"/inside"),
		syscall.Mkfifo(first+"/pipe", 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	r = New()
	r.env = func(name string) (string, bool) {
		v, ok := map[string]string{"TOKEN": "five", "EMPTY": "", "CREDENTIALS_DIRECTORY": second}[name]
		return v, ok
	}
	r.Use([]string{first})
	return r, first, second
}

func TestValues(t *testing.T) {
	r, first, second := host(t)
	for _, c := range []struct {
		name  string
		from  desired.Secret
		value string
		err   string // FIRST is the first folder
	}{
		{"a credential", desired.Secret{FromCredential: "pg"}, "one", ""},
		{"one in systemd's folder", desired.Secret{FromCredential: "redis"}, "three\n", ""},
		{"a link within the folder", desired.Secret{FromCredential: "inside"}, "four", ""},
		{"no such credential", desired.Secret{FromCredential: "none"}, "", "there is no credential none in FIRST, SECOND"},
		{"a path instead of a name", desired.Secret{FromCredential: "../outside"}, "", `"../outside" is not the name of a credential: it names no folder`},
		{"the folder itself", desired.Secret{FromCredential: ".."}, "", `".." is not the name of a credential: it names no folder`},
		{"a link that leads out", desired.Secret{FromCredential: "leak"}, "", "path escapes from parent"},
		{"an absolute link", desired.Secret{FromCredential: "leak2"}, "", "path escapes from parent"},
		{"open to everybody", desired.Secret{FromCredential: "open"}, "", "the secret FIRST/open is open to everybody: chmod 600 FIRST/open"},
		{"written by a group", desired.Secret{FromCredential: "group"}, "", "the secret FIRST/group can be written by its group: chmod 600 FIRST/group"},
		{"another user's", desired.Secret{FromCredential: "theirs"}, "", "the secret FIRST/theirs does not belong to root: chown root FIRST/theirs"},
		{"empty", desired.Secret{FromCredential: "empty"}, "", "the secret FIRST/empty is empty"},
		{"too large", desired.Secret{FromCredential: "large"}, "", "the secret FIRST/large is larger than 64 KiB"},
		{"a folder", desired.Secret{FromCredential: "deep"}, "", "the secret FIRST/deep is not a regular file"},
		{"a pipe", desired.Secret{FromCredential: "pipe"}, "", "the secret FIRST/pipe is not a regular file"},

		{"a file", desired.Secret{FromFile: first + "/deep/x"}, "four", ""},
		{"a file in systemd's folder", desired.Secret{FromFile: second + "/pg"}, "two", ""},
		{"a file elsewhere", desired.Secret{FromFile: "/etc/shadow"}, "", "/etc/shadow does not lie below a folder of credentials: FIRST, SECOND"},
		{"a file beside the folder", desired.Secret{FromFile: first + "/../outside"}, "", "does not lie below a folder of credentials"},
		{"a folder of a like name", desired.Secret{FromFile: first + "more/x"}, "", "does not lie below a folder of credentials"},
		{"a file by a link that leads out", desired.Secret{FromFile: first + "/leak"}, "", "path escapes from parent"},

		{"a variable", desired.Secret{FromEnv: "TOKEN"}, "five", ""},
		{"no such variable", desired.Secret{FromEnv: "NONE"}, "", "the variable NONE is not set for evenkeel; systemctl edit evenkeel can set it"},
		{"an empty variable", desired.Secret{FromEnv: "EMPTY"}, "", "the variable EMPTY is not set for evenkeel; systemctl edit evenkeel can set it"},
		{"nothing", desired.Secret{}, "", "it is not said where the secret is"},
	} {
		v, err := r.Value(t.Context(), c.from)
		c.err = strings.NewReplacer("FIRST", first, "SECOND", second).Replace(c.err)
		if v != c.value || (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %q, %v; want %q, %s", c.name, v, err, c.value, c.err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error tells the secret: %v", c.name, err)
		}
	}
}

func TestTheFoldersAreThoseOfPolicy(t *testing.T) {
	r, first, second := host(t)
	r.Use([]string{second})
	if v, err := r.Value(t.Context(), desired.Secret{FromCredential: "pg"}); v != "two" {
		t.Errorf("%q, %v", v, err)
	}
	if _, err := r.Value(t.Context(), desired.Secret{FromFile: first + "/pg"}); err == nil {
		t.Error("a folder that policy no longer names is read")
	}
	r.Use(nil)
	if _, err := r.Value(t.Context(), desired.Secret{FromCredential: "none"}); err == nil || !strings.Contains(err.Error(), Folder) {
		t.Errorf("without a word of policy: %v", err)
	}
}
