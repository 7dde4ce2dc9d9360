package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// releases of a service named web.
const (
	current = "/opt/web/current"
	theOld  = "/opt/web/releases/1.41.0"
	theNew  = "/opt/web/releases/1.42.0"
)

// release declares one.
func (h *host) release(name, version string) {
	l := desired.LinkOf(desired.Release{Dir: "/opt/web/releases", Version: version})
	h.svc(name).Link = &l
}

// leads puts a link on the host.
func (h *host) leads(path, to string) {
	h.have.Files[path] = state.Fact[state.File]{At: h.now, Value: state.File{Kind: state.Symlink, Link: to, Mode: 0o777, Changed: boot0.Add(30 * time.Second)}}
}

// folder puts a folder with something in it on the host.
func (h *host) folder(path string) {
	h.have.Files[path] = state.Fact[state.File]{At: h.now, Value: state.File{Kind: state.Folder, Digest: state.Digest([]byte("app")), Changed: boot0}}
}

// released is a host whose one service runs release 1.41.0 as declared, with
// 1.42.0 beside it.
func released() *host {
	h := newHost("web")
	h.past.Ran = map[string]state.Ran{}
	h.release("web", "1.41.0")
	h.leads(current, "releases/1.41.0")
	h.folder(theOld)
	h.folder(theNew)
	h.settle()
	return h
}

// Each case says how a host differs from one that runs its release, and what the
// plan for it is.
func TestRelease(t *testing.T) {
	down := func(u *state.Unit) {
		u.Active, u.Sub, u.MainPID, u.Exited, u.Changed, u.Stop = "inactive", "dead", 0, 9*time.Minute, 9*time.Minute, state.StopByExit
	}
	const (
		link    = "Service/web file.write " + current + " ReleaseDrift\n"
		restart = "Service/web systemd.restart web.service StaleProcess"
		both    = link + restart + " after [1]\n"
		held    = "held Service/web ReleaseDrift\n"
	)
	cases := []struct {
		name string
		make func(h *host)
		want string
	}{
		{"as declared: nothing", func(*host) {}, ""},
		{"another version: switched, then restarted", func(h *host) { h.release("web", "1.42.0") }, both},
		{"it waits for what the new release reads", func(h *host) {
			h.svc("web").Files = []desired.Artifact{{Path: "/etc/web.env", Digest: state.Digest([]byte("new")), Mode: 0o644, Owner: "root", Group: "root"}}
			h.lies("/etc/web.env", "old")
			h.release("web", "1.42.0")
		}, "Service/web file.write /etc/web.env FileDrift\nService/web file.write " + current + " ReleaseDrift after [1]\n" + restart + " after [1 2]\n"},
		{"down: switched, then started", func(h *host) {
			h.release("web", "1.42.0")
			h.unit("web.service", down)
		}, link + "Service/web systemd.start web.service NotRunning after [1] charged\n"},
		{"restartOn watch manual: switched, and a human restarts", func(h *host) {
			h.release("web", "1.42.0")
			h.svc("web").Spec.RestartOn.Watch = desired.Manual
		}, link + "held Service/web PendingRestart\n"},
		{"adopted: switched, and a human restarts", func(h *host) {
			r := h.past.Ran["web.service"]
			r.Adopted = true
			h.past.Ran["web.service"] = r
			h.release("web", "1.42.0")
		}, link + "held Service/web PendingRestart\n"},
		{"the link watched by name, too: the same", func(h *host) {
			h.svc("web").Spec.Watch = []string{current}
			h.past.Ran = map[string]state.Ran{}
			h.settle()
			h.release("web", "1.42.0")
		}, both},

		{"a release that is not there: nothing is switched", func(h *host) { h.release("web", "1.43.0"); h.gone("/opt/web/releases/1.43.0") }, held},
		{"nor to one that is empty", func(h *host) {
			h.release("web", "1.42.0")
			h.have.Files[theNew] = state.Fact[state.File]{At: h.now, Value: state.File{Kind: state.Folder, Digest: state.Digest(nil)}}
		}, held},
		{"nor to a link", func(h *host) { h.release("web", "1.42.0"); h.leads(theNew, "1.41.0") }, held},
		{"nor to a file", func(h *host) { h.release("web", "1.42.0"); h.lies(theNew, "tar") }, held},
		{"what is down is started with the old release meanwhile", func(h *host) {
			h.release("web", "1.43.0")
			h.gone("/opt/web/releases/1.43.0")
			h.unit("web.service", down)
		}, "Service/web systemd.start web.service NotRunning charged\n" + held},
		{"the first release is not there: nothing is started without", func(h *host) {
			h.gone(current)
			h.gone(theOld)
			h.unit("web.service", down)
		}, held},
		{"what is current is gone: told, and nothing is restarted over it", func(h *host) {
			h.gone(theOld)
			h.redeclare("web", "unit web v2")
		}, "Service/web file.write /etc/systemd/system/web.service UnitFileDrift\nHost/app-1 systemd.daemon-reload  DaemonReloadNeeded after [1]\n" + held},
		{"it is not known whether it is there: looked at", func(h *host) { h.release("web", "1.42.0"); delete(h.have.Files, theNew) }, "gap Service/web file:" + theNew + "\n"},

		{"switched by hand: switched back, and nothing restarted", func(h *host) { h.leads(current, "releases/1.42.0") }, link},
		{"removed by hand: made again", func(h *host) { h.gone(current) }, link},
		{"drift warn: told, and what is current runs", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Warn
			h.leads(current, "releases/1.42.0")
		}, restart + "\n" + held},
		{"drift ignore: a deploy made by another", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Ignore
			h.leads(current, "releases/1.42.0")
		}, restart + "\n"},
		{"drift ignore: what is declared anew is no drift", func(h *host) {
			h.svc("web").Spec.Drift.Mode = desired.Ignore
			h.release("web", "1.42.0")
		}, both},
		{"drift with a hold: it runs for a while", func(h *host) {
			h.svc("web").Spec.Drift.Hold = desired.Duration(time.Hour)
			h.leads(current, "releases/1.42.0")
			h.changed(current, h.now.Wall.Add(-time.Minute))
		}, restart + "\nheld Service/web DriftHold\n"},
		{"a file in its place: replaced", func(h *host) { h.lies(current, "human") }, link},
		{"a folder in its place: not touched", func(h *host) { h.folder(current) }, "held Service/web NotAllowed\n"},

		{"management observe", func(h *host) {
			h.svc("web").Spec.Management = desired.Observe
			h.release("web", "1.42.0")
		}, "held Service/web ObserveOnly\n"},
		{"management repair", func(h *host) {
			h.svc("web").Spec.Management = desired.Repair
			h.release("web", "1.42.0")
		}, "held Service/web ObserveOnly\n"},
		{"policy allows the folder, and not the link", func(h *host) {
			h.want.Policy.Paths = []string{"/opt/web/releases/**"}
			h.release("web", "1.42.0")
		}, "held Service/web NotAllowed\n"},
		{"policy allows the link, and not the folder", func(h *host) {
			h.want.Policy.Paths = []string{current}
			h.release("web", "1.42.0")
		}, "held Service/web NotAllowed\n"},

		{"no longer declared: left as it is", func(h *host) { h.svc("web").Link = nil }, ""},
		{"first declared of what runs it: nothing", func(h *host) {
			h.past.Ran["web.service"] = state.Ran{Invocation: "i1-web.service", Unit: h.past.Ran["web.service"].Unit}
		}, ""},
		{"first declared, and switched since it started: a human says", func(h *host) {
			h.past.Ran["web.service"] = state.Ran{Invocation: "i1-web.service", Unit: h.past.Ran["web.service"].Unit}
			h.changed(current, h.now.Wall.Add(-time.Minute))
		}, "held Service/web PendingRestart\n"},
		{"the first link of what runs: restarted with it", func(h *host) {
			h.past.Ran["web.service"] = state.Ran{Invocation: "i1-web.service", Unit: h.past.Ran["web.service"].Unit}
			h.past.Owned = map[string]state.Owned{}
			h.gone(current)
		}, both},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := released()
			c.make(h)
			p := h.make()
			if d := cmp.Diff(c.want, tell(p)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
			h.fold(p)
			if d := cmp.Diff(c.want, tell(h.make())); d != "" {
				t.Errorf("and once its notes are known (-want +got):\n%s", d)
			}
		})
	}
}

