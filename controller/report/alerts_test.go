package report

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// alarmed is a host with an alert of each kind, and a source that does not answer.
func alarmed() *host {
	h := newHost(app("redis"), app("pakashop-pay", "redis"))
	h.Want.Runbooks = []desired.Runbook{{Name: "redis-memory", Spec: desired.RunbookSpec{Match: []string{`alertname="RedisMemoryHigh"`}}}}
	active := func(name, service string, firing bool, blind string) state.ActiveAlert {
		labels := map[string]string{"alertname": name, "service": service, "severity": "critical"}
		return state.ActiveAlert{
			ID: state.AlertID(labels), Name: name, Firing: firing, Since: noon.Add(-time.Hour), Labels: labels, Blind: blind,
			Annotations: map[string]string{"impact": "keys are evicted\x1b[31m soon", "action": "look at who fills it", "summary": "82 %"},
		}
	}
	memory, pay := active("RedisMemoryHigh", "redis", true, ""), active("PaymentErrors", "pakashop-pay", true, "")
	down, disk := active("Down", "redis", true, "it rests on data that are absent"), active("DiskFull", "nobody", false, "")
	h.Have.Alerts = map[string]state.Fact[state.Alerts]{
		"rule/redis/RedisMemoryHigh": {At: moment(0), Value: state.Alerts{Active: []state.ActiveAlert{memory}}},
		"rule/pay/PaymentErrors":     {At: moment(0), Value: state.Alerts{Active: []state.ActiveAlert{pay, disk, down}}},
		"alertmanager":               {At: moment(0), Err: "nothing was received\u202e"},
		"rule/redis/RedisDown":       {At: moment(0)},
	}
	unit := "RedisMemoryHigh/" + memory.ID
	c := h.Past.NewCase("Service/redis", unit, state.Alert, moment(-30*time.Minute))
	c.Tried = []state.Tried{
		{Rung: 1, Step: "a1", Action: "gather.redis.ttls", Began: moment(-29 * time.Minute), Ended: moment(-28 * time.Minute), Status: state.Done},
		{Rung: 1, Round: 1, Step: "a3", Action: "gather.redis.ttls", Began: moment(-25 * time.Minute), Ended: moment(-24 * time.Minute), Status: state.StepFailed, Detail: "redis did not answer\x1b[2J"},
		{Rung: 2, Step: "a2", Action: "cache.flush pages", Began: moment(-20 * time.Minute)},
	}
	c.Gathered = []state.Gathered{{Rung: 1, What: "gather.redis.ttls", At: moment(-28 * time.Minute), Text: "cache:*   12000 keys, none ends\nsession:* 40 keys\x1b[2J"}}
	h.Past.Silences["silence-1"] = state.Silence{ID: "silence-1", Matchers: []string{`alertname="DiskFull"`}, Actor: "anna", Why: "it is being\x1b[1m moved", At: moment(0), For: time.Hour}
	h.Past.Cases[c.Key()] = c
	gone := state.NewAlertCase("Service/pakashop-pay", "rule/pay/Slow", state.ActiveAlert{ID: "0123456789", Name: "Slow"}, moment(-10*time.Minute))
	gone.Detail, gone.Runbook, gone.Well = "Slow: 95% take\x1b[31m 2s", "slow", moment(-time.Minute)
	gone.Tried = []state.Tried{
		{Rung: 1, Step: "b1", Action: "gather.metrics.query expr=sum(rate(x[5m])) title=how slow", Began: moment(-9 * time.Minute), Ended: moment(-9 * time.Minute), Status: state.Done, Detail: "how slow: 2s"},
		{Rung: 2, Step: "b2", Action: "postgres.terminate main declared=d1 over=2m0s", Began: moment(-8 * time.Minute), Ended: moment(-7 * time.Minute), Status: state.Done, Detail: "1 of 9 sessions ended"},
	}
	gone.Gathered = []state.Gathered{{Rung: 1, What: gone.Tried[0].Action, At: moment(-9 * time.Minute), Text: "how slow: 2s"}}
	h.Past.Cases[gone.Key()] = gone
	h.hold(
		state.Held{Object: "Alert/" + gone.Unit, Reason: state.Verifying, Detail: "it no longer fires, and is watched for a while", Until: until(time.Minute), Info: true},
		state.Held{Object: "Service/redis", Unit: unit, Reason: state.AwaitingApproval, Detail: "policy wants a human", Steps: []string{"3f9a1c20b7de"}, Until: until(time.Hour)},
		state.Held{Object: "Service/pakashop-pay", Unit: "PaymentErrors/" + pay.ID, Reason: state.DependencySick, Detail: "redis has an alert of its own"},
	)
	return h
}

