package adopt

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// service is one unit on its way to being a Service.
type service struct {
	id    string
	name  string
	spec  desired.ServiceSpec
	files []File             // what spec names as sources
	parts []desired.UnitFile // what of the unit is written down: its file, then drop-ins
	notes []Note             // what a reader should know
	lost  []Note             // what could not be expressed
}

func (s *service) note(format string, args ...any) {
	s.notes = append(s.notes, Note{s.id, fmt.Sprintf(format, args...)})
}

func (s *service) lose(format string, args ...any) {
	s.lost = append(s.lost, Note{s.id, fmt.Sprintf(format, args...)})
}

// write writes one unit down. With refer, why its files cannot be declared,
// they are only referred to.
func (h *Host) write(id, name, refer string) *service {
	s := &service{id: id, name: name}
	u := h.unit(id)
	if id != name+".service" {
		s.spec.Unit = id
	}
	if refer != "" {
		s.lose("its files are only referred to: %s", refer)
	}
	s.unitFile(h, u, refer != "")
	s.dropIns(h, refer != "")
	s.elsewhere(u)
	s.spec.Boot = s.boot(u)
	s.spec.State = s.state(u)
	s.spec.Stateful = slices.ContainsFunc(databases, func(glob string) bool { return matches(glob, id) })
	if u.NeedReload && !u.Masked() || s.younger(h) {
		s.lose("changed on disk after systemd loaded it: written as it lies there, and DaemonReloadNeeded until: systemctl daemon-reload")
	}
	return s
}

// younger tells whether something of the unit changed after systemd loaded its
// units, as planning will see it: systemd's own word misses what cp -p restores.
func (s *service) younger(h *Host) bool {
	if !h.World.Host.Known() {
		return false
	}
	loaded := h.World.Host.Value.UnitsLoaded
	for _, dir := range dropInDirs(s.id) {
		if d := h.World.Dirs[dir].Value; d.Exists && d.Changed.After(loaded) {
			return true
		}
		for _, d := range s.spec.DropIns {
			if h.file(path.Join(dir, d.Name)).Changed.After(loaded) {
				return true
			}
		}
	}
	return s.spec.UnitFile != nil && h.file(path.Join(unitDir, s.id)).Changed.After(loaded)
}

// databases are units whose restart may cost data or a failover.
var databases = []string{"postgresql@*", "mysql.service", "mysqld.service", "mariadb.service", "mariadb@*", "mongod.service", "etcd.service"}

// unitFile copies the unit's file if an administrator put it into
// /etc/systemd/system. Files of packages and generators belong to them.
func (s *service) unitFile(h *Host, u state.Unit, refer bool) {
	p := path.Join(unitDir, s.id)
	f := h.file(p)
	switch {
	case u.Masked() || f.Kind == state.Absent && u.Load == "masked":
	case u.Load != "loaded":
		s.lose("systemd cannot load it (%s); see: systemctl status %s", u.Load, s.id)
	case f.Kind == state.Symlink:
		s.note("%s is a link to %s, which is referred to, not copied", p, f.Link)
	case f.Kind != state.Regular && strings.HasPrefix(u.Fragment, "/run/systemd/system/"):
		s.note("%s is gone at the next boot; to keep it, move it to %s", u.Fragment, unitDir)
	case f.Kind != state.Regular && strings.HasPrefix(u.Fragment, unitDir+"/"):
		s.note("its template %s is referred to, not copied; unit: %s with replicas would own it", u.Fragment, path.Base(u.Fragment))
	case f.Kind == state.Regular && !refer:
		content, why := h.copied(s.id, p, false)
		if why != "" {
			s.lose("%s is only referred to: %s", p, why)
			return
		}
		source := "units/" + fileName(s.id)
		s.spec.UnitFile = &desired.Content{Source: source}
		s.add(source, content)
	}
}

func (s *service) add(source string, content []byte) {
	s.files = append(s.files, File{source, content})
	part, _ := desired.ParseUnitFile(content)
	s.parts = append(s.parts, part)
}

// copied is the content of a file that a Service can declare, or why it cannot.
func (h *Host) copied(id, p string, dropIn bool) (content []byte, why string) {
	f := h.file(p)
	content, ok := h.Texts[p]
	switch {
	case f.Kind == state.Symlink:
		return nil, "it is a link to " + f.Link
	case f.Kind != state.Regular:
		return nil, "it is no regular file"
	case f.Mode != 0o644:
		return nil, fmt.Sprintf("its mode is %04o; mend it with: chmod 0644 %s", f.Mode, p)
	case !f.HasOwner("root") || !f.HasGroup("root"):
		return nil, fmt.Sprintf("it belongs to %s:%s; mend it with: chown root:root %s", f.Owner, f.Group, p)
	case !ok:
		return nil, "it could not be read"
	}
	name, _ := desired.ParseUnitName(id)
	file, found := desired.ParseUnitFile(content)
	found = append(found, desired.LintUnit(name, file, dropIn)...)
	for _, finding := range found {
		if !finding.Warning {
			return nil, fmt.Sprintf("line %d %s", finding.Line, finding.Message)
		}
	}
	return content, ""
}

// validDropIn is what the name of a declared or accepted drop-in may be.
func validDropIn(name string) bool {
	return len(desired.Check("", &desired.ServiceSpec{Unit: "x.service", AcceptDropIns: []string{name}})) == 0
}

// dropIns declares the drop-ins of /etc/systemd/system, and accepts what cannot
// be declared and what lies in /run.
func (s *service) dropIns(h *Host, refer bool) {
	for _, dir := range dropInDirs(s.id) {
		for _, name := range h.dropIns(dir) {
			p := path.Join(dir, name)
			if !validDropIn(name) {
				s.spec.ForeignDropIns = desired.Ignore
				s.lose("%s has a name that cannot be declared; rename it", p)
				continue
			}
			if strings.HasPrefix(dir, runtimeDir) {
				s.note("%s is gone at the next boot", p)
				s.accept(name)
				continue
			}
			if refer {
				s.accept(name)
				continue
			}
			content, why := h.copied(s.id, p, true)
			if why == "" {
				source := "units/" + fileName(s.id) + ".d/" + fileName(name)
				s.spec.DropIns = append(s.spec.DropIns, desired.DropIn{Name: name, Source: source})
				s.add(source, content)
				continue
			}
			s.accept(name)
			if h.file(p).Kind == state.Symlink {
				s.note("%s is accepted, not copied: %s", p, why)
			} else {
				s.lose("%s is accepted, not copied: %s", p, why)
			}
		}
	}
}

func (s *service) accept(name string) {
	if !slices.Contains(s.spec.AcceptDropIns, name) {
		s.spec.AcceptDropIns = append(s.spec.AcceptDropIns, name)
	}
}

// elsewhere tells of drop-ins of /etc/systemd/system that shape the unit and
// that are not its own: of its template, of an alias, of a prefix of its name.
func (s *service) elsewhere(u state.Unit) {
	for _, p := range u.DropIns {
		if dir := path.Dir(p); path.Dir(dir) == unitDir && dir != path.Join(unitDir, s.id+".d") {
			s.note("%s shapes it, too, and is not copied: it belongs to more units than this one", p)
		}
	}
}
