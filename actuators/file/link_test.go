package file_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/file"
)

// point is a request to make a link where wasLink (empty: none) was seen.
func point(path, to, wasLink string, more ...string) actuators.Request {
	args := map[string]string{"link": to}
	if wasLink != "" {
		args["wasLink"] = wasLink
	}
	set(args, more)
	return actuators.Request{Action: actuators.Action{Actuator: "file", Verb: "write", Target: path, Args: args}, Content: []byte{}}
}

func unpoint(path, wasLink string) actuators.Request {
	return actuators.Request{Action: actuators.Action{Actuator: "file", Verb: "remove", Target: path, Args: map[string]string{"wasLink": wasLink}}}
}

// What a switch to another release does, whatever lies there.
func TestLinks(t *testing.T) {
	const current = "/etc/current"
	one, two := "releases/1.41.0", "releases/1.42.0"
	for _, c := range []struct {
		name    string
		before  func(h *host)
		request actuators.Request
		changed bool
		kind    actuators.Kind
		message string
		leads   string // where the link leads then; "-": there is none
		names   string // of /etc
	}{
		{
			name: "a first link", request: point(current, two, ""),
			changed: true, leads: two, names: "current releases",
		},
		{
			name: "it is switched", before: func(h *host) { link(h, one, current) },
			request: point(current, two, one), changed: true, leads: two, names: "current releases",
		},
		{
			name: "it leads there already", before: func(h *host) { link(h, two, current) },
			request: point(current, two, one), leads: two, names: "current releases",
		},
		{
			name: "somebody was faster", before: func(h *host) { link(h, "releases/human", current) },
			request: point(current, two, one),
			kind:    actuators.Conflict, message: "the file was changed", leads: "releases/human", names: "current releases",
		},
		{
			name: "a link appeared", before: func(h *host) { link(h, one, current) },
			request: point(current, two, ""),
			kind:    actuators.Conflict, message: "a file appeared there", leads: one, names: "current releases",
		},
		{
			name: "the link was removed", request: point(current, two, one),
			kind: actuators.Conflict, message: "the file was removed", leads: "-", names: "releases",
		},
		{
			name: "a regular file gives way", before: func(h *host) { h.put(current, "human") },
			request: point(current, two, "", "was", sum("human")), changed: true, leads: two, names: "current releases",
		},
		{
			name: "a newer file does not", before: func(h *host) { h.put(current, "human") },
			request: point(current, two, one),
			kind:    actuators.Conflict, message: "the file was changed", leads: "-", names: "current releases",
		},
		{
			name: "a folder stands", before: func(h *host) { mkdir(h, current+"/precious") },
			request: point(current, two, ""),
			kind:    actuators.Refused, message: "a folder lies where the link belongs", leads: "-", names: "current releases",
		},
		{
			name: "a release that is not there", before: func(h *host) { link(h, one, current) },
			request: point(current, "releases/1.43.0", one),
			kind:    actuators.Refused, message: "/etc/releases/1.43.0 does not exist", leads: one, names: "current releases",
		},
		{
			name: "a release that is a link", before: func(h *host) { link(h, "1.42.0", "/etc/releases/latest") },
			request: point(current, "releases/latest", ""),
			kind:    actuators.Refused, message: "/etc/releases/latest is a link", leads: "-", names: "releases",
		},
		{
			name: "a release that is a file", before: func(h *host) { h.put("/etc/releases/1.43.0", "tar") },
			request: point(current, "releases/1.43.0", ""),
			kind:    actuators.Refused, message: "/etc/releases/1.43.0 is no folder", leads: "-", names: "releases",
		},
		{
			name: "an absolute way", before: func(h *host) { link(h, one, current) },
			request: point(current, "/etc/releases/1.42.0", one), changed: true, leads: "/etc/releases/1.42.0", names: "current releases",
		},
		{
			name: "no folder for the link", request: point("/etc/none/current", "releases/1.42.0", ""),
			kind: actuators.Refused, message: "/etc/none/releases/1.42.0 does not exist", leads: "-", names: "releases",
		},
		{
			name: "a file is never written over a link", before: func(h *host) { link(h, one, current) },
			request: write(current, "new", ""),
			kind:    actuators.Refused, message: "there is a link to releases/1.41.0", leads: one, names: "current releases",
		},
		{
			name: "it is removed", before: func(h *host) { link(h, one, current) },
			request: unpoint(current, one), changed: true, leads: "-", names: "releases",
		},
		{
			name: "and not if it leads elsewhere", before: func(h *host) { link(h, "releases/human", current) },
			request: unpoint(current, one),
			kind:    actuators.Conflict, message: "the file was changed", leads: "releases/human", names: "current releases",
		},
		{
			name: "nor if a file lies there", before: func(h *host) { h.put(current, "human") },
			request: unpoint(current, one),
			kind:    actuators.Conflict, message: "the file was changed", leads: "-", names: "current releases",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost(t)
			mkdir(h, "/etc/releases/1.41.0")
			mkdir(h, "/etc/releases/1.42.0")
			if c.before != nil {
				c.before(h)
			}
			previewed, previewErr := h.a.Preview(t.Context(), c.request)
			res, err := h.apply(c.request)
			check(t, err, c.kind, c.message)
			check(t, previewErr, c.kind, c.message)
			if res.Changed != c.changed || previewed.Changed != c.changed {
				t.Errorf("changed %v, previewed %v, want %v", res.Changed, previewed.Changed, c.changed)
			}
			leads, err := os.Readlink(h.path(current))
			if err != nil {
				leads = "-"
			}
			if got := h.names("/etc"); leads != c.leads || got != c.names {
				t.Errorf("it leads to %q in %q, want %q in %q", leads, got, c.leads, c.names)
			}
			if c.message == "" {
				if again, err := h.apply(c.request); err != nil || again.Changed {
					t.Errorf("a second time: %+v, %v", again, err)
				}
			}
		})
	}
}

