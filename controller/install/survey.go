package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Trace is something of evenkeel's on the host.
type Trace struct {
	Path string
	Keep string // why it stays; empty: it goes
	Note string // what a human should know before it goes
	All  bool   // a folder that is evenkeel's with all that is in it
}

// Places are the folders in which evenkeel leaves something, and what of it is
// to stay.
type Places struct {
	Root      string // "/" but in tests
	State     string // where the record lies
	Runtime   string // the socket's folder
	Rehearse  string // where disposable hosts live
	Cache     string // where what can be fetched again lies
	KeepState bool
}

// Survey lists everything of evenkeel's own on the host, in the order in which
// it may be removed: files before the folders that hold them. Nothing of it
// belongs to a managed unit.
func Survey(p Places) ([]Trace, error) {
	r, err := os.OpenRoot(p.Root)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.Root, err)
	}
	defer r.Close()
	list, err := readList(r)
	if err != nil {
		return nil, err
	}
	all := p.unitTraces(list)
	all = append(all, p.configTraces(list)...)
	all = append(all, p.folder(p.Runtime, func(string) bool { return true })...)
	all = append(all, p.folder(p.Rehearse, func(name string) bool { return name == "lock" })...)
	all = append(all, p.whole(p.Cache, func(name string) bool { return name == "git" })...)
	state := p.whole(p.State, recordFile)
	for i, t := range state {
		if p.KeepState {
			state[i].Keep, state[i].Note = "the record, by --keep-state", ""
		} else if kept := p.entries(t.Path); filepath.Base(t.Path) == "displaced" && len(kept) > 0 {
			state[i].Note = "the versions by humans that evenkeel displaced are in it"
		}
	}
	if p.KeepState && len(state) > 0 {
		state = state[len(state)-1:] // the folder speaks for all in it
	}
	return append(all, state...), nil
}

// loadFolders are where systemd loads units from that no package put there.
var loadFolders = []string{UnitDir, "/etc/systemd/system.control", "/run/systemd/system", "/run/systemd/system.control", "/run/systemd/transient"}

// unitTraces are the controller's unit, its drop-ins and the links to it.
func (p Places) unitTraces(list *List) []Trace {
	var all []Trace
	for _, dir := range loadFolders {
		for _, e := range p.entries(dir) {
			path := filepath.Join(dir, e.Name())
			switch {
			case e.Name() == UnitName, p.linksTo(path):
				all = append(all, Trace{Path: path, Note: p.changed(list, path)})
			case e.Name() == UnitName+".d":
				for _, d := range p.entries(path) {
					all = append(all, Trace{Path: filepath.Join(path, d.Name())})
				}
				all = append(all, Trace{Path: path})
			case e.Name() == UnitName+".new" && p.changed(list, path) == "":
				all = append(all, Trace{Path: path})
			case e.IsDir() && isLinkFolder(e.Name()):
				for _, l := range p.entries(path) {
					if link := filepath.Join(path, l.Name()); l.Name() == UnitName || p.linksTo(link) {
						all = append(all, Trace{Path: link})
					}
				}
			}
		}
	}
	for _, dir := range []string{"/usr/lib/systemd/system", "/lib/systemd/system", "/usr/local/lib/systemd/system"} {
		vendor := filepath.Join(dir, UnitName)
		if i, err := os.Lstat(filepath.Join(p.Root, vendor)); err == nil && i.Mode().IsRegular() {
			all = append(all, Trace{Path: vendor, Keep: "a package put it there, and takes it away"})
			break // the first two are often one folder
		}
	}
	return all
}

func isLinkFolder(name string) bool {
	return slices.Contains([]string{".wants", ".requires", ".upholds"}, filepath.Ext(name))
}

// linksTo tells whether a path is a link to the unit, by whatever name.
func (p Places) linksTo(path string) bool {
	to, err := os.Readlink(filepath.Join(p.Root, path))
	return err == nil && filepath.Base(to) == UnitName
}

// changed says that a file is not what install wrote there.
func (p Places) changed(list *List, path string) string {
	wrote, ok := list.Files[path]
	b, err := os.ReadFile(filepath.Join(p.Root, path))
	switch {
	case !ok:
		return "not written by install"
	case err != nil || digest(b) != wrote:
		return "changed since install wrote it"
	}
	return ""
}

// configTraces are the files below Folder. What a human wrote or changed there
// stays: it is the human's.
func (p Places) configTraces(list *List) []Trace {
	var all []Trace
	var dirs []string
	_ = filepath.WalkDir(filepath.Join(p.Root, Folder), func(file string, d fs.DirEntry, err error) error {
		path := filepath.Join("/", strings.TrimPrefix(file, strings.TrimSuffix(p.Root, "/")))
		switch {
		case err != nil:
			if !errors.Is(err, fs.ErrNotExist) {
				all = append(all, Trace{Path: path, Keep: err.Error()})
			}
		case d.IsDir():
			dirs = append(dirs, path)
		case path == ListPath:
			all = append(all, Trace{Path: path})
		default:
			all = append(all, Trace{Path: path, Keep: p.changed(list, path)})
		}
		return nil
	})
	for _, dir := range slices.Backward(dirs) {
		t := Trace{Path: dir}
		if slices.ContainsFunc(all, func(t Trace) bool { return t.Keep != "" && strings.HasPrefix(t.Path, dir+"/") }) {
			t.Keep = "it is not empty"
		} else if dir != Folder && !slices.Contains(list.Folders, dir) {
			t.Keep = "not made by install"
		}
		all = append(all, t)
	}
	return all
}

// folder lists what lies in a folder and is ours, then the folder.
func (p Places) folder(dir string, ours func(name string) bool) []Trace {
	i, err := os.Lstat(filepath.Join(p.Root, dir))
	if err != nil {
		return nil
	}
	if !i.IsDir() {
		return []Trace{{Path: dir, Keep: "it is no folder"}}
	}
	var all []Trace
	whole := Trace{Path: dir}
	for _, e := range p.entries(dir) {
		t := Trace{Path: filepath.Join(dir, e.Name())}
		if !ours(e.Name()) {
			t.Keep, whole.Keep = "not evenkeel's", "it is not empty"
		}
		all = append(all, t)
	}
	return append(all, whole)
}

// whole is folder, where what is evenkeel's in it is so with all that it holds.
func (p Places) whole(dir string, ours func(name string) bool) []Trace {
	all := p.folder(dir, ours)
	for i := range all {
		all[i].All = all[i].Path != dir && all[i].Keep == ""
	}
	return all
}

// recordFile tells the names that the record has, and what goes with it: displaced
// versions, revisions of a branch, what programs did once, the names of secrets.
func recordFile(name string) bool {
	return slices.Contains([]string{"displaced", "revisions", "exec", "sealed.json", "metrics"}, name) || name == "controller.lock" || strings.HasPrefix(name, "evenkeel.db") || strings.HasPrefix(name, "state.seq")
}

func (p Places) entries(dir string) []os.DirEntry {
	all, _ := os.ReadDir(filepath.Join(p.Root, dir)) // what is not there holds nothing
	return all
}
