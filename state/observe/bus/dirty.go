package bus

import (
	"slices"
	"sync"
)

// dirtySet collects what changed until somebody takes it: a union, so that any
// number of signals fits and the writer never waits.
type dirtySet struct {
	wake chan struct{} // holds one token while there is something to take

	mu    sync.Mutex
	all   bool
	names map[string]struct{}
}

func newDirtySet() *dirtySet {
	return &dirtySet{wake: make(chan struct{}, 1), names: map[string]struct{}{}}
}

func (d *dirtySet) add(name string) {
	d.mu.Lock()
	d.names[name] = struct{}{}
	d.mu.Unlock()
	d.signal()
}

func (d *dirtySet) addAll() {
	d.mu.Lock()
	d.all = true
	d.mu.Unlock()
	d.signal()
}

func (d *dirtySet) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// take empties the set. When all is true the names do not matter.
func (d *dirtySet) take() (names []string, all bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all = d.all
	if !all {
		names = make([]string, 0, len(d.names))
		for n := range d.names {
			names = append(names, n)
		}
		slices.Sort(names)
	}
	d.all = false
	clear(d.names)
	return names, all
}
