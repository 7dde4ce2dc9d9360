package sim

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
)

// searchPath is where unit files lie, the most important first.
var searchPath = []string{
	"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
	"/etc/systemd/system", "/run/systemd/system", "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/run/systemd/generator.late",
}

const (
	etc = "/etc/systemd/system"
	run = "/run/systemd/system"
)

// files is what lies on disk for a unit.
type files struct {
	id       string // the primary name
	load     string // loaded, not-found, masked, bad-setting
	fragment string
	dropIns  []string
	stamps   map[string]time.Time // mtime of each of them
	config   *config
}

// find reads the files of a unit by any of its names.
func (h *Host) find(name string) files {
	f := files{id: name, load: "not-found", stamps: map[string]time.Time{}, config: newConfig()}
	for range 16 {
		p, n := h.locate(f.id)
		if n == nil {
			break
		}
		if n.kind == state.Symlink && n.link == "/dev/null" {
			f.load, f.fragment = "masked", p
			return f
		}
		if to := path.Base(n.link); n.kind == state.Symlink && to != path.Base(p) {
			f.id = filled(to, f.id) // an alias
			continue
		}
		if n = h.fs.file(p); n == nil || n.kind != state.Regular {
			break
		}
		f.load, f.fragment = "loaded", p
		f.stamps[p] = n.mtime
		f.config.parse(string(n.content))
		break
	}
	if f.load != "loaded" {
		return f
	}
	f.dropIns = h.dropIns(f.id)
	for _, p := range f.dropIns {
		if n := h.fs.file(p); n != nil {
			f.stamps[p] = n.mtime
			f.config.parse(string(n.content))
		}
	}
	if f.config.finish(f.id); f.config.bad {
		f.load = "bad-setting"
	}
	return f
}

// locate finds the file or link of a name, or of its template.
func (h *Host) locate(name string) (string, *node) {
	for _, n := range []string{name, template(name)} {
		for _, dir := range searchPath {
			p := dir + "/" + n
			if found := h.fs.at(p); n != "" && found != nil && found.kind != state.Folder {
				return p, found
			}
		}
	}
	return "", nil
}

// dropIns lists the drop-ins of a unit: one a file name, in order of name.
func (h *Host) dropIns(name string) []string {
	byName := map[string]string{}
	for _, n := range []string{template(name), name} {
		if n == "" {
			continue
		}
		for _, dir := range slices.Backward(searchPath) {
			folder := dir + "/" + n + ".d"
			for _, file := range h.fs.names(folder) {
				if strings.HasSuffix(file, ".conf") {
					byName[file] = folder + "/" + file
				}
			}
		}
	}
	var out []string
	for _, file := range slices.Sorted(maps.Keys(byName)) {
		if n := h.fs.at(byName[file]); n.kind != state.Symlink || n.link != "/dev/null" {
			out = append(out, byName[file])
		}
	}
	return out
}

// changed tells whether what lies on disk is not what was loaded, as systemd's
// NeedDaemonReload does: a file is gone or newer, or the drop-ins are others.
// A folder of drop-ins that systemd has never listed is not looked into.
func (f files) changed(now files, listed map[string]bool) bool {
	if f.load == "masked" || now.load == "masked" {
		return f.load != now.load
	}
	now.dropIns = slices.DeleteFunc(slices.Clone(now.dropIns), func(p string) bool { return !listed[path.Dir(p)] })
	if f.fragment != "" && f.fragment != now.fragment || !slices.Equal(f.dropIns, now.dropIns) {
		return true
	}
	for p, loaded := range f.stamps {
		if now.stamps[p].After(loaded) {
			return true
		}
	}
	return false
}

// list takes note of which folders of drop-ins there are. systemd does so with
// each daemon-reload, and whenever it loads a unit.
func (h *Host) list() {
	h.listed = map[string]bool{}
	for _, dir := range searchPath {
		for _, name := range h.fs.names(dir) {
			if strings.HasSuffix(name, ".d") {
				h.listed[dir+"/"+name] = true
			}
		}
	}
}

func isService(name string) bool { return strings.HasSuffix(name, ".service") }

// template is x@.service for x@1.service; empty for what is no instance.
func template(name string) string {
	at, dot := strings.Index(name, "@"), strings.LastIndex(name, ".")
	if at < 0 || dot < at || dot == at+1 {
		return ""
	}
	return name[:at+1] + name[dot:]
}

// filled is the name that an alias stands for: x@.service of y@1 is x@1.
func filled(to, from string) string {
	if t := strings.Index(to, "@."); t >= 0 && template(from) != "" {
		return to[:t+1] + from[strings.Index(from, "@")+1:]
	}
	return to
}

// aliases lists the names that lead to a unit, its own among them.
func (h *Host) aliases(id string) []string {
	names := map[string]bool{id: true}
	for _, dir := range searchPath {
		for _, name := range h.fs.names(dir) {
			n := h.fs.at(dir + "/" + name)
			if n.kind == state.Symlink && n.link != "/dev/null" && path.Base(n.link) == id && path.Ext(name) == path.Ext(id) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
