package git

import (
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What a stranger sends is taken apart in a process that has all rights, so it must
// not fall over anything.
func FuzzFolders(f *testing.F) {
	id, _ := hex.DecodeString(none)
	f.Add([]byte("100644 a.yaml\x00" + string(id) + "40000 units\x00" + string(id)))
	f.Add([]byte("100644 a.yaml\x00short"))
	f.Add([]byte(" \x00" + string(id)))
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, ok := parseFolder(content, 20)
		seen := map[string]string{}
		read := 0
		for _, e := range entries {
			read += len(e.mode) + 1 + len(e.name) + 1 + 20
			if checkName(e.name, "", seen) != nil {
				continue
			}
			if e.name == "" || e.name == "." || e.name == ".." || strings.ContainsAny(e.name, "/\x00\n\x1b") || !utf8.ValidString(e.name) {
				t.Errorf("%q is let in", e.name)
			}
		}
		if ok && read != len(content) {
			t.Errorf("of %d bytes %d are taken", len(content), read)
		}
	})
}

func FuzzCommits(f *testing.F) {
	f.Add([]byte("tree " + none + "\nparent " + none + "\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nsubject\n"))
	f.Add([]byte("tree " + none))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, tree, err := parseCommit(object{id: none, kind: "commit", content: content})
		if err != nil {
			return
		}
		for _, id := range append(c.Parents, tree) {
			if !isID(id) {
				t.Errorf("%q is taken for an ID", id)
			}
		}
		if shown := c.Author + c.Subject; strings.ContainsAny(shown, "\x1b\n\r\x00") || !utf8.ValidString(shown) || len(shown) > 400 {
			t.Errorf("%q would be shown", shown)
		}
	})
}

func FuzzSigners(f *testing.F) {
	f.Add("a@b ssh-ed25519 AAAA\n")
	f.Add(pgpBegin + "\n\nabc\n" + pgpEnd + "\na@b valid-before=\"20270101\" ssh-ed25519 AAAA\n")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parseSigners(text, time.Unix(0, 0))
		if err == nil && (k.ssh == "" && k.pgp == "" || !k.asked || strings.Contains(k.ssh, pgpBegin) || strings.Count(k.pgp, pgpBegin) != strings.Count(k.pgp, pgpEnd)) {
			t.Errorf("%q: got %+v", text, k)
		}
	})
}
