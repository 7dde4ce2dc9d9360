package host

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Declare says which plugins there are from now on. One whose Spec is as before
// goes on as it is, with what is known of its crashes. Another, or one that is
// no longer declared, gets no new call, and is stopped when its last call has
// ended. It waits for nothing.
//
// The error names every Spec that is wrong; all others are declared.
func (h *Host) Declare(specs []Spec) error {
	declared := make(map[string]*plugin, len(specs))
	var wrong []error
	for _, s := range specs {
		switch err := s.check(); {
		case err != nil:
			wrong = append(wrong, err)
		case declared[s.Name] != nil:
			wrong = append(wrong, fmt.Errorf("actuator %s: declared twice", s.Name))
		default:
			declared[s.Name] = &plugin{spec: s, host: h, unwanted: make(chan struct{})}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, p := range h.plugins {
		if d := declared[name]; d != nil && reflect.DeepEqual(d.spec, p.spec) {
			declared[name] = p
		} else {
			close(p.unwanted)
		}
	}
	h.plugins = declared
	return errors.Join(wrong...)
}

// plugin finds a declared plugin.
func (h *Host) plugin(name string) (*plugin, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p, ok := h.plugins[name]
	return p, ok
}

// Names lists the declared plugins in order.
func (h *Host) Names() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.plugins))
}
