package read

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
)

// ErrUnsafe is the cause where others than root could change the host's policy.
var ErrUnsafe = errors.New("policy can be changed by others than root")

// Policy reads a host's policy, and fills in what it leaves out. Where the file
// does not exist, errors.Is(problems.Err(), fs.ErrNotExist) holds, and what
// then is in force is the caller's to say (desired.BuiltInPolicy). As root, a
// file is refused that somebody else could have written.
func Policy(name string) (desired.Policy, Problems) {
	p, _, problems := policyOf(name)
	return p, problems
}

// GitPolicy is Policy for a host whose desired state comes from git: whoever may
// push bounds himself by nothing, so that there must be a policy, and it must say
// what it demands of signatures.
func GitPolicy(name string) (desired.Policy, Problems) {
	p, root, problems := policyOf(name)
	if errors.Is(problems.Err(), fs.ErrNotExist) {
		problems[0].Message = "there is no policy, and desired state from git needs one that bounds it; write one with: sudo evenkeel install"
		return p, problems
	}
	if s := root.get("signatures"); len(problems.Errors()) == 0 && (s == nil || s.kind == null) {
		problems = append(problems, Problem{
			Pos: desired.Pos{File: name}, Message: "desired state from git needs signatures said; write signatures: required, with allowedSigners: FILE, or signatures: none",
		})
	}
	if len(problems.Errors()) == 0 && p.Signatures == "required" && p.AllowedSigners == "" {
		problems = append(problems, Problem{
			Pos: desired.Pos{File: name}, Message: "signatures are required, and nobody is named whose count; write allowedSigners: FILE, a file of ssh-keygen's allowed signers or of OpenPGP keys",
		})
	}
	return p, problems
}

// policyOf is the policy, and the document that it was read from.
func policyOf(name string) (desired.Policy, *node, Problems) {
	var p desired.Policy
	f, problem := policyFile(name)
	if problem != nil {
		return p, nil, Problems{*problem}
	}
	doc := &document{file: f, first: 1, text: trimBOM(f.content)}
	if texts, _ := split(doc.text); len(texts) > 1 && strings.TrimSpace(string(texts[1])) != "---" {
		return p, nil, Problems{{Pos: desired.Pos{File: name}, Message: "a policy is one document; remove the --- between"}}
	}
	if problems := parse(doc, new(atomic.Int64)); len(problems) > 0 {
		return p, nil, problems
	}
	if doc.root == nil {
		p.SetDefaults()
		return p, nil, nil
	}
	d := decoder{plans: newPlans()}
	d.into(doc.root, &p)
	for i := range d.problems {
		d.problems[i].Message = strings.TrimPrefix(d.problems[i].Message, ": ")
	}
	if len(d.problems) == 0 {
		checkPolicy(&d, doc.root, p)
	}
	p.SetDefaults()
	return p, doc.root, tidy(d.problems)
}

// policyFile reads the file, if nobody but root could have written it.
func policyFile(name string) (*file, *Problem) {
	fail := func(msg string, err error) (*file, *Problem) {
		return nil, &Problem{Pos: desired.Pos{File: name}, Message: msg, Trouble: err}
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return fail(because(err), err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail(because(err), err)
	}
	if os.Geteuid() == 0 {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && (st.Uid != 0 || info.Mode().Perm()&0o022 != 0) {
			return fail("others than root can change this policy; run chown root "+name+" && chmod go-w "+name, ErrUnsafe)
		}
	}
	dir, base := filepath.Split(filepath.Clean(name))
	var total atomic.Int64
	one := &file{tree: &tree{shown: filepath.Clean(dir), fsys: opened{f}}, name: base, shown: name}
	if one.content, err = one.tree.read(base, &total); err != nil {
		return fail(because(err), err)
	}
	return one, nil
}

// opened is a file system of the one file that is open already, so that what
// was checked is what is read.
type opened struct{ f *os.File }

func (o opened) Open(string) (fs.File, error) { return o.f, nil }

// checkPolicy holds a policy to what its types do not express.
func checkPolicy(d *decoder, root *node, p desired.Policy) {
	for i, g := range p.Units {
		d.glob(root, "units", i, g)
	}
	for i, g := range p.Protect {
		d.glob(root, "protect", i, g)
	}
	for i, g := range p.Paths {
		d.glob(root, "paths", i, g)
		if !path.IsAbs(g) {
			d.report(root.get("paths").items[i], "paths[%d]: %s is not absolute", i, quoted(g))
		}
	}
	for i, e := range p.Exec {
		if !path.IsAbs(e.Argv0) {
			d.report(root.get("exec").items[i].get("argv0"), "exec[%d].argv0: %s is not absolute", i, quoted(e.Argv0))
		}
	}
	for i, c := range p.Credentials {
		if !path.IsAbs(c) {
			d.report(root.get("credentials").items[i], "credentials[%d]: %s is not absolute", i, quoted(c))
		}
	}
	if id := root.get("identity"); id != nil && id.kind != null && !path.IsAbs(p.Identity) {
		d.report(id, "identity: %s is not absolute", quoted(p.Identity))
	}
	for _, f := range root.get("actions").fieldsOf() {
		if v := f.value.text; v != desired.Auto && v != desired.Approve {
			d.report(f.value, "actions.%s: %s is not one of auto, approve", f.name, quoted(v))
		}
	}
	for _, f := range root.get("host").get("labels").fieldsOf() {
		if !labelPattern().MatchString(f.name) {
			d.problems = append(d.problems, Problem{Pos: f.pos(), Message: "host.labels: " + quoted(f.name) + " is not the name of a label"})
		}
	}
	d.amounts(root, p)
}

func (d *decoder) glob(root *node, field string, i int, g string) {
	if _, err := path.Match(g, ""); err != nil || g == "" {
		d.report(root.get(field).items[i], "%s[%d]: %s is not a pattern; * stands for any text", field, i, quoted(g))
	}
}

// amounts refuses numbers that mean nothing. Zero would look like "not said".
func (d *decoder) amounts(root *node, p desired.Policy) {
	b := root.get("budgets")
	for _, a := range []struct {
		at       *node
		field    string
		ok       bool
		instruct string
	}{
		{b.get("disruptive"), "budgets.disruptive", p.Budgets.Disruptive > 0, "at least 1; mode: observe if nothing may be done"},
		{b.get("inFlight"), "budgets.inFlight", p.Budgets.InFlight > 0, "at least 1"},
		{b.get("per"), "budgets.per", p.Budgets.Per > 0, "more than 0s"},
		{b.get("unhealthyShare"), "budgets.unhealthyShare", p.Budgets.UnhealthyShare > 0 && p.Budgets.UnhealthyShare <= 1, "more than 0 and at most 1"},
		{root.get("shrink"), "shrink", p.Shrink > 0 && p.Shrink <= 1, "more than 0 and at most 1"},
	} {
		if a.at != nil && a.at.kind != null && !a.ok {
			d.report(a.at, "%s: want %s", a.field, a.instruct)
		}
	}
}
