package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

// Root has git work as the owner of a repository of this machine: what he could have
// written there may make git do what he likes.
func TestAsWhomARepositoryIsRead(t *testing.T) {
	t.Chdir(t.TempDir())
	const nobody = 65534
	root := os.Geteuid() == 0
	for name, owner := range map[string]int{"mine": os.Geteuid(), "his": nobody, "nameless": 54321} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
		if root {
			if err := os.Chown(name, owner, owner); err != nil {
				t.Fatal(err)
			}
		}
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string][2]string{
		"mine":                           {filepath.Join(here, "mine"), ""},
		"./his":                          {filepath.Join(here, "his"), "nobody"},
		"file://" + here + "/his":        {filepath.Join(here, "his"), "nobody"},
		"nameless":                       {filepath.Join(here, "nameless"), stranger()},
		"https://git.example.org/a.git":  {"https://git.example.org/a.git", stranger()},
		"git@git.example.org:shop/a.git": {"git@git.example.org:shop/a.git", stranger()},
	} {
		if !root {
			want[1] = ""
		}
		if remote, user := repository(url); remote != want[0] || user != want[1] {
			t.Errorf("%s: %s as %q, want %s as %q", url, remote, user, want[0], want[1])
		}
	}
}

func TestAFolderOfARepositoryKeepsItsName(t *testing.T) {
	m := mounted{"deploy/shop", fstest.MapFS{"a.yaml": {Data: []byte("x")}, "units/a.service": {Data: []byte("y")}}}
	sub, err := fs.Sub(m, "deploy/shop")
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(sub, "a.yaml", "units/a.service"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{".", "deploy", "a.yaml", "deploy/shopping", "deploy/shop2/a.yaml"} {
		if _, err := m.Open(name); err == nil {
			t.Errorf("%s can be opened", name)
		}
	}
}
