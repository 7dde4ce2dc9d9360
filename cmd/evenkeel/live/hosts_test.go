package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// Two hosts follow one folder, and each runs what its labels choose.
func TestTwoHostsFollowOneFolder(t *testing.T) {
	t.Parallel()
	shared := t.TempDir()
	var e pair
	for _, role := range []string{"app", "web"} {
		h := hosttest.Boot(t, rehearse.Options{Name: role, Binds: []rehearse.Bind{
			{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}, {Source: shared, Target: desiredDir},
		}})
		b := newBox(t, h)
		e.hosts = append(e.hosts, b)
		b.write(policyFile, labeled(role, "prod", ""))
	}
	e.declare("env", "apiVersion: evenkeel.dev/v1\nkind: Environment\nmetadata: {name: production}\nspec: {hosts: ['env=\"prod\"']}\n")
	e.declare("everywhere", service("everywhere", sleeper()))
	for i := range 4 {
		for _, role := range []string{"app", "web"} {
			e.runs(fmt.Sprintf("%s-%d", role, i), role)
		}
	}
	for _, b := range e.hosts {
		b.keep()
	}
	for _, c := range hostsTests {
		t.Run(c.name, func(t *testing.T) { c.f(e.on(t)) })
	}
}

// pair is two hosts that follow one folder: the app's, the web's.
type pair struct{ hosts []box }

func (e pair) on(t *testing.T) pair { return pair{[]box{e.hosts[0].on(t), e.hosts[1].on(t)}} }

func (e pair) app() box { return e.hosts[0] }
func (e pair) web() box { return e.hosts[1] }

// declare puts objects into the folder of all.
func (e pair) declare(file string, objects ...string) {
	e.app().Helper()
	e.app().declare(file, objects...)
	e.web().inForce()
}

// runs declares a service for the hosts with a role.
func (e pair) runs(name, role string, unit ...string) {
	e.app().Helper()
	e.declare(name, service(name, sleeper(unit...), "manualStop: {hold: 1h}", `hosts: ['role="`+role+`"']`))
}

// labeled is a host's policy.
func labeled(role, env, more string) string {
	return "mode: enforce\nhost: {name: " + role + "-1, environment: production, labels: {role: " + role + ", env: " + env + "}}\nunits: [\"*\"]\npaths: [\"/**\"]\nsignatures: none\n" + more
}