// What the switch carries: where the link leads and led, and whether a human's
// version is to be kept.
func TestReleaseAction(t *testing.T) {
	for name, c := range map[string]struct {
		make func(h *host)
		want map[string]string
		is   string
	}{
		"our own":             {func(*host) {}, map[string]string{"link": "releases/1.42.0", "wasLink": "releases/1.41.0"}, "1.41.0"},
		"a human's":           {func(h *host) { h.leads(current, "releases/1.40.0") }, map[string]string{"link": "releases/1.42.0", "wasLink": "releases/1.40.0", "keep": "1"}, "1.40.0"},
		"a human's elsewhere": {func(h *host) { h.leads(current, "/home/human/web") }, map[string]string{"link": "releases/1.42.0", "wasLink": "/home/human/web", "keep": "1"}, "/home/human/web"},
		"by another way":      {func(h *host) { h.leads(current, theOld) }, map[string]string{"link": "releases/1.42.0", "wasLink": theOld, "keep": "1"}, "1.41.0"},
		"a file":              {func(h *host) { h.lies(current, "x") }, map[string]string{"link": "releases/1.42.0", "was": state.Digest([]byte("x")), "keep": "1"}, "file"},
		"nothing":             {func(h *host) { h.gone(current) }, map[string]string{"link": "releases/1.42.0"}, "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			h := released()
			h.release("web", "1.42.0")
			c.make(h)
			c.want["object"] = "Service/web"
			s := h.make().Steps[0]
			if d := cmp.Diff(c.want, s.Action.Args); d != "" {
				t.Errorf("arguments (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]state.Field{{Path: "current", Desired: "1.42.0", Observed: c.is}}, s.Fields); d != "" {
				t.Errorf("fields (-want +got):\n%s", d)
			}
		})
	}
}

