package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"gopkg.in/yaml.v3"
)

// JSON writes a report, indented by two spaces and with a final line feed.
// Characters that a terminal would obey stand as \u escapes, which say the same
// to a program.
func JSON(v any) ([]byte, error) { return encodeJSON(v, "  ") }

// JSONLine is JSON on one line, for outputs of a line an entry.
func JSONLine(v any) ([]byte, error) { return encodeJSON(v, "") }

func encodeJSON(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode as JSON: %w", err)
	}
	return []byte(unicodeEscapes(b.String(), jsonWide)), nil
}

// unicodeEscapes replaces dangerous characters, which in encoded JSON and YAML
// stand inside double quotes only, by escapes that mean the same. wide writes
// those beyond \uffff.
func unicodeEscapes(s string, wide func(rune) string) string {
	if harmless(s, "\n\t") {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t' || !dangerous(r):
			b.WriteRune(r)
		case r > 0xffff:
			b.WriteString(wide(r))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

func jsonWide(r rune) string {
	hi, lo := utf16.EncodeRune(r)
	return fmt.Sprintf(`\u%04x\u%04x`, hi, lo)
}

func yamlWide(r rune) string { return fmt.Sprintf(`\U%08x`, r) }

// YAML writes the same value as JSON does, with the same keys in the same
// order.
func YAML(v any) ([]byte, error) {
	raw, err := encodeJSON(v, "")
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	n, err := node(dec)
	if err != nil {
		return nil, fmt.Errorf("encode as YAML: %w", err)
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(n); err != nil {
		return nil, fmt.Errorf("encode as YAML: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("encode as YAML: %w", err)
	}
	return []byte(unicodeEscapes(b.String(), yamlWide)), nil
}

// node reads one JSON value. Going through tokens keeps the order of keys.
func node(dec *json.Decoder) (*yaml.Node, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Delim:
		return collection(dec, t)
	case string:
		return text(t), nil
	case json.Number:
		return scalar("", t.String()), nil
	case bool:
		return scalar("!!bool", fmt.Sprint(t)), nil
	}
	return scalar("!!null", "null"), nil
}

func collection(dec *json.Decoder, open json.Delim) (*yaml.Node, error) {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	for dec.More() {
		c, err := node(dec)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, c)
	}
	if len(n.Content) == 0 {
		n.Style = yaml.FlowStyle
	}
	_, err := dec.Token()
	return n, err
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// text is a string: as a block where it has lines, in double quotes where it
// holds what must be escaped, because the library prints part of that raw in
// every style, and where a block would lose blanks at its ends.
func text(s string) *yaml.Node {
	n := scalar("!!str", s)
	switch {
	case !harmless(s, "\n\t"):
		n.Style = yaml.DoubleQuotedStyle
	case !strings.Contains(s, "\n"):
	case s != "\n" && strings.TrimSpace(s) == strings.TrimSuffix(s, "\n"):
		n.Style = yaml.LiteralStyle
	default:
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