// board is the names on a host's board.
func (e pair) board(b box) string {
	b.Helper()
	var names []string
	for _, r := range b.board().Services {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// shows waits for what a host's board shows.
func (e pair) shows(b box, want string) {
	b.Helper()
	b.until("its board shows "+want, func() string {
		if got := e.board(b); got != want {
			return got
		}
		return ""
	})
	if want != "" {
		b.well(strings.Fields(want)...)
	}
}

// run is which run of a unit this is, with its process.
func (b box) run(unit string) string {
	b.Helper()
	return b.sh("systemctl show -P InvocationID -P MainPID -P ActiveState " + unit)
}

const (
	appRuns = "app-0 app-1 app-2 app-3 everywhere"
	webRuns = "everywhere web-0 web-1 web-2 web-3"
)

var hostsTests = []struct {
	name string
	f    func(pair)
}{
	{"each runs its own", func(e pair) {
		e.shows(e.app(), appRuns)
		e.shows(e.web(), webRuns)
		e.app().sh("! test -e " + unitDir + "/web-0.service")
		e.web().sh("! test -e " + unitDir + "/app-0.service")
	}},
	{"one moves: it starts there, and goes on here with nobody to look after it", func(e pair) {
		app, web := e.app(), e.web()
		was, before := app.run("app-0"), app.history("")
		e.runs("app-0", "web")
		e.shows(web, "app-0 "+webRuns)
		e.shows(app, "app-1 app-2 app-3 everywhere")
		app.until("it says so", func() string {
			if r := app.evenkeel("changes", "--since", "1h"); strings.Count(r.out, "let go: it is declared for other hosts now (role=\"web\")") != 1 {
				return r.out + r.err
			}
			return ""
		})
		app.log("evenkeel", "a service is let go")
		app.sh("systemctl is-enabled -q app-0 && test -e " + unitDir + "/app-0.service && systemctl is-active -q app-0")
		if now := app.run("app-0"); now != was {
			app.Errorf("it was %s, and is %s", was, now)
		}
		app.sh("systemctl kill -s KILL app-0")
		app.must(0, "reconcile")
		app.sh("systemctl is-failed -q app-0 && systemctl reset-failed app-0 && systemctl start app-0")
		if did := app.since(before, ""); len(did) > 0 {
			app.Errorf("something was done here: %v", verbs(did))
		}
		if p := app.diff(); !p.InSync {
			app.Errorf("the host is not in sync: %+v", p)
		}
		if r := app.evenkeel("why", "app-0"); !strings.Contains(r.out, "declared for other hosts than this one") {
			app.Errorf("why says %s%s", r.out, r.err)
		}
	}},
	{"it moves back: what runs goes on, and what evenkeel wrote is no human's", func(e pair) {
		app := e.app()
		was, before := app.run("app-0"), app.history("")
		e.runs("app-0", "app")
		e.shows(app, appRuns)
		e.shows(e.web(), webRuns)
		if now := app.run("app-0"); now != was {
			app.Errorf("it was %s, and is %s", was, now)
		}
		e.runs("app-0", "app", "Nice=3")
		app.comes("grep -qx Nice=3 " + unitDir + "/app-0.service")
		app.held("app-0", "PendingRestart")
		app.until("nothing is under way", func() string {
			if did := app.history(""); did[len(did)-1].Outcome == "" {
				return did[len(did)-1].String()
			}
			return ""
		})
		app.only(app.since(before, ""), "file.write UnitFileDrift", "systemd.daemon-reload DaemonReloadNeeded")
		if now := app.run("app-0"); now != was {
			app.Errorf("it was %s, and is %s", was, now)
		}
		if out := app.sh("evenkeel displaced list"); strings.Contains(out, "app-0") {
			app.Errorf("evenkeel's own version was displaced: %s", out)
		}
		app.must(0, "restart", "--pending")
		app.well("app-0")
	}},
	{"a typo in many matchers lets go of nothing", func(e pair) {
		app := e.app()
		before, was := app.history(""), app.run("app-3")
		app.sh("systemctl kill -s STOP evenkeel")
		for _, n := range []string{"app-1", "app-2", "app-3"} {
			e.runs(n, "ap")
		}
		app.sh("systemctl kill -s CONT evenkeel")
		app.until("it is held", func() string {
			for _, h := range app.diff().Held {
				if h.Object == "Service/app-3" && h.Reason == "Shrunk" && strings.Contains(h.Detail, "3 of 5 services are declared for other hosts now") {
					return ""
				}
			}
			return fmt.Sprint(app.diff().Held)
		})
		for _, n := range []string{"app-1", "app-2", "app-3"} {
			e.runs(n, "app")
		}
		e.shows(app, appRuns)
		if did := app.since(before, ""); len(did) > 0 || app.run("app-3") != was {
			app.Errorf("did %v", verbs(did))
		}
	}},
	{"a host that leaves the environment lets go of all, once a human says that this is meant", func(e pair) {
		web := e.web()
		before, was := web.history(""), web.run("web-0")
		web.write(policyFile, labeled("web", "spare", ""))
		e.shows(web, "")
		web.until("it is held", func() string {
			if h := web.diff().Held; len(h) != 5 || h[0].Reason != "Shrunk" {
				return fmt.Sprint(h)
			}
			return ""
		})
		web.write(policyFile, labeled("web", "spare", "shrink: 1\n"))
		web.until("all are let go", func() string {
			if p := web.diff(); !p.InSync {
				return fmt.Sprint(p.Held)
			}
			return ""
		})
		if r := web.evenkeel("changes", "--since", "1h", "-o", "json"); strings.Count(r.out, "this host no longer belongs to environment production") != 5 {
			web.Errorf("changes: %s", r.out)
		}
		web.write(policyFile, labeled("web", "prod", ""))
		e.shows(web, webRuns)
		if did := web.since(before, ""); len(did) > 0 || web.run("web-0") != was {
			web.Errorf("did %v", verbs(did))
		}
		e.shows(e.app(), appRuns)
	}},
	{"a label of the host moves what it chooses", func(e pair) {
		app, web := e.app(), e.web()
		was := app.run("app-0")
		app.write(policyFile, labeled("web", "prod", "shrink: 1\n"))
		e.shows(app, webRuns)
		app.sh("systemctl is-active -q web-3 app-0")
		if now := app.run("app-0"); now != was {
			app.Errorf("it was %s, and is %s", was, now)
		}
		e.shows(web, webRuns)
	}},
}