// A release goes on by itself when its folder comes, and is restarted once.
func TestReleaseComesLater(t *testing.T) {
	h := released()
	h.release("web", "1.43.0")
	h.gone("/opt/web/releases/1.43.0")
	p := h.make()
	if len(p.Held) != 1 || !strings.Contains(p.Held[0].Detail, "/opt/web/releases/1.43.0 does not exist; put the release there") {
		t.Fatalf("held: %+v", p.Held)
	}
	h.folder("/opt/web/releases/1.43.0")
	var done []string
	for range 6 {
		p := h.make()
		h.fold(p)
		if len(p.Steps) == 0 {
			break
		}
		s := p.Steps[0]
		done = append(done, s.Action.Verb)
		h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
		h.do(s)
		h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Done}})
		h.later(time.Second)
		h.see()
	}
	if d := cmp.Diff([]string{"write", "restart"}, done); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
	if o := h.past.Owned[current]; o.Link != "releases/1.43.0" || o.Created {
		t.Errorf("owned %+v", o)
	}
	if p := h.make(); tell(p) != "" {
		t.Errorf("it goes on:\n%s", tell(p))
	}
}

// Whoever watches the link of another service is restarted after the switch, and
// the dry run says so.
func TestWatchersOfARelease(t *testing.T) {
	h := newHost("a", "web")
	h.past.Ran = map[string]state.Ran{}
	h.svc("a").Spec.Watch = []string{current}
	h.release("web", "1.41.0")
	h.leads(current, "releases/1.41.0")
	h.folder(theOld)
	h.folder(theNew)
	h.settle()
	h.release("web", "1.42.0")
	want := "Service/web file.write " + current + " ReleaseDrift\n" +
		"Service/a systemd.restart a.service StaleProcess after [1]\n" +
		"Service/web systemd.restart web.service StaleProcess after [1 2]\n"
	if d := cmp.Diff(want, tell(h.make())); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

// A link is removed with its service only where onRemove says so, evenkeel made
// it, and it leads where evenkeel had it lead.
func TestReleaseNoLongerDeclared(t *testing.T) {
	remove := "Service/web systemd.stop web.service NotDeclared\n" +
		"Service/web systemd.disable web.service NotDeclared after [1]\n" +
		"Service/web file.remove " + current + " NotDeclared after [1 2]\n" +
		"Host/app-1 systemd.daemon-reload  DaemonReloadNeeded after [2]\n"
	stay := strings.ReplaceAll(remove, "Service/web file.remove "+current+" NotDeclared after [1 2]\n", "")
	for name, c := range map[string]struct {
		make func(h *host)
		want string
	}{
		"made by evenkeel":        {func(*host) {}, remove},
		"there before":            {func(h *host) { h.past.Owned[current] = state.Owned{Object: "Service/web", Link: "releases/1.41.0"} }, stay},
		"switched by hand since":  {func(h *host) { h.leads(current, "releases/1.42.0") }, stay},
		"a file of a human's now": {func(h *host) { h.lies(current, "x") }, stay},
		"onRemove stop": {func(h *host) {
			m := h.past.Managed["Service/web"]
			m.OnRemove = desired.OnRemoveStop
			h.past.Managed["Service/web"] = m
		}, "Service/web systemd.stop web.service NotDeclared\n"},
		"onRemove release": {func(h *host) {
			m := h.past.Managed["Service/web"]
			m.OnRemove = desired.OnRemoveRelease
			h.past.Managed["Service/web"] = m
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := released()
			h.want.Policy.Shrink = 1
			h.svc("web").Spec.OnRemove = desired.OnRemoveDelete
			h.settle()
			h.past.Owned[current] = state.Owned{Object: "Service/web", Link: "releases/1.41.0", Created: true}
			c.make(h)
			h.want.Services = nil
			if d := cmp.Diff(strings.ReplaceAll(c.want, "after [2]\n", "after [2]\n"), tell(h.make())); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// A switch that was cut short is told by where the link leads.
func TestAReleaseCutShort(t *testing.T) {
	h := released()
	h.release("web", "1.42.0")
	s := h.make().Steps[0]
	h.past.Fold(state.Entry{At: h.now, Intent: &state.Intent{Step: s}})
	h.past.Fold(state.Entry{At: h.now, Outcome: &state.Outcome{ID: s.ID, Status: state.Cut}})
	h.later(time.Second)
	h.leads(current, "releases/1.42.0")
	h.see()
	p := h.make()
	if d := cmp.Diff("Service/web systemd.restart web.service StaleProcess\n", tell(p)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
	h.fold(p)
	if o := h.past.Owned[current]; o != (state.Owned{Object: "Service/web", Link: "releases/1.42.0"}) {
		t.Errorf("owned %+v", o)
	}
}
