package adopt

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// File is a file of the folder.
type File struct {
	Path    string // relative to the folder
	Content []byte
}

// Folder is what is to be written.
type Folder struct {
	Files []File // sorted by path
	Notes []Note // what a reader should know, by unit
	Lost  []Note // what could not be expressed, by unit

	Services, Defaults, UnitFiles, DropIns int // how many of each

	units map[string][]string // by path: the units that a file is about
}

// Units are the units that a file of the folder is about.
func (f *Folder) Units(path string) []string { return f.units[path] }

// Options say how Make writes.
type Options struct {
	Print  func([]desired.Object) ([]byte, error) // objects as YAML
	Schema []byte                                 // the JSON Schema of the objects
	Refer  map[string]string                      // by unit: why its files are referred to and not copied
}

// SchemaFile is where the schema for editors lies in the folder.
const SchemaFile = "evenkeel.schema.json"

// The first lines of the files.
const (
	modeline     = "# yaml-language-server: $schema=./" + SchemaFile + "\n"
	defaultsHead = "# What services have in common. A Service's own words win over these.\n"
)

// Make writes units of a host down: a YAML file for each, what they share in
// defaults.yaml, their files below units/.
func Make(h *Host, units []string, o Options) (Folder, error) {
	taken := names{"defaults": true}
	var all []*service
	for _, id := range slices.SortedFunc(slices.Values(units), servicesFirst) {
		all = append(all, h.write(id, taken.of(id), o.Refer[id]))
	}
	slices.SortFunc(all, func(a, b *service) int { return strings.Compare(a.name, b.name) })
	shareDropIns(all)
	shared, err := factor(all, o.Print)
	if err != nil {
		return Folder{}, err
	}
	return lay(all, shared, o)
}

// servicesFirst lets services have the plain names.
func servicesFirst(a, b string) int {
	rank := func(id string) int {
		if strings.HasSuffix(id, ".service") {
			return 0
		}
		return 1
	}
	return cmp.Or(rank(a)-rank(b), strings.Compare(a, b))
}

// lay lays the files out.
func lay(all []*service, shared []desired.Object, o Options) (Folder, error) {
	f := Folder{units: map[string][]string{}, Services: len(all), Defaults: len(shared)}
	if len(shared) > 0 {
		b, err := o.Print(shared)
		if err != nil {
			return f, err
		}
		f.Files = append(f.Files, File{"defaults.yaml", slices.Concat([]byte(modeline+defaultsHead), b)})
	}
	for _, s := range all {
		b, err := s.yaml(o.Print)
		if err != nil {
			return f, err
		}
		f.put(s.id, File{s.name + ".yaml", b})
		for _, file := range s.files {
			f.put(s.id, file)
		}
		if s.owns() {
			f.UnitFiles++
		}
		f.DropIns += s.declared()
		f.Notes, f.Lost = append(f.Notes, s.notes...), append(f.Lost, s.lost...)
	}
	f.Files = append(f.Files, File{SchemaFile, o.Schema})
	slices.SortFunc(f.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return f, nil
}

func (f *Folder) put(unit string, file File) {
	if f.units[file.Path] == nil {
		f.Files = append(f.Files, file)
	}
	f.units[file.Path] = append(f.units[file.Path], unit)
}

func (s *service) owns() bool {
	return slices.ContainsFunc(s.files, func(f File) bool { return strings.Count(f.Path, "/") == 1 })
}

func (s *service) declared() int {
	n := len(s.files)
	if s.owns() {
		n--
	}
	return n
}

// yaml is the service's file: what a reader should know, then the object.
func (s *service) yaml(print func([]desired.Object) ([]byte, error)) ([]byte, error) {
	o, err := s.object()
	if err != nil {
		return nil, err
	}
	body, err := print([]desired.Object{o})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(modeline)
	for _, n := range append(slices.Clone(s.lost), s.notes...) {
		fmt.Fprintf(&b, "# %s\n", printable(n.Text))
	}
	b.Write(body)
	return b.Bytes(), nil
}

func (s *service) object() (desired.Object, error) {
	return object("Service", s.name, s.spec)
}

// object is an object as print takes it.
func object(kind, name string, spec any) (desired.Object, error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return desired.Object{}, fmt.Errorf("write %s/%s: %w", kind, name, err)
	}
	return desired.Object{APIVersion: desired.APIVersion, Kind: kind, Metadata: desired.Meta{Name: name}, Spec: b}, nil
}

// printable keeps what a file name holds from ending a comment.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
