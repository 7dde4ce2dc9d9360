package desired

import "strings"

// files makes the artifacts of what the service reads: once, or once for each
// instance where the path names it.
func (b *builder) files(s *Service) {
	for i, f := range b.d.Spec.Files {
		field := index("spec.files", i)
		if Encrypted(f.Source) {
			if t, ok := b.source(field); ok {
				s.Files = append(s.Files, b.perInstance(field, f, t.Bytes)...)
			}
			continue
		}
		content, ok := b.content(field, f)
		if !ok {
			continue
		}
		s.Files = append(s.Files, b.perInstance(field, f, content)...)
	}
}

func (b *builder) content(field string, f File) ([]byte, bool) {
	switch {
	case f.Host:
		return nil, true
	case f.Source == "":
		return []byte(f.Content), true
	}
	t, ok := b.source(field)
	return t.Bytes, ok
}

func (b *builder) source(field string) (Text, bool) {
	for _, t := range b.d.Texts {
		if t.Field == field {
			return t, true
		}
	}
	return Text{}, false
}

// from is where the text of a field begins.
func (b *builder) from(field string) Pos {
	t, _ := b.source(field)
	return t.From
}

func (b *builder) perInstance(field string, f File, content []byte) []Artifact {
	instances := b.instances()
	sealed, many := Encrypted(f.Source), false
	if len(instances) > 1 && !holds(f.Path, "$(instance)") {
		many = true
		if f.Expand && !sealed && holds(string(content), "$(instance)") {
			b.errorf(field, "the content differs from instance to instance, so the path must name $(instance) too")
			return nil
		}
		instances = instances[:1]
	}
	var all []Artifact
	for _, in := range instances {
		if b.size > maxExpanded*8 {
			b.errorf(field, "the files of all instances together are too large")
			return all
		}
		a := Artifact{Path: b.one(f.Path, in), Content: content, Host: f.Host, Sensitive: f.Sensitive, From: b.from(field)}
		a.Owner, a.Group, a.Mode = b.one(f.Owner, in), b.one(f.Group, in), parseMode(f.Mode)
		if sealed {
			all = append(all, b.sealed(a, f, in, many))
			continue
		}
		if f.Expand && !f.Host {
			a.Content = b.expanded(field, content, in)
			b.size += len(a.Content)
		}
		if !f.Host {
			a.Digest = Digest(a.Content)
			withDefaults(&a)
		}
		all = append(all, a)
	}
	return all
}

// sealed is a file whose content only the host can decrypt.
func (b *builder) sealed(a Artifact, f File, instance string, many bool) Artifact {
	a.Sealed, a.Content, a.Sensitive, a.Locked = a.Content, nil, true, "it is encrypted, and was not decrypted here"
	if f.Expand {
		a.Within = &Expansion{Object: b.d.Name, Instance: instance, Many: many, Vars: b.vars}
	}
	withDefaults(&a)
	return a
}

// withDefaults completes a file whose content is ours. One that belongs to the
// host keeps the owner and mode that it has, unless they are declared.
func withDefaults(a *Artifact) {
	switch {
	case a.Mode != 0:
	case a.Sealed != nil:
		a.Mode = 0o600 // who encrypts it does not mean everybody to read it
	default:
		a.Mode = 0o644
	}
	if a.Owner == "" {
		a.Owner = "root"
	}
	if a.Group == "" {
		a.Group = "root"
	}
}

// instances are the names after the @ of the units to run; one that is empty
// where they are not instances.
func (b *builder) instances() []string {
	if !b.unit.Template() {
		return []string{b.unit.Instance}
	}
	units, spare, _ := b.units()
	units = append(units, spare...)
	for i, u := range units {
		p, _ := ParseUnitName(u)
		units[i] = p.Instance
	}
	return units
}

// one expands a string of the spec for one instance.
func (b *builder) one(s, instance string) string {
	if !b.d.Vars {
		return s
	}
	s, _ = Expand(s, b.vars.Lookup(b.d.Name, instance)) // unknown ones were found when it was read
	return s
}

func (b *builder) expanded(field string, content []byte, instance string) []byte {
	text, unknown := Expand(string(content), b.vars.Lookup(b.d.Name, instance))
	for _, u := range unknown {
		before := string(content[:u.Offset])
		line := 1 + strings.Count(before, "\n")
		b.list = append(b.list, Finding{
			Object: b.object, Field: field, Line: line,
			Col: u.Offset - strings.LastIndexByte(before, '\n'), Message: b.vars.Why(u.Name),
		})
	}
	return []byte(text)
}

func (b *builder) watch(s *Service) {
	if !b.d.Vars {
		return
	}
	var all []string
	seen := map[string]bool{}
	for _, w := range b.d.Spec.Watch {
		for _, in := range b.instances() {
			if p := b.one(w, in); !seen[p] {
				seen[p] = true
				all = append(all, p)
			}
		}
	}
	s.Spec.Watch = all
}
