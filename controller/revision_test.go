package controller_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/controller/rehearse/sim"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A commit that breaks what it touched goes back inside of its time, is not put in
// force again, and is reverted in git once. One that mends it goes on.
func TestABadRevisionGoesBack(t *testing.T) {
	for _, c := range []struct {
		what   string
		pushed string
		breaks func(*rig)
		within time.Duration
	}{
		{"a unit file that cannot be started", strings.Replace(estate("web"), "/bin/web", "/no/web", 1), nil, time.Minute},
		{"a service that crashes at once", estate("crash"), func(r *rig) { r.host.Behave("/bin/crash", sim.Program{Exits: true, Code: 1}) }, time.Minute},
		{"a service that crashes after a while, again and again", estate("crash"), func(r *rig) {
			r.host.Behave("/bin/crash", sim.Program{Exits: true, Code: 1, After: 5 * time.Second})
		}, 2 * time.Minute},
		{"a service that hangs", estate("new"), func(r *rig) { r.sick("web.service", sim.Hung, 1) }, 2 * time.Minute},
		{"a service that is never ready", estate("new"), func(r *rig) { r.sick("web.service", sim.Unready, 1) }, 4 * time.Minute},
		{"something else where the service was", estate("new"), func(r *rig) { r.sick("web.service", sim.Wrong, 1) }, 4 * time.Minute},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := follow(t, estate("web"))
				r.run()
				defer r.judged()
				time.Sleep(2 * time.Minute)
				r.inForce("r1", false)
				if c.breaks != nil {
					c.breaks(r)
				}
				r.push("r2", c.pushed)
				time.Sleep(c.within)
				r.inForce("r1", false)
				time.Sleep(2 * time.Minute)
				if got := r.active("web.service"); got != "active" {
					t.Errorf("web is %s after the return\n%s\n%s", got, r.plan(), r.history())
				}
				if len(r.git.asks) != 1 || r.git.asks[0].Args["commit"] != "r2" || r.git.asks[0].Args["base"] != "r1" || r.git.asks[0].Key == "" {
					t.Errorf("reverts: %+v\n%s\n%s", r.git.asks, r.plan(), r.history())
				}
				time.Sleep(20 * time.Minute)
				r.inForce("r1", false)
				if n := r.rollbacks(); n != 1 || len(r.git.asks) != 1 {
					t.Errorf("%d rollbacks and %d reverts, want one of each\n%s", n, len(r.git.asks), r.history())
				}
				if _, ok := r.past().Quarantined["r2"]; !ok {
					t.Error("the bad revision is not quarantined")
				}
				r.push("r3", estate("web2"))
				time.Sleep(6 * time.Minute)
				r.inForce("r3", false)
				r.want("")
			})
		})
	}
}

// What the commit did not touch, and what was not well before, takes nothing back.
func TestAnUnrelatedSicknessTakesNothingBack(t *testing.T) {
	for _, c := range []struct {
		what   string
		before func(*rig)
		after  func(*rig)
		extra  time.Duration // how much longer the proof takes
		pushed string        // empty: another web
		open   string        // what could not be judged
	}{
		{"another service dies", nil, func(r *rig) {
			r.host.Behave("/bin/mail", sim.Program{Exits: true, Code: 1})
			r.must(r.host.Exit("mail.service", 1))
		}, 0, "", ""},
		{"another service hangs", nil, func(r *rig) { r.sick("mail.service", sim.Hung, 5) }, 0, "", ""},
		{"nothing answers any more", nil, func(r *rig) {
			r.host.SetNetwork(sim.Lost)
			time.Sleep(90 * time.Second)
			r.host.SetNetwork(sim.Whole)
		}, 2 * time.Minute, strings.Replace(estate("web"), "/bin/mail", "/bin/newmail", 1), ""},
		{"a human stops it", nil, func(r *rig) { r.must(r.host.Stop("web.service")) }, 0, "", "web"},
		{"a human works on it", nil, func(r *rig) {
			_, err := r.control.Hand(context.Background(), hand.Request{Verb: hand.Suspend, Objects: []string{"Service/web"}, For: 3 * time.Minute, Actor: "amina"})
			r.must(err)
			r.sick("web.service", sim.Hung, 0)
			time.Sleep(2 * time.Minute)
			r.host.Recover("web.service")
		}, time.Minute, "", ""},
		{"it was not ready before", func(r *rig) { r.sick("web.service", sim.Unready, 5) }, nil, 0, "", "web"},
		{"what it rests on hangs, and it is not ready for it", nil, func(r *rig) {
			r.sick("db.service", sim.Hung, 99)
			r.sick("web.service", sim.Unready, 99)
			time.Sleep(3 * time.Minute)
			r.host.Recover("db.service")
			r.host.Recover("web.service")
		}, 2 * time.Minute, "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := follow(t, estate("web"))
				r.run()
				defer r.judged()
				time.Sleep(2 * time.Minute)
				if c.before != nil {
					c.before(r)
					time.Sleep(2 * time.Minute)
				}
				r.push("r2", cmp.Or(c.pushed, estate("new")))
				time.Sleep(10 * time.Second)
				r.inForce("r2", true)
				if c.after != nil {
					c.after(r)
				}
				time.Sleep(4*time.Minute + c.extra)
				if n := r.rollbacks(); n != 0 {
					t.Errorf("%d rollbacks\n%s", n, r.history())
				}
				time.Sleep(2 * time.Minute)
				r.inForce("r2", false)
				all := r.past().Confirmed
				if _, names, _ := strings.Cut(all[len(all)-1].Unjudged, ": "); names != c.open {
					t.Errorf("not judged: %q, want %q", names, c.open)
				}
			})
		})
	}
}

