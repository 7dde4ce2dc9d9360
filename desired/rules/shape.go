package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"github.com/pakashop/evenkeel/desired"
)

// The fields of Prometheus' rule files, and what each takes.
var (
	groupFields = map[string]func(*faults, string, *yaml.Node){
		"name": (*faults).scalar, "interval": (*faults).duration, "query_offset": (*faults).duration,
		"limit": (*faults).whole, "labels": (*faults).texts, "rules": (*faults).rules,
	}
	ruleFields = map[string]func(*faults, string, *yaml.Node){
		"record": (*faults).scalar, "alert": (*faults).scalar, "expr": (*faults).expr,
		"for": (*faults).duration, "keep_firing_for": (*faults).duration,
		"labels": (*faults).texts, "annotations": (*faults).texts,
	}
)

// shape checks fields and their types, which rulefmt does without their places.
func (f *faults) shape() {
	f.fields("", f.root, map[string]func(*faults, string, *yaml.Node){"groups": (*faults).groups})
}

func (f *faults) groups(path string, n *yaml.Node) {
	for i, g := range f.items(path, n) {
		f.fields(item(path, i), g, groupFields)
	}
}

func (f *faults) rules(path string, n *yaml.Node) {
	for i, r := range f.items(path, n) {
		f.fields(item(path, i), r, ruleFields)
	}
}

func (f *faults) items(path string, n *yaml.Node) []*yaml.Node {
	switch {
	case empty(n):
		return nil
	case n.Kind != yaml.SequenceNode:
		f.bad(path, "want a list")
		return nil
	}
	return n.Content
}

// fields checks a table by what its fields take.
func (f *faults) fields(path string, n *yaml.Node, known map[string]func(*faults, string, *yaml.Node)) {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if f.seen++; empty(n) || f.huge {
		return
	}
	if f.seen > maxValues { // aliases make much of little
		f.huge = true
		f.bound(path, "the file holds too many values")
		return
	}
	if n.Kind != yaml.MappingNode {
		f.bad(path, "want a table of fields")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			continue
		}
		check, ok := known[key.Value]
		if !ok {
			names := slices.Sorted(maps.Keys(known))
			hint := desired.DidYouMean(key.Value, names)
			if hint == "" {
				hint = "; there are " + strings.Join(names, ", ")
			}
			f.list = append(f.list, Fault{
				Path: join(path, key.Value), Unknown: true, Message: hint, FileLine: key.Line, FileCol: key.Column,
			})
			continue
		}
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		check(f, join(path, key.Value), value)
	}
}

func (f *faults) scalar(path string, n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		f.bad(path, "want text")
	}
}

// expr bounds what the parser is given: it goes down as deep as parentheses do.
func (f *faults) expr(path string, n *yaml.Node) {
	f.scalar(path, n)
	if len(n.Value) > maxExpr {
		f.huge = true
		f.bound(path, "the expression is too long; evenkeel evaluates at most %d bytes", maxExpr)
	}
}

func (f *faults) duration(path string, n *yaml.Node) {
	if empty(n) {
		return
	}
	if _, err := model.ParseDuration(n.Value); n.Kind != yaml.ScalarNode || err != nil {
		f.bad(path, "want a duration like 30s, 5m or 1h30m, not %q", shorten(n.Value))
	}
}

func (f *faults) whole(path string, n *yaml.Node) {
	if empty(n) {
		return
	}
	if i, err := strconv.Atoi(n.Value); err != nil || i < 0 {
		f.bad(path, "want a whole number, 0 or more")
	}
}

func (f *faults) texts(path string, n *yaml.Node) {
	if empty(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		f.bad(path, "want a table of texts")
		return
	}
	if f.seen += len(n.Content); f.seen > maxValues {
		return // the next table says so
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		for value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if value.Kind != yaml.ScalarNode && n.Content[i].Tag != "!!merge" {
			f.bad(join(path, n.Content[i].Value), "want text")
		}
	}
}

func empty(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
