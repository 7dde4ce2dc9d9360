package controller_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/controller/hand"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What a runbook moves of what is wanted, and for how long.

// What is declared stopped, and kept ready, is started for an alert by a human's word
// alone. Then it runs on when the alert is over, until its declaration says something
// else, or a human stops it.
func TestAServiceKeptReadyIsStartedByApproval(t *testing.T) {
	wake := func(t *testing.T) *rig {
		r, _ := shopWith(t, service("pool", "state: stopped", "boot: disabled"), "{do: start, with: {service: pool}, approve: always}")
		r.burn()
		time.Sleep(5 * time.Minute)
		if now := r.active("pool.service"); now != "inactive" {
			t.Fatalf("nobody said yes, and it is %s\n%s", now, r.history())
		}
		if ids := r.approve(); len(ids) != 1 {
			t.Fatalf("%q wait for approval\n%s", ids, r.plan())
		}
		time.Sleep(time.Minute)
		r.closes()
		if now := r.active("pool.service"); now != "active" || !slices.Equal(r.steps(), []string{"state.set"}) {
			t.Fatalf("%s after a yes, and %q\n%s\n%s", now, r.steps(), r.plan(), r.history())
		}
		return r
	}
	for _, c := range []struct {
		what string
		then func(r *rig)
		is   string
	}{
		{"it fails", func(r *rig) { r.must(r.host.Kill("pool.service", "KILL")) }, "active"},
		{"a human stops it", func(r *rig) {
			_, err := r.control.Hand(context.Background(), hand.Request{Verb: hand.Stop, Objects: []string{"Service/pool"}, Actor: "amina"})
			r.must(err)
		}, "inactive"},
		{"it is declared running, and stopped again", func(r *rig) {
			for _, says := range []string{desired.Running, desired.Stopped} {
				set := *r.source.set
				set.Services = slices.Clone(set.Services)
				for i := range set.Services {
					if set.Services[i].Name == "pool" {
						set.Services[i].Spec.State = says
						set.Revision = says
					}
				}
				r.source.offer(&set, nil)
				time.Sleep(time.Minute)
			}
		}, "inactive"},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := wake(t)
				defer r.judged()
				c.then(r)
				time.Sleep(24 * time.Hour)
				if now := r.active("pool.service"); now != c.is {
					t.Errorf("it is %s, want %s\n%s\n%s", now, c.is, r.plan(), r.history())
				}
			})
		})
	}
}

// What a runbook scaled goes back as soon as its Case closes, and not when the host is
// looked at next.
func TestWhatWasScaledGoesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("worker", "unit: worker@.service", "replicas: {min: 1, max: 3}")+service("web", live)+
			runbook("{do: scale, with: {service: worker, to: 3}, verify: {expr: "+short+", within: 5m}}"))
		defer r.judged()
		r.source.set.Policy.Actions = map[string]string{"scale": desired.Auto}
		r.more = map[string]actuators.Actuator{"scale": turn.Scale("test")}
		r.host.SetAlerts(backlog, nil, "")
		r.host.SetQuery(short, state.QueryResult{Yes: true}, "")
		r.run()
		time.Sleep(2 * time.Minute)
		r.burn()
		time.Sleep(30 * time.Second)
		if r.active("worker@3.service") != "active" {
			t.Fatalf("it is not scaled\n%s\n%s", r.plan(), r.history())
		}
		r.over()
		time.Sleep(2*time.Minute + 5*time.Second)
		for unit, want := range map[string]string{"worker@1.service": "active", "worker@2.service": "inactive", "worker@3.service": "inactive"} {
			if got := r.active(unit); got != want {
				t.Errorf("%s is %s, want %s\n%s", unit, got, want, r.history())
			}
		}
	})
}
