package observe

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/files"
)

// refresh is how long after something was looked at for the first time the set
// of what is watched is made anew, without what is no longer of interest. What
// is looked at is watched at once. Where nothing is new nothing is done.
const refresh = 10 * time.Second

// Watch calls dirty with the facts that may have changed, until ctx ends; it
// then returns nil. No facts means any of them; so it begins. refs tells what
// is of interest; it is asked again and again, and must be quick. dirty may be
// called by several goroutines at once. Watch must not run twice at once. What
// probes and rules come to it brings by seen.
//
// It is driven by events. What no event tells (a change of a deeper link, a
// watch that the kernel refused) only looking again now and then tells; that is
// the caller's.
func (o *Observer) Watch(ctx context.Context, refs func() []state.Ref, dirty func([]state.Ref), seen func(state.Facts)) error {
	w, err := files.NewWatcher(o.opt.Log)
	if err != nil {
		return err
	}
	defer w.Close()
	s := &sight{o: o, refs: refs, dirty: dirty}
	o.scopes.begin(w)
	defer o.scopes.end()
	stop, err := o.opt.Links.Watch()
	if err != nil {
		o.opt.Log.Warn("the folders of units are looked at each time", "error", err)
	}
	defer stop()
	s.aim()
	o.ended.watched(true)
	defer o.ended.watched(false)

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, 2)
	wg.Go(func() { errs <- w.Run(ctx, s.paths); cancel() })
	wg.Go(func() { errs <- o.opt.Units.Watch(ctx, s.units); cancel() })
	wg.Go(func() { o.opt.Host.Watch(ctx, s.packages) })
	wg.Go(func() { s.keep(ctx) })
	if o.opt.Probes != nil {
		wg.Go(func() {
			o.opt.Probes.Watch(ctx, func(f map[string]state.Fact[state.Probe]) { seen(state.Facts{Probes: f}) })
		})
	}
	for _, part := range o.opt.Alerts {
		wg.Go(func() {
			part.Watch(ctx, func(f map[string]state.Fact[state.Alerts]) { seen(state.Facts{Alerts: f}) })
		})
	}
	dirty(nil)
	wg.Wait()
	if err := <-errs; err != nil {
		return err
	}
	return <-errs
}

// sight turns what the parts report into names of facts.
type sight struct {
	o     *Observer
	refs  func() []state.Ref
	dirty func([]state.Ref)
}

// aim watches what is of interest now.
func (s *sight) aim() {
	refs := append(slices.Clone(s.refs()), state.Ref{Kind: state.RefFile, Name: s.o.opt.Host.Stop()})
	s.o.scopes.set(refs, s.o.opt.Links.Folders())
}

// keep aims again when there is news, and looks after a host that is not settled.
func (s *sight) keep(ctx context.Context) {
	var host, aim <-chan time.Time // nil: no timer runs, and nothing wakes an idle host
	for {
		if host == nil && !s.o.scopes.settled() {
			host = time.After(tick)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.o.scopes.news:
			if aim == nil {
				aim = time.After(refresh)
			}
		case <-host:
			host = nil
			if !s.o.scopes.settled() {
				s.host()
			}
		case <-aim:
			aim = nil
			s.aim()
		}
	}
}

// packages looks at everything when a package manager begins and ends: what it
// replaces under running processes no event tells.
func (s *sight) packages() { s.dirty(nil) }

func (s *sight) host() { s.dirty([]state.Ref{{Kind: state.RefHost}}) }

func (s *sight) units(names []string, all bool) {
	if all {
		s.o.ended.watched(true)
		s.dirty(nil)
		return
	}
	s.o.ended.forget(names...)
	refs := make([]state.Ref, len(names))
	for i, n := range names {
		refs[i] = state.Ref{Kind: state.RefUnit, Name: n}
	}
	if len(refs) > 0 {
		s.dirty(refs)
	}
}

// paths reports the facts that rest on the paths which changed.
func (s *sight) paths(paths []string) {
	if paths == nil {
		s.aim()
		s.dirty(nil)
		return
	}
	known := s.o.scopes.interest(s.refs())
	folders := make(map[string]bool)
	for _, d := range s.o.opt.Links.Folders() {
		folders[d] = true
	}
	out := make(map[state.Ref]bool)
	links, reaim := false, false
	for _, p := range paths {
		dir, name := strings.TrimSuffix(path.Dir(p), "/"), path.Base(p)
		s.resting(p, dir, known, out)
		if folders[dir] || folders[p] {
			links = true
			// Not a unit's own file: perhaps a folder of links that came or went.
			reaim = reaim || folders[p] || strings.Contains(name, ".") && !isUnitFile(name)
		}
	}
	if reaim {
		s.aim()
	}
	if links {
		s.enablement(paths, known, out)
	}
	if len(out) > 0 {
		s.dirty(slices.Collect(maps.Keys(out)))
	}
}

// resting adds the facts that rest on one path: on what lies there, or on what
// lies in its folder.
func (s *sight) resting(p, dir string, known, out map[state.Ref]bool) {
	if p == s.o.opt.Host.Stop() {
		out[state.Ref{Kind: state.RefHost}] = true
	}
	for _, r := range []state.Ref{
		{Kind: state.RefFile, Name: p},
		{Kind: state.RefDir, Name: p},
		{Kind: state.RefFile, Name: dir},
		{Kind: state.RefDir, Name: dir},
	} {
		if known[r] {
			out[r] = true
		}
	}
}

// enablement adds the units whose own file changed, and those that are now
// enabled otherwise, whatever the link that made them so was called.
func (s *sight) enablement(paths []string, known, out map[state.Ref]bool) {
	changed := make(map[string]bool, len(paths))
	for _, p := range paths {
		changed[strings.TrimSuffix(path.Base(p), ".d")] = true
	}
	var names []string
	for r := range known {
		if r.Kind != state.RefUnit {
			continue
		}
		names = append(names, r.Name)
		if changed[r.Name] || changed[template(r.Name)] {
			out[r] = true
		}
	}
	words, err := s.o.opt.Links.Boot(names)
	if err != nil {
		for _, n := range names {
			out[state.Ref{Kind: state.RefUnit, Name: n}] = true // reading them tells the error
		}
		return
	}
	for _, n := range s.o.scopes.moved(words) {
		out[state.Ref{Kind: state.RefUnit, Name: n}] = true
	}
}

// template is x@.service for x@1.service, and empty for what has no template.
func template(unit string) string {
	at, dot := strings.IndexByte(unit, '@'), strings.LastIndexByte(unit, '.')
	if at < 0 || dot < at {
		return ""
	}
	return unit[:at+1] + unit[dot:]
}

func isUnitFile(name string) bool {
	switch path.Ext(name) {
	case ".service", ".socket", ".timer", ".path", ".target", ".mount", ".slice", ".scope", ".swap", ".automount":
		return true
	}
	return false
}
