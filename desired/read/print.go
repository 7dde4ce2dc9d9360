package read

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Effective is YAML of objects with their effective values, each with where it
// came from as a comment (which needs Options.Origins). Written into the folder
// that was read, in place of all YAML there, it means the same.
func Effective(objects []desired.Object) ([]byte, error) {
	var p printer
	for i, o := range objects {
		if i > 0 {
			p.WriteString("---\n")
		}
		if err := p.object(o); err != nil {
			return nil, fmt.Errorf("print %s: %w", o.Ref(), err)
		}
	}
	return p.Bytes(), nil
}

type printer struct {
	bytes.Buffer
	origin map[string]string
}

func (p *printer) object(o desired.Object) error {
	meta, err := json.Marshal(o.Metadata)
	if err != nil {
		return err
	}
	p.origin = nil
	fmt.Fprintf(p, "apiVersion: %s\nkind: %s\nmetadata:", o.APIVersion, o.Kind)
	if err := p.json("metadata", meta, 1); err != nil {
		return err
	}
	p.origin = o.Origin
	p.WriteString("spec:")
	return p.json("spec", o.Spec, 1)
}

func (p *printer) json(path string, b []byte, depth int) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return p.value(path, d, depth, false)
}

// value prints the next value after a name or a dash.
func (p *printer) value(path string, d *json.Decoder, depth int, dashed bool) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch x := t.(type) {
	case json.Delim:
		if !d.More() {
			p.WriteString(map[json.Delim]string{'{': " {}", '[': " []"}[x])
			p.comment(path)
			_, err := d.Token()
			return err
		}
		if x == '{' {
			return p.table(path, d, depth, dashed)
		}
		return p.list(path, d, depth)
	case string:
		p.text(path, x, depth)
	case nil:
		p.WriteString(" null")
		p.comment(path)
	default:
		fmt.Fprintf(p, " %v", x)
		p.comment(path)
	}
	return nil
}

// table prints fields; after a dash the first stands on its line.
func (p *printer) table(path string, d *json.Decoder, depth int, dashed bool) error {
	if !dashed {
		p.WriteString("\n")
	}
	for first := dashed; d.More(); first = false {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if first {
			p.WriteString(" ")
		} else {
			p.indent(depth)
		}
		p.WriteString(scalar(name.(string)) + ":")
		if err := p.value(step(path, name.(string)), d, depth+1, false); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (p *printer) list(path string, d *json.Decoder, depth int) error {
	p.WriteString("\n")
	for i := 0; d.More(); i++ {
		p.indent(depth)
		p.WriteString("-")
		if err := p.value(item(path, i), d, depth+1, true); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (p *printer) indent(depth int) { p.WriteString(strings.Repeat("  ", depth)) }

// text prints a text of one line in place, one of several as a block.
func (p *printer) text(path, s string, depth int) {
	if !blockable(s) {
		p.WriteString(" " + scalar(s))
		p.comment(path)
		return
	}
	p.WriteString(" |")
	if !strings.HasSuffix(s, "\n") {
		p.WriteString("-")
	}
	p.comment(path)
	for line := range strings.Lines(s) {
		if line != "\n" {
			p.indent(depth)
		}
		p.WriteString(line)
	}
	if !strings.HasSuffix(s, "\n") {
		p.WriteString("\n")
	}
}

// blockable tells a text that a block keeps exactly as it is.
func blockable(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !strings.Contains(s, "\n") || body == "" || strings.HasSuffix(body, "\n") || strings.ContainsAny(body[:1], " \n") {
		return false
	}
	for _, r := range s {
		if r != '\n' && (r < ' ' || r > '~') {
			return false
		}
	}
	for line := range strings.Lines(s) {
		if strings.TrimSpace(line) == "" && line != "\n" {
			return false
		}
	}
	return true
}

func (p *printer) comment(path string) {
	if o := p.origin[path]; o != "" {
		if strings.ContainsFunc(o, func(r rune) bool { return r < ' ' || r == 0x7f || r > '~' }) {
			o = fmt.Sprintf("%+q", o)
		}
		p.WriteString("  # " + o)
	}
	p.WriteString("\n")
}

var plainText = lazily(`^([A-Za-z/$]([-A-Za-z0-9_./@$()%+]| [A-Za-z0-9])*|[0-9]+(ms|[wdhms]))$`)

// scalar is a text in its plainest safe form: in quotes unless every reader of
// YAML takes it for text.
func scalar(s string) string {
	switch lowered(s) {
	case "true", "false", "null", "y", "n", "yes", "no", "on", "off", "nan", "inf":
	default:
		if plainText().MatchString(s) {
			return s
		}
	}
	return strconv.Quote(s) // its escapes are YAML's, too
}
