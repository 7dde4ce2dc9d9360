package git

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"
)

func TestATreeIsAFileSystem(t *testing.T) {
	tree, err := NewTree(Commit{ID: "c1"}, map[string][]byte{
		"a.yaml": []byte("a"), "units/x.service": []byte("x"), "units/deep/er/y": nil, "z": []byte("z"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "a.yaml", "units/x.service", "units/deep/er/y", "z"); err != nil {
		t.Error(err)
	}
}

func TestATreeRefuses(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"a path out of it":                      {"../x": nil},
		"an absolute path":                      {"/etc/passwd": nil},
		"a path that is not clean":              {"a//b": nil},
		"no name":                               {"": nil},
		"a file where another has its folder":   {"a": nil, "a/b": nil},
		"a file where another's folder is deep": {"a/b": nil, "a/b/c/d": nil},
	} {
		if _, err := NewTree(Commit{}, files); !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want an error", name, err)
		}
	}
}