func (r *rig) sick(unit string, how sim.Sickness, more int) {
	r.t.Helper()
	r.must(r.host.FallSick(unit, how, more))
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// The program by which the environment judges takes a revision back where it fails
// twice, and once is chance.
func TestTheEnvironmentVerifies(t *testing.T) {
	failed := actuators.Errorf(actuators.Failed, "exit status 1: checkout is broken")
	for _, c := range []struct {
		what string
		ends []error
		back bool
		runs int
	}{
		{"it passes", nil, false, 1},
		{"it fails once", []error{failed}, false, 2},
		{"it fails", []error{failed, failed}, true, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := follow(t, estate("web"))
				r.run()
				defer r.judged()
				time.Sleep(2 * time.Minute)
				r.program.ends = c.ends
				set := r.revision("r2", estate("new"))
				set.Rollout.Verify = &desired.Argv{Argv: []string{"/bin/verify", "--all"}}
				r.branch.wants("r2")
				r.branch.offer(set, nil)
				time.Sleep(6 * time.Minute)
				if back := r.past().Revision.Name == "r1"; back != c.back || r.program.runs != c.runs {
					t.Errorf("taken back: %v, want %v; %d runs, want %d\n%s\n%s", back, c.back, r.program.runs, c.runs, r.plan(), r.history())
				}
				if _, left := r.past().Quarantined["r2"]; left != c.back {
					t.Errorf("quarantined: %v", left)
				}
			})
		})
	}
}

// The time of the proof goes on over a kill, and over a reboot.
func TestTheProofOutlivesTheProcess(t *testing.T) {
	for _, reboot := range []bool{false, true} {
		t.Run(fmt.Sprintf("reboot %v", reboot), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := follow(t, estate("web"))
				r.run()
				time.Sleep(2 * time.Minute)
				r.push("r2", estate("new"))
				time.Sleep(time.Minute)
				r.inForce("r2", true)
				r.stop()
				if reboot {
					r.host.Reboot()
				}
				time.Sleep(time.Minute)
				r.run()
				defer r.judged()
				r.inForce("r2", true)
				r.sick("web.service", sim.Hung, 1)
				time.Sleep(2 * time.Minute)
				r.inForce("r1", false)
				if n := r.rollbacks(); n != 1 {
					t.Errorf("%d rollbacks\n%s", n, r.history())
				}
			})
		})
	}
}

// What came while evenkeel was down is taken up before everybody's eyes: what was
// in force is looked at first.
func TestACommitThatCameMeanwhileProvesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		time.Sleep(2 * time.Minute)
		r.stop()
		r.branch.set = r.revision("r2", estate("new"))
		r.branch.wants("r2")
		r.run()
		defer r.judged()
		time.Sleep(time.Minute)
		r.inForce("r2", true)
		if on := r.past().Provisional; !slices.Equal(on.Well, []string{"Service/web"}) || on.From != "r1" {
			t.Errorf("%+v", on)
		}
	})
}

