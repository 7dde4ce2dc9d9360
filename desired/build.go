package desired

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// unitFolder is where declared unit files and drop-ins lie.
const unitFolder = "/etc/systemd/system"

// Build makes of a declared service what a host would run of it: units, files
// and digests. Its spec must have been checked; what its texts hold is checked
// here.
func Build(d Declared, vars Vars) (Service, []Finding) {
	b := builder{d: &d, vars: vars, findings: findings{object: "Service/" + d.Name}}
	s := Service{Name: d.Name, Labels: d.Labels, Pos: d.Pos, Spec: d.Spec}
	unit, err := ParseUnitName(d.Spec.Unit)
	if err != nil {
		return s, nil // found by Check
	}
	b.unit = unit
	s.Units, s.Spare, s.Template = b.units()
	s.Folders = s.DropInFolders()
	b.unitFile(&s)
	b.dropIns(&s)
	if s.UnitFile != nil {
		s.Install = InstallOf(b.parts...)
		b.lifecycle(&s)
	}
	b.knownTraps(&s)
	b.files(&s)
	b.watch(&s)
	b.release(&s)
	b.probes(&s)
	b.targets(&s)
	s.Spec = b.settled(s.Spec)
	if s.UnitFile != nil {
		s.UnitDigest = digestOf(append([]Artifact{*s.UnitFile}, s.DropIns...)...)
	} else {
		s.UnitDigest = digestOf(s.DropIns...)
	}
	s.FilesDigest = digestOf(s.Files...)
	return s, b.list
}

// runtimeFolder is where they lie that last until the next boot.
const runtimeFolder = "/run/systemd/system"

// DropInFolders are where an administrator's drop-ins of the units may lie.
func (s *Service) DropInFolders() []string {
	if len(s.Folders) > 0 {
		return s.Folders
	}
	out := make([]string, 0, 2*len(s.Units)+2)
	for _, n := range s.Units {
		out = append(out, unitFolder+"/"+n+".d", runtimeFolder+"/"+n+".d")
	}
	if n := s.Template; n != "" {
		out = append(out, unitFolder+"/"+n+".d", runtimeFolder+"/"+n+".d")
	}
	return out
}

type builder struct {
	findings
	d     *Declared
	vars  Vars
	unit  UnitName
	parts []UnitFile // the unit file and its drop-ins
	size  int        // of what was expanded
}

// units are the units to run, one, or instances 1 to N of a template, and those
// that may be run besides.
func (b *builder) units() (units, spare []string, template string) {
	if !b.unit.Template() {
		return []string{b.d.Spec.Unit}, nil, ""
	}
	least, most := 1, 1
	if r := b.d.Spec.Replicas; r != nil {
		least, most = r.Min, max(r.Min, r.Max)
	}
	for i := 1; i <= most; i++ {
		units = append(units, b.unit.With(strconv.Itoa(i)))
	}
	return units[:least:least], units[least:], b.d.Spec.Unit
}

func (b *builder) unitFile(s *Service) {
	u := b.d.Spec.UnitFile
	if u == nil {
		return
	}
	content, ok := b.text("spec.unitFile", u.Source, u.Content)
	if !ok {
		return
	}
	b.lint("spec.unitFile", content, false)
	a := b.unitArtifact("spec.unitFile", path.Join(unitFolder, b.d.Spec.Unit), content)
	s.UnitFile = &a
}

func (b *builder) dropIns(s *Service) {
	for i, d := range b.d.Spec.DropIns {
		field := index("spec.dropIns", i)
		content, ok := b.text(field, d.Source, d.Content)
		if !ok {
			continue
		}
		b.lint(field, content, true)
		name := strings.TrimSuffix(d.Name, ".conf") + ".conf"
		s.DropIns = append(s.DropIns, b.unitArtifact(field, path.Join(unitFolder, b.d.Spec.Unit+".d", name), content))
	}
}

func (b *builder) unitArtifact(field, path string, content []byte) Artifact {
	return Artifact{Path: path, Content: content, Digest: Digest(content), Mode: 0o644, Owner: "root", Group: "root", From: b.from(field)}
}

