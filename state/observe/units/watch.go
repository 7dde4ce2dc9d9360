package units

import (
	"context"
	"slices"
)

// SetNames says whose changes Watch is to report from now on. Without it, it
// reports whatever was ever asked for.
func (o *Observer) SetNames(names []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.only = true
	clear(o.wanted)
	for _, n := range names {
		o.wanted[n] = struct{}{}
	}
	for id, list := range o.aliases {
		list = slices.DeleteFunc(list, func(n string) bool { _, ok := o.wanted[n]; return !ok })
		if len(list) == 0 {
			delete(o.aliases, id)
			continue
		}
		o.aliases[id] = list
	}
}

// Watch calls dirty with the names, as they were asked for, of units about
// which something changed; all says that anything may have: at the start, after
// a connection was lost or made, a daemon-reload or daemon-reexec, a change of
// unit files. It blocks until ctx ends and then returns nil. Changes that come
// while dirty runs are gathered into its next call.
//
// It is event driven: a slow net of full readings is the caller's.
func (o *Observer) Watch(ctx context.Context, dirty func(names []string, all bool)) error {
	o.watched(true)
	defer o.watched(false)
	return o.bus.Watch(ctx, o.heard, func(ids []string, all bool) {
		if all {
			o.lost()
			dirty(nil, true)
			return
		}
		if names := o.asked(ids); len(names) > 0 {
			dirty(names, false)
		}
	})
}

func (o *Observer) matters(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.wanted[id]; ok {
		return true
	}
	return len(o.aliases[id]) > 0
}

// heard is asked about each signal.
func (o *Observer) heard(id string) bool {
	if !o.matters(id) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.memory.touched[id] = true
	return true
}

// watched says whether signals come from now on.
func (o *Observer) watched(yes bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.memory.watched = yes
	clear(o.memory.touched)
}

// asked turns primary names into the names that were asked for.
func (o *Observer) asked(ids []string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var names []string
	for _, id := range ids {
		if _, ok := o.wanted[id]; ok {
			names = append(names, id)
		}
		names = append(names, o.aliases[id]...)
	}
	return names
}