// A human's word on the revision stands until he takes it back.
func TestAPinStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		time.Sleep(2 * time.Minute)
		r.push("r2", estate("new"))
		time.Sleep(6 * time.Minute)
		r.inForce("r2", false)
		ask := func(req hand.Request) {
			t.Helper()
			req.Actor = "amina"
			if _, err := r.control.Hand(context.Background(), req); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		ask(hand.Request{Verb: hand.Rollback, Why: "the new one is slow"})
		r.inForce("r1", false)
		if p := r.past().Pinned; p == nil || p.Name != "r1" || p.Actor != "amina" {
			t.Fatalf("pinned: %+v", p)
		}
		r.push("r3", estate("newer"))
		time.Sleep(5 * time.Minute)
		r.inForce("r1", false)
		r.stop()
		r.run()
		defer r.judged()
		r.inForce("r1", false)
		ask(hand.Request{Verb: hand.Rollback, Names: []string{"r2"}})
		r.inForce("r2", false)
		ask(hand.Request{Verb: hand.Resume, Objects: []string{hand.Host}})
		r.inForce("r3", true)
		time.Sleep(6 * time.Minute)
		r.inForce("r3", false)
		r.want("")
	})
}

// What is to be in force and cannot be read stops everything: nothing is guessed.
func TestALostRevisionStopsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		time.Sleep(2 * time.Minute)
		r.sick("web.service", sim.Hung, 1)
		r.branch.lose(errDisk)
		r.push("r2", estate("new"))
		time.Sleep(3 * time.Minute)
		if got := r.plan(); !strings.Contains(got, "held SourceRefused") {
			t.Errorf("plan:\n%s", got)
		}
		n := len(r.store.steps())
		r.must(r.host.Exit("mail.service", 1))
		time.Sleep(time.Minute)
		if len(r.store.steps()) != n {
			t.Errorf("something was done:\n%s", r.history())
		}
		r.branch.lose(nil)
		time.Sleep(2 * time.Minute)
		r.inForce("r1", false)
		r.stop()
		if got := r.active("mail.service"); got != "active" {
			t.Errorf("mail is %s", got)
		}
	})
}

// What the branch says and must not be believed changes nothing, and shows.
func TestARefusedCommitShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		defer r.judged()
		time.Sleep(time.Minute)
		r.branch.mu.Lock()
		r.branch.standing.Refused, r.branch.standing.Detail = state.SourceRefused, "commit r2 is not signed"
		r.branch.mu.Unlock()
		r.branch.offer(r.branch.set, nil)
		r.quiet()
		r.want("Host/sim held SourceRefused")
		r.must(r.host.Exit("mail.service", 1))
		time.Sleep(time.Minute)
		if got := r.active("mail.service"); got != "active" {
			t.Errorf("mail is %s: what is in force must be kept all the same", got)
		}
	})
}

// Where a return cannot be, or is not allowed, a human is called, and nothing else
// happens.
func TestWhatCannotBeTakenBack(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*desired.Set)
		want   string
	}{
		{"it is irreversible", func(s *desired.Set) {
			for i := range s.Objects {
				s.Objects[i].Metadata.Annotations = map[string]string{desired.Irreversible: "true"}
			}
		}, "held Escalated"},
		{"it wrote over a file of somebody's", func(s *desired.Set) {
			web, _ := s.Service("web")
			web.Files = []desired.Artifact{{Path: "/etc/web.conf", Content: []byte("ours"), Digest: desired.Digest([]byte("ours")), Mode: 0o644, Owner: "root", Group: "root"}}
		}, "held Escalated"},
		{"policy asks for approval", func(s *desired.Set) { s.Policy.Actions = map[string]string{"rollback": desired.Approve} }, "held AwaitingApproval"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := follow(t, estate("web"))
				r.run()
				defer r.judged()
				time.Sleep(2 * time.Minute)
				r.host.Behave("/bin/crash", sim.Program{Exits: true, Code: 1})
				r.must(r.host.Write("/etc/web.conf", "somebody's"))
				set := r.revision("r2", estate("crash"))
				set.Policy.Actions = maps.Clone(set.Policy.Actions)
				c.change(set)
				r.branch.wants("r2")
				r.branch.offer(set, nil)
				time.Sleep(2 * time.Minute)
				if got := r.plan(); !strings.Contains(got, "Host/sim "+c.want) || r.rollbacks() != 0 {
					t.Errorf("plan:\n%s\nhistory:\n%s", got, r.history())
				}
			})
		})
	}
}

