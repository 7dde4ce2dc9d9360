package read

import (
	"path"
	"regexp"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// object is a document that says what it is.
type object struct {
	doc         *document
	kind        string
	meta        desired.Meta
	nameAt      *node // metadata.name
	urlAt       *node // of the annotation that says its public URL; nil: none does
	spec        *node
	delete      bool // a patch that removes the object
	environment string
}

func (o *object) ref() string { return o.kind + "/" + o.meta.Name }

// namePattern is the grammar of names of objects.
var namePattern = lazily(`^[a-z0-9]([-a-z0-9@._]*[a-z0-9])?$`)

const maxName = 200

// deleteMark is the annotation by which an overlay removes an object.
const deleteMark = "evenkeel.dev/patch"

// identify reads what every object has: version, kind and metadata.
func identify(doc *document, plans plans) (*object, Problems) {
	root := doc.root
	o := &object{doc: doc, environment: doc.file.environment}
	if root.kind != table {
		return nil, Problems{at(root, "want an object with apiVersion, kind, metadata and spec, not "+root.kind.String())}
	}
	if root.get("groups") != nil && root.get("kind") == nil && root.get("apiVersion") == nil {
		return rulesFile(doc), nil
	}
	var problems Problems
	o.kind = kindOf(root, &problems)
	problems = append(problems, version(root)...)
	for _, f := range root.fields {
		switch f.name {
		case "apiVersion", "kind", "metadata", "spec":
		default:
			problems = append(problems, Problem{Pos: f.pos(), Message: "unknown field " + quoted(f.name) +
				desired.DidYouMean(f.name, []string{"apiVersion", "kind", "metadata", "spec"})})
		}
	}
	o.spec = root.get("spec")
	problems = append(problems, o.metadata(root, plans)...)
	if o.kind == "" || o.meta.Name == "" {
		return nil, problems
	}
	return o, problems
}

func kindOf(root *node, problems *Problems) string {
	k := root.get("kind")
	switch {
	case k == nil:
		*problems = append(*problems, at(root, "the field kind is missing; it is one of "+strings.Join(desired.Kinds, ", ")))
	case k.kind != text:
		*problems = append(*problems, at(k, "kind: want one of "+strings.Join(desired.Kinds, ", ")))
	default:
		for _, known := range desired.Kinds {
			if k.text == known {
				return known
			}
		}
		*problems = append(*problems, at(k, "unknown kind "+quoted(k.text)+orList(k.text, desired.Kinds)))
	}
	return ""
}

func version(root *node) Problems {
	v := root.get("apiVersion")
	switch {
	case v == nil:
		return Problems{at(root, "the field apiVersion is missing; write apiVersion: "+desired.APIVersion)}
	case v.text != desired.APIVersion:
		return Problems{at(v, "unknown apiVersion "+quoted(v.text)+"; write "+desired.APIVersion)}
	}
	return nil
}

func (o *object) metadata(root *node, plans plans) Problems {
	m := root.get("metadata")
	if m == nil {
		return Problems{at(root, "the field metadata is missing; write metadata: {name: …}")}
	}
	d := decoder{plans: plans, path: []string{"metadata"}}
	d.into(m, &o.meta)
	if o.meta.Name == "" {
		return d.problems
	}
	o.nameAt = m.get("name")
	name := o.meta.Name
	if !namePattern().MatchString(o.meta.Name) || len(o.meta.Name) > maxName {
		d.report(o.nameAt, "metadata.name: %s is not a name; write small letters, digits and -@._ in between, beginning and ending with a letter or digit", quoted(name))
		o.meta.Name = ""
	}
	if base, ok := strings.CutSuffix(name, ".service"); ok && o.kind == "Service" {
		d.report(o.nameAt, "metadata.name: write %s; the suffix belongs to spec.unit", quoted(base))
	}
	for _, k := range m.get("labels").fieldsOf() {
		if !labelPattern().MatchString(k.name) {
			d.problems = append(d.problems, Problem{Pos: k.pos(), Message: "metadata.labels: " + quoted(k.name) + " is not the name of a label; write letters, digits and _-./"})
		}
	}
	if o.urlAt = m.get("annotations").get(desired.PublicURL); o.urlAt != nil && o.kind != "Service" {
		d.problems = append(d.problems, warning(o.urlAt, "metadata.annotations: "+desired.PublicURL+" says nothing here: it is for a Service; an Endpoint's probe has a URL itself"))
	}
	switch mark, ok := o.meta.Annotations[deleteMark]; {
	case !ok:
	case mark != "delete":
		d.report(m.get("annotations").get(deleteMark), "%s: the only value is delete", deleteMark)
	case o.environment == "":
		d.report(m.get("annotations").get(deleteMark), "%s: only an overlay (environments/NAME/) can remove an object", deleteMark)
	default:
		o.delete = true
	}
	if mark, ok := o.meta.Annotations[desired.Irreversible]; ok && mark != "true" {
		d.report(m.get("annotations").get(desired.Irreversible), "%s: the only value is \"true\"; without the annotation the object can be taken back", desired.Irreversible)
	}
	return d.problems
}

var labelPattern = lazily(`^[A-Za-z_]([-A-Za-z0-9_./]*[A-Za-z0-9_])?$`)

func (n *node) fieldsOf() []field {
	if n == nil {
		return nil
	}
	return n.fields
}

// rulesFile takes a plain file of Prometheus rules for AlertRules of the
// file's name.
func rulesFile(doc *document) *object {
	base := strings.ToLower(path.Base(doc.file.name))
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".yaml"), ".yml")
	name := strings.Trim(regexp.MustCompile(`[^-a-z0-9@._]+`).ReplaceAllString(base, "-"), "-@._")
	if name == "" {
		name = "rules"
	}
	return &object{doc: doc, kind: "AlertRules", meta: desired.Meta{Name: name}, nameAt: doc.root, spec: doc.root}
}

// testsRules tells a file of unit tests for rules, as promtool reads it: it may lie
// beside the rules, and declares nothing.
func (d *document) testsRules() bool {
	r := d.root
	return r.get("rule_files") != nil && r.get("tests") != nil && r.get("kind") == nil && r.get("apiVersion") == nil
}

// at is an error at a node.
func at(n *node, msg string) Problem { return Problem{Pos: n.pos(), Message: msg} }

// orList ends a message about an unknown word: with the near one, or with all.
func orList(word string, known []string) string {
	if s := desired.DidYouMean(word, known); s != "" {
		return s
	}
	return "; it is one of " + strings.Join(known, ", ")
}
