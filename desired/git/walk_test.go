package git

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// none is the ID of an object that is nowhere.
var none = strings.Repeat("1", 40)

// What lies in the folder that is followed must be ordinary files.
func TestWhatIsNotRead(t *testing.T) {
	long := strings.Repeat("x", 256)
	for name, c := range map[string]struct {
		tree  func(o *origin, file, folder string) string // mktree's lines
		limit func(*Limits)
		kind  RefusedKind
		words string
	}{
		"a symbolic link":      {func(o *origin, _, _ string) string { return "120000 blob " + o.blob("/etc/shadow") + "\tlink\x00" }, nil, Unsafe, "symbolic link"},
		"a link among folders": {func(o *origin, _, _ string) string { return "120000 blob " + o.blob("..") + "\tunits\x00" }, nil, Unsafe, "symbolic link"},
		"a submodule":          {func(*origin, string, string) string { return "160000 commit " + none + "\tsub\x00" }, nil, Unsafe, "submodule"},
		"twins but for case": {func(_ *origin, f, _ string) string {
			return "100644 blob " + f + "\tA.yaml\x00100644 blob " + f + "\ta.yaml\x00"
		}, nil, Unsafe, "upper and lower case"},
		"twins of folder and file": {func(_ *origin, f, d string) string {
			return "040000 tree " + d + "\tUnits\x00100644 blob " + f + "\tunits\x00"
		}, nil, Unsafe, "upper and lower case"},
		"a control character":     {func(_ *origin, f, _ string) string { return "100644 blob " + f + "\ta\x1b[2J\x00" }, nil, Unsafe, "character"},
		"a line's end":            {func(_ *origin, f, _ string) string { return "100644 blob " + f + "\ta\nb\x00" }, nil, Unsafe, "character"},
		"a backslash":             {func(_ *origin, f, _ string) string { return "100644 blob " + f + "\t..\\a\x00" }, nil, Unsafe, "character"},
		"a name that is no text":  {func(_ *origin, f, _ string) string { return "100644 blob " + f + "\ta\xff\x00" }, nil, Unsafe, "character"},
		"a name that is too long": {func(_ *origin, f, _ string) string { return "100644 blob " + f + "\t" + long + "\x00" }, nil, Unsafe, "too long"},
		"a file that lies in git-lfs": {func(o *origin, _, _ string) string {
			return "100644 blob " + o.blob(pointer+"v1\noid sha256:1\n") + "\ta\x00"
		}, nil, Unsafe, "git-lfs"},
		"a file that is too large":      {func(o *origin, _, _ string) string { return "100644 blob " + o.blob(long) + "\tbig.yaml\x00" }, func(l *Limits) { l.File = 255 }, TooLarge, `big.yaml": it has 256 bytes: at most 255`},
		"files that are too large":      {func(_ *origin, f, d string) string { return "100644 blob " + f + "\ta\x00040000 tree " + d + "\tb\x00" }, func(l *Limits) { l.Total = 60 }, TooLarge, "its folders"},
		"too many files":                {func(_ *origin, f, d string) string { return "100644 blob " + f + "\ta\x00040000 tree " + d + "\tb\x00" }, func(l *Limits) { l.Files = 1 }, TooLarge, "more than 1 files"},
		"folders that are too deep":     {func(_ *origin, _, d string) string { return "040000 tree " + d + "\ta\x00" }, func(l *Limits) { l.Depth = 1 }, Unsafe, "deep"},
		"a bomb of folders in folders":  {bomb, nil, TooLarge, "more than 10000 files"},
		"a hundred thousand empty ones": {many, nil, TooLarge, "more than 10000 files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrigin(t)
			file := o.blob("x\n")
			folder := o.raw("040000 tree " + o.raw("100644 blob "+file+"\tdeep\x00") + "\td\x00")
			bad := o.raw(c.tree(o, file, folder))
			o.commitTree(o.raw("040000 tree " + bad + "\tbad\x00" + "040000 tree " + o.raw("100644 blob "+file+"\ta.yaml\x00") + "\tgood\x00"))
			o.push("main")
			options := o.options()
			if c.limit != nil {
				c.limit(&options.Limits)
			}
			refused(t, mirror(t, options), c.kind, c.words)
			options.Path = "bad"
			refused(t, mirror(t, options), c.kind, c.words)
			options.Path, options.Limits = "good", Limits{}
			if got := content(t, fetched(t, mirror(t, options)).Tree); !maps.Equal(got, map[string]string{"a.yaml": "x\n"}) {
				t.Errorf("what lies beside it: %q", got)
			}
		})
	}
}

// bomb is ten folders of ten folders of … : as many files as nobody can read.
func bomb(o *origin, file, _ string) string {
	tree := o.raw("100644 blob " + file + "\tf\x00")
	for range 9 {
		var b strings.Builder
		for i := range 10 {
			fmt.Fprintf(&b, "040000 tree %s\t%d\x00", tree, i)
		}
		tree = o.raw(b.String())
	}
	return "040000 tree " + tree + "\tbomb\x00"
}

func many(_ *origin, file, _ string) string {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "100644 blob %s\t%06d\x00", file, i)
	}
	return b.String()
}

// These trees git itself neither makes nor lets in; whoever reads them all the same
// must not be misled.
func TestNamesThatGitWouldNotLetIn(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "../x", "/etc/passwd", ".git", ".GIT", "a\\b", "a\nb", "\x7f", "a\u202egpj.service"} {
		if err := checkName(name, "folder", map[string]string{}); err == nil {
			t.Errorf("%q: no error", name)
		}
	}
	for _, name := range []string{"a.yaml", ".gitignore", "postgresql@15.service", "ä", "...", "a b"} {
		if err := checkName(name, "folder", map[string]string{}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestAFolderOfTheRepositoryIsFollowed(t *testing.T) {
	o := newOrigin(t)
	o.commit(map[string]string{"infra/evenkeel/a.yaml": "a", "infra/evenkeel/units/b": "b", "infra/c": "c", "infra/evenkeel2/d": "d", "e": "e"})
	o.push("main")
	for path, want := range map[string][]string{
		"":                  {"e", "infra/c", "infra/evenkeel/a.yaml", "infra/evenkeel/units/b", "infra/evenkeel2/d"},
		".":                 {"e", "infra/c", "infra/evenkeel/a.yaml", "infra/evenkeel/units/b", "infra/evenkeel2/d"},
		"infra/evenkeel":    {"a.yaml", "units/b"},
		"./infra/evenkeel/": {"a.yaml", "units/b"},
	} {
		options := o.options()
		options.Path = path
		if got := fetched(t, mirror(t, options)).Tree.Files(); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", path, got, want)
		}
	}
	for path, c := range map[string]struct {
		kind  RefusedKind
		words string
	}{
		"infra/evenkee": {NoPath, `no folder "infra/evenkee"`},
		"Infra":         {NoPath, "no folder"},
		"infra/c":       {Unsafe, "is a file and must be a folder"},
		"infra/c/d":     {Unsafe, "is a file and must be a folder"},
	} {
		options := o.options()
		options.Path = path
		refused(t, mirror(t, options), c.kind, c.words)
	}
}