// text is the content of a field; not ok where it cannot be had, which whoever
// read the source has said.
func (b *builder) text(field, source, inline string) ([]byte, bool) {
	if source == "" {
		return []byte(inline), true
	}
	t, ok := b.source(field)
	if t.Encrypted {
		b.errorf(field, "unit files and drop-ins cannot be encrypted: systemd shows them to everybody")
		return nil, false
	}
	return t.Bytes, ok
}

func (b *builder) lint(field string, content []byte, dropIn bool) {
	file, found := ParseUnitFile(content)
	b.parts = append(b.parts, file)
	if !slices.ContainsFunc(found, func(f Finding) bool { return !f.Warning }) {
		found = append(found, LintUnit(b.unit, file, dropIn)...)
	}
	for _, f := range found {
		f.Object, f.Field = b.object, field
		b.list = append(b.list, f)
	}
}

// lifecycle holds what is declared of state and boot against what the unit
// file makes possible.
func (b *builder) lifecycle(s *Service) {
	in, spec := s.Install, &s.Spec
	if spec.Boot == Enabled && !in.Present {
		b.errorf("spec.boot", "%s has no [Install] section, so it cannot be enabled; add [Install] with WantedBy=multi-user.target, or write boot: ignored", spec.Unit)
	}
	if spec.Boot == "" {
		spec.Boot = Ignored
		if in.Present {
			spec.Boot = Enabled
		}
	}
	if b.unit.Suffix != "service" {
		return
	}
	oneshot := in.Type == "oneshot"
	switch {
	case oneshot && !in.Remain && spec.State == Running && spec.Management != Observe:
		b.errorf("spec.unitFile", "%s is Type=oneshot: it ends by itself and cannot be kept running; declare its timer (unit: %s.timer) and write state: ignored here",
			spec.Unit, strings.TrimSuffix(spec.Unit, ".service"))
	case oneshot && in.Remain && b.standsFor():
		b.warnf("spec.unitFile", "%s only stands for others: it runs %s and stays active whatever they do; declare the instance that works, such as %s@NAME.service",
			spec.Unit, "/bin/true", strings.TrimSuffix(spec.Unit, ".service"))
	}
}

// standsFor tells a unit that runs nothing.
func (b *builder) standsFor() bool {
	start := b.parts[0].Values("Service", "ExecStart")
	return len(start) == 1 && slices.Contains([]string{"/bin/true", "/usr/bin/true", "true", "/bin/:"}, Program(start[0].Value))
}

// knownTraps warns of units of distributions that do not do what their name says.
func (b *builder) knownTraps(s *Service) {
	if s.UnitFile == nil && s.Spec.Unit == "postgresql.service" {
		b.warnf("spec.unit", "on Debian postgresql.service runs /bin/true and stays active whatever the database does; declare the cluster's instance, such as postgresql@15-main.service")
	}
}

// settled is the spec as the rest of evenkeel sees it: variables expanded
// (except in fields that are read once an instance, where $(instance) stays),
// and nothing sensitive in it.
func (b *builder) settled(spec ServiceSpec) ServiceSpec {
	spec = Redacted(secretive(spec))
	if b.d.Vars && !b.unit.Template() {
		watch := spec.Watch
		spec = expandAll(spec, func(s string) string { return b.one(s, b.unit.Instance) })
		spec.Watch = watch
	}
	return spec
}

// holds tells whether a variable stands in a text, and not as $$(…).
func holds(text, variable string) bool {
	for {
		i := strings.Index(text, variable)
		if i < 0 {
			return false
		}
		if i == 0 || text[i-1] != '$' {
			return true
		}
		text = text[i+len(variable):]
	}
}

func parseMode(s string) uint32 {
	n, err := strconv.ParseUint(s, 8, 12)
	if err != nil {
		return 0
	}
	return uint32(n)
}

func index(field string, i int) string { return field + "[" + strconv.Itoa(i) + "]" }
