package hosttest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// output is a file or folder that the run inside writes and `go test` expects outside.
type output struct{ shared, wanted string }

// insideArgs rewrites the test flags that name files: they are written to the
// share, and fetched from there. The test log, by which `go test` would cache
// the result, is left out: a result that depends on a whole host is not cached.
func insideArgs(args []string, share string) (inside []string, outputs []output) {
	dir := "."
	for _, a := range args {
		if v, ok := strings.CutPrefix(a, "-test.outputdir="); ok {
			dir = v
		}
	}
	for i, a := range args {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(a, "--"), "-"), "=")
		switch name {
		case "test.testlogfile", "test.outputdir":
			continue
		case "test.coverprofile", "test.cpuprofile", "test.memprofile", "test.blockprofile",
			"test.mutexprofile", "test.trace", "test.gocoverdir":
			if !filepath.IsAbs(value) && name != "test.gocoverdir" {
				value = filepath.Join(dir, value)
			}
			out := "out" + strconv.Itoa(i)
			if name == "test.gocoverdir" {
				if os.Mkdir(filepath.Join(share, out), 0o755) != nil {
					continue
				}
			}
			outputs = append(outputs, output{filepath.Join(share, out), value})
			a = "-" + name + "=" + rehearse.ShareInside + "/" + out
		}
		inside = append(inside, a)
	}
	return inside, outputs
}

// fetch copies what was written to where it is wanted; nothing written is fine,
// as after a run that failed early.
func (o output) fetch() error {
	info, err := os.Stat(o.shared)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(o.wanted, os.DirFS(o.shared))
	}
	b, err := os.ReadFile(o.shared)
	if err != nil {
		return err
	}
	return os.WriteFile(o.wanted, b, 0o644)
}
