package controller_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/state"
)

// The rules of the house: who may import whom and why not, what stays pure, and
// what every package and file owes its reader.

const module = "github.com/pakashop/evenkeel/"

// room is one package of the module, by its folder.
type room struct {
	imports map[string]string // of what is compiled into the product → the file that does it
	files   map[string]*ast.File
	doc     bool // some file, a test's too, has a package comment
}

// rooms reads every package below the areas of the module.
func rooms(t *testing.T) map[string]*room {
	t.Helper()
	all := map[string]*room{}
	for _, area := range []string{"cmd", "controller", "desired", "actuators", "state", "examples"} {
		err := filepath.WalkDir("../"+area, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			dir := filepath.ToSlash(filepath.Dir(strings.TrimPrefix(file, "../")))
			r := all[dir]
			if r == nil {
				r = &room{imports: map[string]string{}, files: map[string]*ast.File{}}
				all[dir] = r
			}
			r.doc = r.doc || f.Doc != nil
			if strings.HasSuffix(file, "_test.go") {
				return nil
			}
			r.files[file] = f
			for _, i := range f.Imports {
				name, err := strconv.Unquote(i.Path.Value)
				if err != nil {
					return err
				}
				r.imports[strings.TrimPrefix(name, module)] = file
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// within tells whether a package is one that a pattern names: itself, or with
// "/..." whatever lies below it.
func within(pkg, pattern string) bool {
	below, deep := strings.CutSuffix(pattern, "/...")
	return pkg == pattern || deep && strings.HasPrefix(pkg, below+"/")
}

// bans are the imports that must not be, each with its reason. Imports run one
// way: cmd → controller → act, api → plan, report → state, actuators, desired.
var bans = []struct {
	from   []string // packages
	to     []string
	why    string
	except string // a package that may be imported all the same
}{
	{
		from: []string{"controller", "controller/...", "desired", "desired/...", "state", "state/...", "actuators", "actuators/..."},
		to:   []string{"cmd/..."},
		why:  "the command line wires everything, so nothing may rest on it",
	},
	{
		from: []string{"desired", "desired/...", "state", "state/...", "actuators", "actuators/..."},
		to:   []string{"controller", "controller/..."},
		why:  "the vocabulary and the parts are used by the loop and must work without it: in plugins, in tools, in simulations",
	},
	{
		from: []string{"desired", "desired/..."},
		to:   []string{"state", "state/...", "actuators", "actuators/..."},
		why:  "what should be true is said without a look at any host",
	},
	{
		from: []string{"desired/powerless"},
		to:   []string{"desired", "desired/..."},
		why:  "what gives up rights is read to the end before it is believed; whoever has a child to start may use it",
	},
	{
		from: []string{"desired/git/hint"},
		to:   []string{"desired", "desired/git", "desired/read/...", "desired/schedule"},
		why:  "whatever a stranger sends to it, there is nothing that it could reach",
	},
	{
		from: []string{"desired/git"},
		to:   []string{"desired", "desired/read", "desired/read/...", "desired/schedule"},
		why:  "whether a commit is believed has nothing to do with what it means",
	},
	{
		from: []string{"actuators", "actuators/..."},
		to:   []string{"desired", "desired/...", "state", "state/..."},
		why:  "a plugin's author imports the contract and must not get evenkeel's insides with it",
	},
	{
		from: []string{"actuators/gather"},
		to:   []string{"actuators/cache", "actuators/exec", "actuators/file", "actuators/git", "actuators/host", "actuators/systemd", "actuators/turn", "actuators/wire"},
		why:  "who collects evidence has no hand that could change anything; of postgres it has the sessions, which hide the DSN",
	},
	{
		from: []string{"state"},
		to:   []string{"desired", "desired/...", "actuators/...", "state/..."},
		why:  "what was seen and done is plain data, stored and replayed by whoever knows nothing else",
	},
	{
		from: []string{"state/observe", "state/observe/..."},
		to:   []string{"state/record", "actuators/..."},
		why:  "eyes neither remember nor act",
	},
	{
		from: []string{"state/observe/outside"},
		to:   []string{"state/observe", "state/observe/bus", "state/observe/units", "state/observe/host", "state/observe/files", "state/observe/journal", "state/observe/probes", "desired/read"},
		why:  "an outsider knows nothing of any host",
	},
	{
		from: []string{"state/observe/collect"},
		to:   []string{"state/observe", "state/observe/units", "state/observe/host", "state/observe/files", "state/observe/journal", "state/observe/probes", "state/observe/secrets", "desired/read"},
		why:  "a collection is one look that rests on nothing seen before; secrets are handed to it one by one",
	},
	{
		from: []string{"state/observe/metrics/engine"},
		to:   []string{"state/observe", "state/observe/bus", "state/observe/units", "state/observe/host", "state/observe/files", "state/observe/journal", "state/observe/probes", "state/observe/secrets", "desired/read", "desired/git"},
		why:  "what evaluates rules has no rights, and nothing that it could reach with more",
	},
	{
		from: []string{"state/record"},
		to:   []string{"state/observe", "state/observe/...", "actuators/...", "desired", "desired/..."},
		why:  "the record stores entries and judges nothing",
	},
	{
		from: []string{"controller/plan"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/report", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/..."},
		why:  "the decision is pure: it is replayed and simulated with values alone",
		// Change windows: as pure, and its parser is nothing for desired's root.
		except: "desired/schedule",
	},
	{
		from: []string{"controller/report"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/review", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read"},
		why:  "what is shown is made of values, so that the same values always show the same",
	},
	{
		from: []string{"controller/review"},
		to:   []string{"controller", "controller/act", "controller/api", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read", "desired/git"},
		why:  "what a change would do is worked out from two revisions, wherever they were read, and no host is asked",
	},
	{
		from: []string{"controller/backtest"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/hand", "state/observe", "state/observe/...", "state/record", "desired/read"},
		why:  "what would be done is decided by the plan alone, from what is on record, wherever that was read",
	},
	{
		from: []string{"controller/audit"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/hand", "controller/plan", "controller/report", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/..."},
		why:  "the judge does not ask the accused: what evenkeel is held to is counted here once more",
	},
	{
		from: []string{"controller/adopt"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/plan", "controller/report", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read"},
		why:  "what is written down is made of values that were read before, so that a test can say them",
	},
	{
		from: []string{"controller/act"},
		to:   []string{"controller", "controller/api", "controller/plan", "controller/report", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read"},
		why:  "a step is done and checked without knowing who planned it or who does it",
	},
	{
		from: []string{"controller/api"},
		to:   []string{"controller", "controller/act", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read"},
		why:  "the socket shows and asks; it reaches no part around the loop",
	},
	{
		from: []string{"controller"},
		to:   []string{"state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read", "desired/read/...", "desired/sealed", "controller/rehearse", "controller/rehearse/..."},
		why:  "only cmd wires implementations in, so that the loop runs against a simulated host as against a real one",
	},
	{
		from: []string{"controller/webhook"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/plan", "controller/report", "state", "state/...", "desired", "desired/...", "actuators", "actuators/..."},
		why:  "who is told something is told what is given, and nothing that could be found besides",
	},
	{
		from: []string{"controller/drill"},
		to:   []string{"controller", "controller/act", "controller/rehearse", "controller/rehearse/...", "state/observe", "state/observe/...", "state/record", "actuators/...", "desired/read"},
		why:  "who drills knows the host by its socket and one command, so that a test can be the host",
	},
	{
		from: []string{"controller/rehearse"},
		to:   []string{"controller", "controller/act", "controller/api", "controller/plan", "controller/report", "state", "state/...", "desired", "desired/...", "actuators", "actuators/..."},
		why:  "a disposable host is a leaf: it knows nothing of what is tried on it",
	},
}

func TestImportsRunOneWay(t *testing.T) {
	all := rooms(t)
	for _, b := range bans {
		for _, p := range append(slices.Clone(b.from), b.to...) {
			if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), func(pkg string) bool { return within(pkg, p) }) {
				t.Errorf("a ban speaks of %s, and there is no such package", p)
			}
		}
		for pkg, r := range all {
			if !slices.ContainsFunc(b.from, func(p string) bool { return within(pkg, p) }) {
				continue
			}
			for to, file := range r.imports {
				// Within one folder's own tree packages may use each other.
				if to != b.except && slices.ContainsFunc(b.to, func(p string) bool { return within(to, p) }) {
					t.Errorf("%s imports %s: %s", file, to, b.why)
				}
			}
		}
	}
}

// Prometheus' packages change with every minor version, and come with a hundred modules:
// two packages know them, and nobody behind those.
func TestPrometheusIsKnownToTwo(t *testing.T) {
	for pkg, r := range rooms(t) {
		if slices.ContainsFunc([]string{"desired/rules", "state/observe/metrics/engine"}, func(p string) bool { return pkg == p || within(pkg, p+"/...") }) {
			continue
		}
		for to, file := range r.imports {
			if within(to, "github.com/prometheus/prometheus/...") {
				t.Errorf("%s imports %s: what reads rules is desired/rules, what evaluates them state/observe/metrics/engine", file, to)
			}
		}
	}
}

// The roots hold the vocabulary: a plugin's author or a tool that imports one
// gets the standard library with it, and nothing else.
func TestRootsImportTheStandardLibraryAlone(t *testing.T) {
	all := rooms(t)
	for root, allowed := range map[string][]string{"desired": nil, "actuators": nil, "state": {"actuators"}, "controller/failpoint": nil} {
		for name, file := range all[root].imports {
			first, _, _ := strings.Cut(name, "/")
			if !slices.Contains(allowed, name) && (strings.Contains(first, ".") || all[name] != nil) {
				t.Errorf("%s imports %s: %s is a root", file, name, root)
			}
		}
	}
}

// pure are the packages whose results depend on their arguments alone.
var pure = []string{"controller/adopt", "controller/audit", "controller/backtest", "controller/plan", "controller/report", "controller/review", "desired", "state"}

// impure are what such packages must not use. desired may import net: it
// parses addresses with it, and the calls that reach a network are listed.
var impure = map[string]string{
	"os": "reads the host", "os/exec": "starts programs", "os/user": "reads the host", "io/ioutil": "reads the host",
	"syscall": "calls the kernel", "golang.org/x/sys/unix": "calls the kernel", "net/http": "uses a network",
	"context": "waits", "log": "writes", "log/slog": "writes", "math/rand": "throws dice", "math/rand/v2": "throws dice",
	"crypto/rand": "throws dice", "runtime": "looks at the process", "runtime/debug": "looks at the process",
}

// clocks and networks by the name of their calls.
var impureCalls = map[string][]string{
	"time": {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
	"net":  {"Dial", "DialTimeout", "Listen", "ListenPacket", "LookupHost", "LookupIP", "LookupAddr", "LookupPort", "Interfaces", "InterfaceAddrs", "ResolveTCPAddr", "ResolveUDPAddr", "ResolveIPAddr"},
}

func TestPurePackagesArePure(t *testing.T) {
	all := rooms(t)
	closure := map[string]bool{}
	var visit func(pkg string)
	visit = func(pkg string) {
		if all[pkg] == nil || closure[pkg] {
			return
		}
		closure[pkg] = true
		for to := range all[pkg].imports {
			visit(to)
		}
	}
	for _, p := range pure {
		if all[p] == nil {
			t.Fatalf("there is no package %s", p)
		}
		visit(p)
	}
	for pkg := range closure {
		for name, file := range all[pkg].imports {
			if pkg == "actuators" && name == "context" {
				continue // the contract names it in a signature
			}
			if why := impure[name]; why != "" {
				t.Errorf("%s imports %s, which %s, and %s must be pure", file, name, why, pkg)
			}
		}
		for file, f := range all[pkg].files {
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s starts a goroutine, and %s must be pure", file, pkg)
				case *ast.SelectorExpr:
					if x, ok := n.X.(*ast.Ident); ok && slices.Contains(impureCalls[x.Name], n.Sel.Name) {
						t.Errorf("%s uses %s.%s, and %s must be pure: pass the time, or the value, in", file, x.Name, n.Sel.Name, pkg)
					}
				}
				return true
			})
		}
	}
}

// starters are the packages that may start programs, each with its reason.
// Everything else speaks D-Bus, reads files or sends values: never N processes.
var starters = map[string]string{
	"actuators/host":               "launches plugins",
	"actuators/git":                "fetches and pushes with git itself, bounded and as a user without rights; no Go library reverts, or talks to servers as git does",
	"actuators/actuatortest":       "tries a stranger's plugin as a subprocess",
	"cmd/evenkeel":                 "hands `logs` over to journalctl",
	"cmd/bench":                    "measures whole programs",
	"controller/rehearse":          "boots and enters disposable hosts",
	"controller/rehearse/demo":     "runs evenkeel on the demo's host, as its audience would",
	"controller/rehearse/hosttest": "runs a test again inside of a host",
	"desired/git":                  "runs git, bounded and without rights: no library judges signatures and histories as git does",
	"desired/read/apart":           "reads what a stranger wrote in a child of this program that has no rights",
	"desired/read/verify":          "asks systemd-analyze for systemd's own verdict",
	"state/observe/changes":        "asks journalctl and rpm, once each time that a human asks what changed",
	"state/observe/probes/ask":     "runs the commands of exec probes, caged and as nobody",
	"state/observe/metrics":        "has rules evaluated in a child of this program that has no rights",
	"state/observe/journal":        "reads the journal with journalctl, whose file format is systemd's own affair",
}

func TestWhoMayStartPrograms(t *testing.T) {
	all := rooms(t)
	for pkg, r := range all {
		if file := r.imports["os/exec"]; file != "" && starters[pkg] == "" {
			t.Errorf("%s imports os/exec: %s is not among those who may start programs", file, pkg)
		}
	}
	for pkg := range starters {
		if all[pkg] == nil || all[pkg].imports["os/exec"] == "" {
			t.Errorf("%s may start programs and does not; take it off the list", pkg)
		}
	}
}

// What evaluates rules is linked behind one package, whose process has no rights: the
// rest of evenkeel neither pays for it nor depends on its API.
func TestWhoMayEvaluate(t *testing.T) {
	for pkg, r := range rooms(t) {
		for name, file := range r.imports {
			evaluates, ok := strings.CutPrefix(name, "github.com/prometheus/prometheus/")
			for _, parser := range []string{"promql/parser", "model/rulefmt", "model/labels"} {
				ok = ok && evaluates != parser // reading a file of rules is no evaluation
			}
			if ok && pkg != "state/observe/metrics/engine" && !within(pkg, "desired/rules/...") && pkg != "desired/rules" && pkg != "cmd/bench" {
				t.Errorf("%s imports %s: only state/observe/metrics/engine may evaluate", file, name)
			}
		}
	}
}

// Helpers of tests never reach the product.
func TestHelpersOfTestsStayInTests(t *testing.T) {
	for pkg, r := range rooms(t) {
		for _, helper := range []string{"testing", "controller/audit/recorded", "controller/rehearse/hosttest", "pgregory.net/rapid", "go.uber.org/goleak", "github.com/google/go-cmp/cmp"} {
			file := r.imports[helper]
			if file != "" && pkg != "controller/rehearse/hosttest" && pkg != "actuators/actuatortest" {
				t.Errorf("%s imports %s, which is for tests", file, helper)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for pkg, r := range rooms(t) {
		if !r.doc {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

// longest is how many lines a file that people write may have.
const longest = 600

func TestNoFileIsTooLongToRead(t *testing.T) {
	for _, area := range []string{"cmd", "controller", "desired", "actuators", "state", "examples"} {
		err := filepath.WalkDir("../"+area, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(file) != ".go" {
				return err
			}
			b, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text := string(b)
			head, _, _ := strings.Cut(text, "\npackage ")
			if n := strings.Count(text, "\n"); n > longest && !strings.Contains(head, "Code generated") {
				t.Errorf("%s has %d lines; look for the second thing in it", file, n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every Reason that there is has its sentence, and its place in the reference.
func TestEveryReasonIsExplained(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../state/reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := v.Type.(*ast.Ident); !ok || typ.Name != "Reason" {
			return true
		}
		for i, name := range v.Names {
			found++
			text, err := strconv.Unquote(v.Values[i].(*ast.BasicLit).Value)
			if err != nil || text != name.Name {
				t.Errorf("the reason %s is written %q", name.Name, text)
			}
			if sentence := state.Reasons[state.Reason(text)]; !strings.HasSuffix(sentence, ".") {
				t.Errorf("state.Reasons has no sentence for %s: %q", text, sentence)
			}
			if !strings.Contains(string(reference), text) {
				t.Errorf("docs/reference.md does not speak of %s", text)
			}
		}
		return true
	})
	if found != len(state.Reasons) {
		t.Errorf("there are %d reasons, and %d are explained", found, len(state.Reasons))
	}
}