func TestInvalidLinks(t *testing.T) {
	filled := point("/etc/current", "releases/1", "")
	filled.Content = []byte("x")
	for name, c := range map[string]struct {
		request actuators.Request
		message string
	}{
		"with content":           {filled, "no content"},
		"with a mode":            {point("/etc/current", "releases/1", "", "mode", "0644"), "no content, digest, mode or owner"},
		"a zero byte":            {point("/etc/current", "releases/\x00", ""), "none of them zero"},
		"too long":               {point("/etc/current", strings.Repeat("x", 4096), ""), "at most 4095"},
		"a file and a link":      {point("/etc/current", "releases/1", "releases/0", "was", sum("x")), "a file or a link"},
		"a file over a link":     {write("/etc/x", "c", "", "wasLink", "y"), "by another one only"},
		"remove, seeing neither": {unpoint("/etc/current", ""), "was is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			_, err := h.apply(c.request)
			check(t, err, actuators.Invalid, c.message)
			if got := h.names("/etc"); got != "" {
				t.Errorf("/etc holds %q", got)
			}
		})
	}
}

// Where a link of a human's led, and what a file of his held, is kept.
func TestDisplacedByALink(t *testing.T) {
	h := newHost(t)
	mkdir(h, "/etc/releases/2")
	link(h, "/home/human/build", "/etc/current")
	res, err := h.apply(point("/etc/current", "releases/2", "/home/human/build", "keep", "1", "object", "Service/x"))
	if err != nil {
		t.Fatal(err)
	}
	c, content, err := h.a.Displaced().Get(res.Displaced)
	if err != nil || c.Link != "/home/human/build" || string(content) != c.Link || c.Object != "Service/x" {
		t.Errorf("kept %+v with %q: %v", c, content, err)
	}
	h.put("/etc/other", "by hand")
	res, err = h.apply(point("/etc/other", "releases/2", "", "was", sum("by hand"), "keep", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if c, content, err := h.a.Displaced().Get(res.Displaced); err != nil || c.Link != "" || string(content) != "by hand" {
		t.Errorf("kept %+v with %q: %v", c, content, err)
	}
}

// What a crash left of a switch goes with the next one; what only looks like it
// stays.
func TestLeftoverLinks(t *testing.T) {
	h := newHost(t)
	mkdir(h, "/etc/releases/2")
	link(h, "releases/1", "/etc/.evenkeel-0123456789abcdef")
	link(h, "releases/1", "/etc/.evenkeel-mine")
	if _, err := h.apply(point("/etc/current", "releases/2", "")); err != nil {
		t.Fatal(err)
	}
	if got := h.names("/etc"); got != ".evenkeel-mine current releases" {
		t.Errorf("/etc holds %q", got)
	}
}

// Whoever looks while it is switched always finds a link to one of the two.
func TestALinkIsNeverAbsent(t *testing.T) {
	h := newHost(t)
	mkdir(h, "/etc/releases/1")
	mkdir(h, "/etc/releases/2")
	link(h, "releases/1", "/etc/current")
	done := make(chan struct{})
	var looks atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if to, err := os.Readlink(h.path("/etc/current")); err != nil || to != "releases/1" && to != "releases/2" {
				t.Errorf("it leads to %q: %v", to, err)
				return
			}
			looks.Add(1)
		}
	})
	from, to := "releases/1", "releases/2"
	for began := time.Now(); time.Since(began) < time.Second || looks.Load() < 1000; {
		if res, err := h.apply(point("/etc/current", to, from)); err != nil || !res.Changed {
			t.Fatalf("%+v, %v", res, err)
		}
		from, to = to, from
	}
	close(done)
	wg.Wait()
}