// A remedy may be the revision before, long after the one in force was confirmed: where
// that had changed the service, and not else.
func TestARemedyIsTheRevisionBefore(t *testing.T) {
	for _, sick := range []string{"web", "mail"} {
		t.Run(sick, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ladder := "remedies: [{do: rollback}, {do: escalate}]"
				yaml := func(web string) string { return estate(web, ladder) + service("post", live, ladder) }
				r := follow(t, yaml("web"))
				r.run()
				defer r.judged()
				time.Sleep(2 * time.Minute)
				r.push("r2", yaml("new"))
				time.Sleep(20 * time.Minute)
				r.inForce("r2", false)
				unit, back := sick+".service", "r1"
				if sick == "mail" {
					unit, back = "post.service", "r2"
				}
				r.sick(unit, sim.Hung, 0)
				time.Sleep(3 * time.Minute)
				r.inForce(back, false)
			})
		})
	}
}

// Where a return does not help, the commit may not have been the cause: it is not
// reverted, a human is called, and nothing goes back any further.
func TestAReturnThatDoesNotHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		defer r.judged()
		time.Sleep(2 * time.Minute)
		r.push("r2", estate("new"))
		time.Sleep(10 * time.Second)
		r.sick("web.service", sim.Hung, 99)
		time.Sleep(10 * time.Minute)
		r.inForce("r1", false)
		if n := r.rollbacks(); n != 1 || len(r.git.asks) != 0 {
			t.Errorf("%d rollbacks, %d reverts\n%s", n, len(r.git.asks), r.history())
		}
		if got := r.plan(); !strings.Contains(got, "Host/sim held Escalated") {
			t.Errorf("plan:\n%s", got)
		}
		told := 0
		for _, line := range r.told.lines {
			if strings.Contains(line, "that did not help") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("told %d times: %v", told, r.told.lines)
		}
	})
}

// What was spent of limits before a commit changed a service is no reason to let what
// mends it wait.
func TestWhatIsDeclaredAnewGetsItsFirstAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.run()
		defer r.judged()
		time.Sleep(2 * time.Minute)
		r.host.Behave("/bin/web", sim.Program{Exits: true, Code: 1})
		r.must(r.host.Exit("web.service", 1))
		time.Sleep(5 * time.Minute)
		if got := r.plan(); !strings.Contains(got, "Service/web held BudgetSpent") {
			t.Fatalf("plan:\n%s", got)
		}
		r.push("r2", estate("mended"))
		time.Sleep(10 * time.Second)
		if got := r.active("web.service"); got != "active" {
			t.Errorf("web is %s\n%s\n%s", got, r.plan(), r.history())
		}
	})
}

// turned is the actuator that moves the revision in force, as it is when evenkeel is
// killed while it works.
type turned struct{ turn.Turn }

func (turned) Apply(ctx context.Context, _ actuators.Request) (actuators.Result, error) {
	<-ctx.Done()
	return actuators.Result{}, ctx.Err()
}

// A return that is cut short is made when evenkeel is back, once.
func TestAReturnThatIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := follow(t, estate("web"))
		r.more["revision"] = turned{turn.Revision("test")}
		r.run()
		time.Sleep(2 * time.Minute)
		r.host.Behave("/bin/crash", sim.Program{Exits: true, Code: 1})
		r.push("r2", estate("crash"))
		time.Sleep(10 * time.Second)
		r.inForce("r2", true)
		r.stop()
		r.more["revision"] = turn.Revision("test")
		r.run()
		defer r.judged()
		time.Sleep(2 * time.Minute)
		r.inForce("r1", false)
		var ends []state.Status
		for _, l := range r.store.steps() {
			if l.Verb == "rollback" {
				ends = append(ends, l.Outcome)
			}
		}
		if !slices.Equal(ends, []state.Status{state.Cut, state.Done}) {
			t.Errorf("the return ended %q, want interrupted, then done\n%s", ends, r.history())
		}
	})
}