func TestAlerts(t *testing.T) {
	a := alarmed().Alerts()
	st := Style{Now: noon}
	golden(t, "alerts.txt", []byte(a.Text(st, false, false)))
	golden(t, "alerts.wide", []byte(a.Text(st, true, true)))
	golden(t, "alerts.full", []byte(a.Full(st)))
	golden(t, "alerts.json", must(JSON(a))(t))
	for form, text := range map[string]string{"text": a.Text(st, false, true), "wide": a.Text(st, true, true), "full": a.Full(st)} {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s obeys: %q", form, text)
		}
	}
	if got := colours.ReplaceAllString(a.Full(Style{Now: noon, Color: true}), ""); got != a.Full(st) {
		t.Error("colour changes the text")
	}
}

// What is wrong with a service may be an alert alone: what its runbook waits for is said,
// and what has just ended is told as well.
func TestWhyTellsOfAlerts(t *testing.T) {
	h := alarmed()
	h.hold(state.Held{Object: "Service/pakashop-pay", Reason: state.Alert, Detail: "PaymentErrors: 82 %", Info: true})
	w, ok := h.Why("pakashop-pay", []HistoryLine{{Object: "Service/pakashop-pay", Actuator: "gather", Verb: "metrics.query", Reason: state.Alert}})
	if !ok {
		t.Fatal("it is not known")
	}
	golden(t, "why-alerts.txt", []byte(w.Text(Style{Now: noon})))
	if len(w.Alerts) != 2 || len(w.Alerts[1].Evidence) != 0 {
		t.Errorf("its alerts are %+v", w.Alerts)
	}
}

// What stands is listed until it ends, with what it matches.
func TestSilences(t *testing.T) {
	h := alarmed()
	h.Past.Silences["silence-0"] = state.Silence{ID: "silence-0", Matchers: []string{`a="b"`}, At: moment(-2 * time.Hour), For: time.Hour}
	h.Past.Silences["silence-2"] = state.Silence{ID: "silence-2", Matchers: []string{`service="redis"`, `severity=~"crit.*"`}, At: moment(0), For: time.Minute}
	golden(t, "silences.txt", []byte(h.Silences().Text(Style{Now: noon})))
	golden(t, "silences.json", must(JSON(h.Silences()))(t))
	h.Past.Silences = nil
	if got := h.Silences().Text(Style{}); got != "nothing is silenced\n" {
		t.Errorf("none: %q", got)
	}
}

// The board counts alerts only where there may be any.
func TestABoardCountsAlerts(t *testing.T) {
	h := alarmed()
	const line = "\nalerts: 2 firing, 0 pending, 2 suppressed, and 1 source unknown\n"
	if got := NewBoard(h.Want, h.Have, h.Past, h.Plan, h.Now).Text(Style{Now: noon}, false); !strings.HasSuffix(got, line) {
		t.Errorf("the board ends differently:\n%s", got)
	}
	h.Have.Alerts = nil
	if got := NewBoard(h.Want, h.Have, h.Past, h.Plan, h.Now).Text(Style{Now: noon}, false); strings.Contains(got, "alerts:") {
		t.Errorf("alerts without a source:\n%s", got)
	}
}

// A silence suppresses, and any other suspension only holds.
func TestASilenceSuppresses(t *testing.T) {
	for detail, want := range map[string]string{"silenced by anna until noon": "silence", "redis is suspended by anna": ""} {
		if got := suppressor(state.Held{Reason: state.Suspended, Detail: detail}); got != want {
			t.Errorf("%s: %q, want %q", detail, got, want)
		}
	}
}

func TestSomeAlerts(t *testing.T) {
	a := alarmed().Alerts()
	matchers, err := desired.ParseMatchers("service=redis")
	check(t, err)
	for _, c := range []struct {
		name     string
		matchers []desired.Matcher
		want     int
	}{{"", nil, 4}, {"Down", nil, 1}, {a.Alerts[0].ID, nil, 1}, {"", matchers, 2}, {"Down", matchers, 1}, {"DiskFull", matchers, 0}, {"nobody", nil, 0}} {
		if got := len(a.Only(c.name, c.matchers).Alerts); got != c.want {
			t.Errorf("%q %v: %d, want %d", c.name, c.matchers, got, c.want)
		}
	}
}
