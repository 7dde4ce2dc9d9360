package observe

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/pakashop/evenkeel/state"
)

// scopes remember what was looked at: it is what must be watched.
type scopes struct {
	mu     sync.Mutex // guards what follows
	watch  fileWatch  // nil: nobody watches
	words  map[string]string
	state  string // systemd's own
	folder map[string]bool
	recent map[state.Ref]bool // looked at since the watch was last set
}

// fileWatch is what scopes need of a files.Watcher.
type fileWatch interface {
	Set(paths, folders []string)
	Add(paths, folders []string)
}

// add watches what is about to be read, so that no change falls between the
// reading and the watching.
func (s *scopes) add(paths, folders []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil || len(paths)+len(folders) == 0 {
		return
	}
	for _, p := range paths {
		s.recent[state.Ref{Kind: state.RefFile, Name: p}] = true
	}
	for _, d := range folders {
		s.folder[d] = true
		s.recent[state.Ref{Kind: state.RefDir, Name: d}] = true
	}
	s.watch.Add(clean(paths), clean(folders))
}

// set watches exactly the given refs and the folders of units. Folders that are
// watched as if they were files stay so.
func (s *scopes) set(refs []state.Ref, unitFolders []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil {
		return
	}
	folders := slices.Clone(unitFolders)
	var paths []string
	was := s.folder
	s.folder, s.recent = make(map[string]bool), make(map[state.Ref]bool)
	for _, r := range refs {
		if r.Kind == state.RefFile {
			paths = append(paths, r.Name)
		}
		if r.Kind == state.RefDir || r.Kind == state.RefFile && was[r.Name] {
			folders = append(folders, r.Name)
			s.folder[r.Name] = true
		}
	}
	s.watch.Set(clean(paths), clean(folders))
}

// begin and end tell whether somebody watches.
func (s *scopes) begin(w fileWatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch, s.folder, s.recent, s.words = w, make(map[string]bool), make(map[state.Ref]bool), nil
}

// interest is the set of what is of interest: what the caller says, and what was
// looked at since he was last asked.
func (s *scopes) interest(refs []state.Ref) map[state.Ref]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := maps.Clone(s.recent)
	for _, r := range refs {
		out[r] = true
	}
	return out
}

func (s *scopes) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = nil
}

// boots remembers how units were enabled when they were last looked at.
func (s *scopes) boots(words map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.words == nil {
		s.words = make(map[string]string, len(words))
	}
	maps.Copy(s.words, words)
}

// moved lists the units that are enabled otherwise than when they were looked at.
func (s *scopes) moved(words map[string]string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for n, w := range words {
		if was, ok := s.words[n]; ok && was != w {
			names = append(names, n)
		}
	}
	return names
}

func (s *scopes) system(state string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

// unsettled tells that systemd was last seen on its way up or down.
func (s *scopes) unsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state != "" && s.state != "running" && s.state != "degraded"
}

// clean leaves out what is no absolute path: it is no file, and reading it says so.
func clean(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.HasPrefix(p, "/") })
}
