package rules

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Runbooks checks the expressions of the Runbook objects of a file, and warns of a verify
// that cannot fail. n is how many there are.
func Runbooks(text []byte) (n int, found []Fault) {
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		if d.Decode(&doc) != nil { // the end, or no YAML, which is said elsewhere
			return n, found
		}
		if len(doc.Content) == 0 {
			continue
		}
		if kind := child(doc.Content[0], "kind"); kind == nil || kind.Value != "Runbook" {
			continue
		}
		n++
		f := &faults{root: doc.Content[0], text: strings.Split(string(text), "\n")}
		f.steps()
		found = append(found, f.list...)
	}
}

// steps checks the expressions of a Runbook's steps.
func (f *faults) steps() {
	list := find(f.root, "spec.steps")
	if list.Kind != yaml.SequenceNode {
		return
	}
	for i := range list.Content {
		at := item("spec.steps", i)
		for _, field := range []string{".when", ".verify.expr"} {
			expr, ok := f.written(at + field)
			if !ok {
				continue
			}
			for _, one := range Expr(expr) {
				one.Path = at + field
				f.add(one)
			}
			if why := Unfailing(expr); why != "" && field == ".verify.expr" {
				f.add(Fault{Path: at + field, Message: fmt.Sprintf("it cannot fail: %s", why), Warning: true})
			}
		}
	}
}

// written is the text at a path, where there is one.
func (f *faults) written(path string) (string, bool) {
	n := f.root
	for _, name := range strings.Split(strings.ReplaceAll(path, "[", ".["), ".") {
		if n = child(n, name); n == nil {
			return "", false
		}
	}
	return n.Value, n.Kind == yaml.ScalarNode && n.Value != ""
}
