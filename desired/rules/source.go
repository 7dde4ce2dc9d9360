package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Source is where rule groups were found: a file of Prometheus' own, or one AlertRules
// object.
type Source struct {
	Name string // of the object; empty: the file is Prometheus' own
	Text []byte // groups, for Prometheus' parser

	root *yaml.Node
	all  string // the text of the whole file
}

// Sources finds the rule groups of a file: its AlertRules objects, or all of it where it
// holds no objects.
func Sources(text []byte) ([]Source, error) {
	plain := []Source{{Text: text}}
	var all []Source
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && len(all) == 0 {
			return plain, nil // whose parser will say so
		}
		if err != nil {
			return nil, fmt.Errorf("read YAML: %w", err)
		}
		var kind *yaml.Node
		if len(doc.Content) > 0 {
			kind = child(doc.Content[0], "kind")
		}
		if kind == nil && len(all) == 0 {
			return plain, nil
		}
		if kind == nil || kind.Value != "AlertRules" {
			continue
		}
		one, err := sourceOf(doc.Content[0], string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	if books, _ := Runbooks(text); books > 0 && len(all) == 0 {
		return nil, nil // which have expressions, too
	}
	if len(all) == 0 && len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("the file holds no rules; write groups: at its top, or an AlertRules object")
	}
	if len(all) == 0 {
		return plain, nil
	}
	return all, nil
}

func sourceOf(object *yaml.Node, all string) (Source, error) {
	s := Source{Name: find(object, "metadata.name").Value, all: all}
	groups := find(object, "spec.groups")
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: "groups"}
	s.root = &yaml.Node{Kind: yaml.MappingNode, Line: object.Line, Column: object.Column}
	if groups.Kind == yaml.SequenceNode {
		s.root.Content = []*yaml.Node{key, groups}
	}
	text, err := yaml.Marshal(s.root)
	if err != nil {
		return s, fmt.Errorf("write the rules of %s: %w", s.Name, err)
	}
	s.Text = text
	return s, nil
}

// Check is Check of the source, with places in its file.
func (s Source) Check() (File, []Fault) {
	if s.Name == "" {
		return Check(s.Text)
	}
	f := &faults{root: s.root, text: strings.Split(s.all, "\n")}
	return f.check(s.Text)
}
