package sim

import (
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// enable makes the links that [Install] asks for.
func (h *Host) enable(name string) (install bool, n int, err error) {
	f := h.find(name)
	switch f.load {
	case "not-found":
		return false, 0, &busError{"org.freedesktop.DBus.Error.FileNotFound", "Unit file " + name + " does not exist."}
	case "masked":
		return false, 0, refuse("UnitMasked", "Unit file "+f.fragment+" is masked.")
	}
	c := f.config
	var links []string
	for _, folder := range c.wantedBy {
		links = append(links, etc+"/"+folder+"/"+linkName(f.id, c))
	}
	for _, a := range c.alias {
		links = append(links, etc+"/"+a)
	}
	for _, p := range links {
		if at := h.fs.at(p); at != nil && at.link == f.fragment {
			continue
		}
		if err := h.fs.put(p, symlink(f.fragment)); err != nil {
			return true, n, &busError{"System.Error.ENOTDIR", err.Error()}
		}
		h.wrote(p)
		n++
	}
	for _, also := range c.also {
		_, more, _ := h.enable(also) // one that is not there is passed over
		n += more
	}
	return len(c.wantedBy)+len(c.alias)+len(c.also) > 0, n, nil
}

// linkName is under which name a unit is wanted: a template by its default instance.
func linkName(id string, c *config) string {
	if strings.Contains(id, "@.") && c.instance != "" {
		return strings.Replace(id, "@.", "@"+c.instance+".", 1)
	}
	return id
}

// disable removes an administrator's links to a unit.
func (h *Host) disable(name string) int {
	var links []string
	for _, entry := range h.fs.names(etc) {
		p := etc + "/" + entry
		at := h.fs.at(p)
		switch {
		case at.kind == state.Symlink && at.link != "/dev/null" && path.Base(at.link) == name && entry != name:
			links = append(links, p)
		case at.kind == state.Folder && wants(entry) && h.fs.at(p+"/"+name) != nil:
			links = append(links, p+"/"+name)
		}
	}
	for _, p := range links {
		h.fs.remove(p)
		h.wrote(p)
	}
	return len(links)
}

func (h *Host) mask(dir, name string) (int, error) {
	p := dir + "/" + name
	if at := h.fs.at(p); at != nil {
		if at.link == "/dev/null" {
			return 0, nil
		}
		return 0, refuse("UnitExists", "File "+p+" already exists.")
	}
	if err := h.fs.put(p, symlink("/dev/null")); err != nil {
		return 0, &busError{"System.Error.ENOTDIR", err.Error()}
	}
	h.wrote(p)
	return 1, nil
}

func (h *Host) unmask(dir, name string) int {
	p := dir + "/" + name
	if at := h.fs.at(p); at == nil || at.link != "/dev/null" {
		return 0
	}
	h.fs.remove(p)
	h.wrote(p)
	return 1
}

// word is how a unit is enabled, as `systemctl is-enabled` says it.
func (h *Host) word(name string) string {
	p, n := h.locate(name)
	if n == nil {
		return "not-found"
	}
	f := h.find(name)
	runtime := strings.HasPrefix(f.fragment, "/run/")
	switch {
	case f.load == "masked" && runtime:
		return "masked-runtime"
	case f.load == "masked":
		return "masked"
	case f.load == "not-found":
		return "not-found"
	case n.kind == state.Symlink && path.Base(n.link) != path.Base(p) && template(name) == "":
		return "alias"
	case strings.HasPrefix(f.fragment, "/run/systemd/generator"):
		return "generated"
	case strings.HasPrefix(f.fragment, "/run/systemd/transient"):
		return "transient"
	}
	word, others := h.enabled(f)
	if word != "" {
		return word
	}
	switch {
	case n.kind == state.Symlink && !slices.Contains(searchPath, path.Dir(n.link)) && strings.HasPrefix(p, "/etc/"):
		return "linked"
	case others, len(f.config.wantedBy)+len(f.config.alias) == 0 && len(f.config.also) > 0:
		return "indirect"
	case len(f.config.wantedBy)+len(f.config.alias) > 0:
		return "disabled"
	}
	return "static"
}

// enabled looks for links under names that [Install] gives the unit. others
// tells that there are links under other names.
func (h *Host) enabled(f files) (word string, others bool) {
	found := map[string]bool{}
	for _, dir := range searchPath {
		for _, entry := range h.fs.names(dir) {
			at := h.fs.at(dir + "/" + entry)
			alias := at.kind == state.Symlink && path.Base(at.link) == f.id && entry != f.id
			known := alias && slices.Contains(f.config.alias, entry)
			wanted := at.kind == state.Folder && wants(entry) && at.children[f.id] != nil
			found[dir] = found[dir] || known || wanted
			others = others || alias && !known
		}
	}
	switch {
	case found[etc]:
		return "enabled", others
	case found[run]:
		return "enabled-runtime", others
	}
	return "", others
}
