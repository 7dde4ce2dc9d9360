package controller_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/turn"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// The metrics of an instance that an alert's runbook has started are read while it
// runs, and no longer.
func TestWhatAScaleStartsIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, service("web", "unit: web@.service", "replicas: {min: 1, max: 3}", `metrics: {httpGet: {port: "400$(instance)"}}`)+
			runbook("{do: scale, with: {service: web, by: 1}}", askForMore))
		r.source.set.Policy.Actions = map[string]string{"scale": desired.Auto}
		r.more = map[string]actuators.Actuator{"scale": turn.Scale("test"), "ask": turn.Ask("test")}
		r.host.SetAlerts(backlog, nil, "")
		r.run()
		defer r.judged()
		time.Sleep(2 * time.Minute)
		if got := r.eyes.reads(); got != "web@1.service" {
			t.Fatalf("read are %s", got)
		}
		r.burn(func(a *state.ActiveAlert) { a.Labels["service"] = "web" })
		time.Sleep(30 * time.Second)
		if got := r.eyes.reads(); got != "web@1.service web@2.service" {
			t.Errorf("scaled, read are %s\n%s\n%s", got, r.plan(), r.history())
		}
		r.closes()
		time.Sleep(time.Second)
		if got := r.eyes.reads(); got != "web@1.service" {
			t.Errorf("scaled back, read are %s", got)
		}
	})
}
