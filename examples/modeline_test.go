package examples

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// checkModeline checks that an editor finds the schema from where the file is.
func checkModeline(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	at, ok := strings.CutPrefix(first, "# yaml-language-server: $schema=")
	if !ok {
		t.Errorf("%s: the first line is no modeline: %s", file, first)
		return
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(file), at)); err != nil {
		t.Errorf("%s: its schema is not there: %v", file, err)
	}
}