// An attacker who may write beside the link swaps it, its folder and the release
// for links to where he may not write, while evenkeel switches it. Nothing is
// ever made there, and what was his alone is not lost.
func TestRacingSwitches(t *testing.T) {
	for name, swap := range map[string][2]string{
		"the folder becomes a link":        {"/etc/app", "/etc/evil"},
		"the link becomes another one":     {"/etc/app/current", "/etc/mine"},
		"the link becomes a folder":        {"/etc/app/current", "/etc/folder"},
		"the release becomes a link":       {"/etc/app/releases/2", "/etc/evil"},
		"the releases' folder becomes one": {"/etc/app/releases", "/etc/evil"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			victim := t.TempDir()
			if err := os.WriteFile(filepath.Join(victim, "x.conf"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			mkdir(h, "/etc/app/releases/1")
			mkdir(h, "/etc/app/releases/2")
			mkdir(h, "/etc/folder")
			h.put("/etc/folder/precious", "x")
			link(h, "releases/1", "/etc/app/current")
			link(h, victim, "/etc/evil")
			link(h, "nowhere", "/etc/mine")
			before := identity(t, victim)
			ctx, cancel := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			var switches atomic.Int64
			wg.Go(func() {
				defer cancel()
				for i := 0; i < swaps/5 || switches.Load() < 50 && i < 100*swaps; i++ {
					exchange(h, swap[0], swap[1])
				}
			})
			a := file.New(file.Options{Root: h.root, Displaced: filepath.Join(t.TempDir(), "d")})
			for ctx.Err() == nil {
				for _, r := range []actuators.Request{
					point("/etc/app/current", "releases/2", "releases/1"), point("/etc/app/current", "releases/1", "releases/2"),
				} {
					if res, err := a.Apply(context.Background(), r); err == nil && res.Changed {
						switches.Add(1)
					} else if k := actuators.KindOf(err); err != nil && k != actuators.Refused && k != actuators.Conflict && k != actuators.Failed && k != actuators.Unknown {
						t.Errorf("%s: %v", k, err)
					}
				}
			}
			wg.Wait()
			if switches.Load() == 0 {
				t.Error("no switch took effect: nothing was tried")
			}
			if now := identity(t, victim); now != before {
				t.Errorf("the victim was %s, is %s", before, now)
			}
			if !linked(t, h.path("/etc"), victim) || !linked(t, h.path("/etc"), "nowhere") {
				t.Error("a link of the attacker's is gone")
			}
			found := false
			for _, dir := range []string{"/etc/folder", "/etc/app/current"} {
				_, err := os.Stat(h.path(dir + "/precious"))
				found = found || err == nil
			}
			saved, _ := filepath.Glob(h.path("/etc/app/*/precious"))
			if !found && len(saved) == 0 {
				t.Error("the folder is gone")
			}
		})
	}
}
