package read

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pakashop/evenkeel/desired"
)

// Options say for whom desired state is read.
type Options struct {
	// Environment is the one whose overlay counts; empty: the host's.
	Environment string
	// Host is whom the Set is for; what is empty comes from Policy.Host, and
	// the name at last from the machine. Labels come from there only if the
	// name is this host's.
	Host desired.Host
	// Policy becomes the Set's. Reading does not obey it: what it forbids is
	// planned and held.
	Policy desired.Policy
	// Revision names what is read; empty: a digest of all files.
	Revision string
	// FS is where paths are looked up; nil: the machine's files.
	FS fs.FS
	// Everywhere reads an environment as a whole: every service, whatever host it
	// runs on. Unless Host names one, $(host) is AnyHost.
	Everywhere bool
	// Over are further files and folders, whose objects take the place of those of the
	// same kind and name.
	Over []string
	// Origins fills Object.Origin, which costs time and memory.
	Origins bool
}

// AnyHost stands for a host's name where none is meant.
const AnyHost = "any-host"

// Load reads files and folders (recursively) into the Set of one host. The Set
// is nil if a Problem is an error; warnings come with a Set. Problems.Err tells
// what could not be read at all (*Trouble) from what is wrong (*Invalid).
func Load(paths []string, o Options) (*desired.Set, Problems) {
	o = o.Complete()
	l := loader{o: o, kinds: specs(), plans: newPlans()}
	defer l.close()
	l.open(paths, false)
	l.open(o.Over, true)
	l.read()
	l.parse()
	l.identify()
	l.overlay()
	l.resolve()
	set := l.compile()
	l.problems = tidy(l.problems)
	if len(l.problems.Errors()) > 0 {
		return nil, l.problems
	}
	return set, l.problems
}

// Complete fills in what is the host's: for whom the Set is, and of which
// environment. What is complete stays as it is.
func (o Options) Complete() Options {
	if o.Everywhere && o.Host.Name == "" {
		o.Host.Name = AnyHost
	}
	own := o.Policy.Host
	if own.Name == "" {
		own.Name = hostname()
	}
	if o.Host.Name == "" {
		o.Host.Name = own.Name
	}
	if o.Host.Labels == nil && o.Host.Name == own.Name {
		o.Host.Labels = own.Labels // another host's labels are not known
	}
	if o.Host.Environment == "" {
		o.Host.Environment = o.Policy.Host.Environment
	}
	if o.Environment == "" {
		o.Environment = o.Host.Environment
	}
	return o
}

// hostname is the machine's name up to the first dot.
func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

type loader struct {
	o        Options
	kinds    map[string]reflect.Type
	plans    plans
	trees    []*tree
	files    []*file
	total    atomic.Int64 // bytes read
	values   atomic.Int64 // values read
	built    atomic.Int64 // bytes of what services became, about
	docs     []*document
	objects  []*object // declared, overlays applied
	patches  []*object // of all environments
	envs     map[string]desired.EnvironmentSpec
	vars     desired.Vars
	said     map[desired.Pos]bool // where Defaults are wrong
	problems Problems
	partial  bool // not all objects are in sight, so what refers to them cannot be judged
}

func (l *loader) add(p ...Problem) { l.problems = append(l.problems, p...) }

func (l *loader) close() {
	for _, t := range l.trees {
		t.close()
	}
}

// open finds the files.
func (l *loader) open(paths []string, over bool) {
	seen := map[string]*file{}
	for _, f := range l.files {
		seen[f.shown] = f
	}
	for _, name := range paths {
		t, only, err := openTree(l.o.FS, name)
		if err != nil {
			l.trouble(name, err)
			continue
		}
		l.trees = append(l.trees, t)
		files, problems := []*file(nil), Problems(nil)
		if only != "" {
			files = []*file{t.file(only)}
			files[0].environment = ""
		} else {
			files, problems = t.list()
			l.add(problems...)
			l.partial = l.partial || len(problems) > 0
			if len(files) == 0 && len(problems) == 0 {
				l.partial = true
				l.add(Problem{Pos: desired.Pos{File: name}, Message: "the folder holds no YAML files (*.yaml, *.yml)", Trouble: ErrNoYAML})
			}
		}
		for _, f := range files {
			if seen[f.shown] == nil {
				seen[f.shown] = f
				l.files = append(l.files, f)
			}
			seen[f.shown].over = over
		}
	}
}

func (l *loader) trouble(name string, err error) {
	l.partial = true
	l.add(Problem{Pos: desired.Pos{File: name}, Message: because(err), Trouble: err})
}

// read reads all files and cuts them into documents.
func (l *loader) read() {
	contents := make([][]byte, len(l.files))
	errs := make([]error, len(l.files))
	each(len(l.files), func(i int) { contents[i], errs[i] = l.files[i].tree.read(l.files[i].name, &l.total) })
	for i, f := range l.files {
		if errs[i] != nil {
			l.unreadable(f, errs[i])
			continue
		}
		f.content = contents[i]
		texts, lines := split(trimBOM(contents[i]))
		for j := range texts {
			l.docs = append(l.docs, &document{file: f, first: lines[j], text: texts[j]})
		}
	}
	if len(l.docs) > 2*maxObjects {
		l.partial, l.docs = true, nil
		l.add(Problem{Pos: desired.Pos{File: l.files[0].shown}, Message: "there are too many documents; at most " + strconv.Itoa(maxObjects) + " objects are read"})
	}
}

// parse parses all documents, several at a time, and keeps those that hold
// something.
func (l *loader) parse() {
	results := make([]Problems, len(l.docs))
	runs := runsOf(l.docs)
	each(len(runs), func(r int) {
		docs := l.docs[runs[r].from:runs[r].to]
		for i, shared := range together(docs) {
			results[runs[r].from+i] = guarded(docs[i], func() Problems { return shared.parse(docs[i], &l.values) })
		}
	})
	kept := l.docs[:0]
	for i, problems := range results {
		l.add(problems...)
		l.partial = l.partial || len(problems) > 0
		if l.docs[i].root != nil && len(problems) == 0 {
			kept = append(kept, l.docs[i])
		}
	}
	l.docs = kept
}

func (l *loader) unreadable(f *file, err error) {
	l.partial = true
	p := Problem{Pos: desired.Pos{File: f.shown}, Message: because(err)}
	if err != errTooLarge && err != errTooMuch {
		p.Trouble = err
	}
	l.add(p)
}

func trimBOM(b []byte) []byte {
	if len(b) >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf {
		return b[3:]
	}
	return b
}

// revision names everything that was read, by content and by path.
func (l *loader) revision(sources map[string]string) string {
	if l.o.Revision != "" {
		return l.o.Revision
	}
	h := sha256.New()
	for _, f := range l.files {
		h.Write([]byte(f.name + "\x00" + desired.Digest(f.content) + "\n"))
	}
	for _, name := range sortedKeys(sources) {
		h.Write([]byte(name + "\x00" + sources[name] + "\n"))
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))[:12]
}
