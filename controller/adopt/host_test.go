package adopt_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/adopt"
	"github.com/pakashop/evenkeel/desired/read"
	"github.com/pakashop/evenkeel/state"
)

// seen is a unit as a test describes it. What is left empty is as it is for a
// plain service in /etc/systemd/system that is enabled and runs.
type seen struct {
	unit    state.Unit
	file    string            // content at /etc/systemd/system/ID; "none": nothing lies there
	link    string            // instead: where a link leads
	mode    uint32            // of the file, if not 0644
	dropIns map[string]string // by path: content, or "-> " and where a link leads
	vendor  string            // content at /usr/lib/systemd/system/ID, where file is none
}

const plainUnit = "[Service]\nExecStart=/usr/bin/sleep infinity\nUser=nobody\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n"

var (
	now    = state.Time{Wall: time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC), Up: time.Hour, Boot: "boot"}
	loaded = now.Wall.Add(-time.Minute) // when systemd loaded its units
	before = loaded.Add(-time.Hour)
)

// hostOf is a host with units.
func hostOf(units ...seen) *adopt.Host {
	h := &adopt.Host{
		World: state.World{
			Host:  state.Fact[state.Host]{At: now, Value: state.Host{UnitsLoaded: loaded}},
			Units: map[string]state.Fact[state.Unit]{}, Files: map[string]state.Fact[state.File]{}, Dirs: map[string]state.Fact[state.Dir]{},
		},
		Texts: map[string][]byte{},
	}
	for _, s := range units {
		put(h, s)
	}
	return h
}

func put(h *adopt.Host, s seen) {
	u := s.unit
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&u.Load, "loaded")
	set(&u.Active, "active")
	set(&u.Sub, "running")
	set(&u.Boot, "enabled")
	if strings.HasSuffix(u.ID, ".service") {
		set(&u.Type, "simple")
		set(&u.Restart, "always")
	}
	at := path.Join("/etc/systemd/system", u.ID)
	switch {
	case s.link != "":
		h.World.Files[at] = state.Fact[state.File]{At: now, Value: state.File{Kind: state.Symlink, Link: s.link}}
		set(&u.Fragment, s.link)
	case s.file == "none":
		h.World.Files[at] = state.Fact[state.File]{At: now}
		set(&u.Fragment, path.Join("/usr/lib/systemd/system", u.ID))
		h.Texts[u.Fragment] = []byte(s.vendor)
	default:
		set(&s.file, plainUnit)
		lay(h, at, s.file, s.mode)
		set(&u.Fragment, at)
	}
	for _, p := range slices.Sorted(maps.Keys(s.dropIns)) {
		lay(h, p, s.dropIns[p], 0)
		dir := h.World.Dirs[path.Dir(p)]
		dir.At, dir.Value.Exists, dir.Value.Changed = now, true, before
		dir.Value.Names = append(dir.Value.Names, path.Base(p))
		h.World.Dirs[path.Dir(p)] = dir
		u.DropIns = append(u.DropIns, p)
	}
	h.World.Units[u.ID] = state.Fact[state.Unit]{At: now, Value: u}
}

func lay(h *adopt.Host, at, content string, mode uint32) {
	if to, ok := strings.CutPrefix(content, "-> "); ok {
		h.World.Files[at] = state.Fact[state.File]{At: now, Value: state.File{Kind: state.Symlink, Link: to}}
		return
	}
	if mode == 0 {
		mode = 0o644
	}
	h.World.Files[at] = state.Fact[state.File]{At: now, Value: state.File{
		Kind: state.Regular, Mode: mode, Owner: "root", Group: "root", Size: int64(len(content)), Changed: before,
	}}
	h.Texts[at] = []byte(content)
}

// made is the folder that is made of some units.
func made(t *testing.T, h *adopt.Host, units ...string) adopt.Folder {
	t.Helper()
	f, err := adopt.Make(h, units, adopt.Options{Print: read.Effective, Schema: []byte("{}\n")})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// texts are notes as they are told.
func texts(notes []adopt.Note) []string {
	var out []string
	for _, n := range notes {
		out = append(out, n.String())
	}
	return out
}
