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
	news chan struct{} // size 1: something is looked at for the first time, or systemd's state is another

	mu     sync.Mutex         // guards what follows
	watch  fileWatch          // nil: nobody watches
	refs   []state.Ref        // what the watch was last set to
	units  []string           // and the folders of units
	known  map[state.Ref]bool // refs as a set
	recent map[state.Ref]bool // looked at since the watch was last set, and not known
	folder map[string]bool    // folders that are looked at as if they were files
	words  map[string]string  // by unit: how it was enabled
	state  string             // systemd's own
}

// fileWatch is what scopes need of a files.Watcher.
type fileWatch interface {
	Set(paths, folders []string)
	Add(paths, folders []string)
}

func newScopes() *scopes { return &scopes{news: make(chan struct{}, 1)} }

// tell wakes whoever waits for news.
func (s *scopes) tell() {
	select {
	case s.news <- struct{}{}:
	default:
	}
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
		s.note(state.Ref{Kind: state.RefFile, Name: p})
	}
	for _, d := range folders {
		s.note(state.Ref{Kind: state.RefDir, Name: d})
	}
	s.watch.Add(clean(paths), clean(folders))
}

func (s *scopes) note(r state.Ref) {
	if !s.known[r] && !s.recent[r] {
		s.recent[r] = true
		s.tell()
	}
}

// enter watches the entries of a folder that is looked at as if it were a file.
func (s *scopes) enter(folder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil || s.folder[folder] {
		return
	}
	s.folder[folder] = true
	s.watch.Add(nil, clean([]string{folder}))
}

// set watches exactly the given refs and the folders of units. Folders that are
// watched as if they were files stay so.
func (s *scopes) set(refs []state.Ref, unitFolders []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch == nil {
		return
	}
	if slices.Equal(refs, s.refs) && slices.Equal(unitFolders, s.units) && len(s.recent) == 0 {
		return
	}
	var paths []string
	folders := slices.Clone(unitFolders)
	known := make(map[state.Ref]bool, len(refs))
	for _, r := range refs {
		known[r] = true
		if r.Kind == state.RefFile {
			paths = append(paths, r.Name)
		}
		if r.Kind == state.RefDir || r.Kind == state.RefFile && s.folder[r.Name] {
			folders = append(folders, r.Name)
		}
	}
	maps.DeleteFunc(s.folder, func(d string, _ bool) bool { return !known[state.Ref{Kind: state.RefFile, Name: d}] })
	s.refs, s.units, s.known, s.recent = refs, unitFolders, known, make(map[state.Ref]bool)
	s.watch.Set(clean(paths), clean(folders))
}

// begin and end tell whether somebody watches.
func (s *scopes) begin(w fileWatch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch, s.refs, s.units, s.known, s.words = w, nil, nil, nil, nil
	s.folder, s.recent = make(map[string]bool), make(map[state.Ref]bool)
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
	if s.state != state {
		s.state = state
		s.tell()
	}
}

// settled tells that systemd was last seen neither on its way up nor down.
func (s *scopes) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == "running" || s.state == "degraded"
}

// clean leaves out what is no absolute path: it is no file, and reading it says so.
func clean(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !strings.HasPrefix(p, "/") })
}
