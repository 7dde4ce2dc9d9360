package live_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// quickAlerts makes the example's rules fire within seconds, and its runbooks judge
// within seconds: a test need not wait for what an operator may.
const quickAlerts = `
	cd /etc/evenkeel/desired/alerts
	sed -i 's/for: [0-9]*m/for: 4s/; s/interval: 15s/interval: 1s/; s/lag_seconds > 60/lag_seconds > 3/; s/\[[0-9]*m\]/[10s]/g' rules/*.yaml
	sed -i 's/lag_seconds < 60/lag_seconds < 3/; s/settle: [0-9]*s/settle: 2s/; s/over: [0-9]m/over: 3s/; s/\[[0-9]*m\]/[10s]/g' *.yaml
	sed -i 's/within: [0-9]*m/within: 8s/' postgres-connections.yaml fraud-queue-backlog.yaml
	cd .. && sed -i 's/interval: 15s/interval: 1s/; s/periodSeconds: 5/periodSeconds: 1/; s/^  metrics: {\(.*\)}$/  metrics: {\1, interval: 1s}/' *.yaml services/*.yaml
	sed -e "s/name: app-1/name: $(hostname)/" policy.example >/etc/evenkeel/policy.yaml`

// remedied is one of the example's eight alerts on its way through evenkeel, and what
// evenkeel does about it: its runbook's steps, and what follows from them.
type remedied struct {
	alert, service string
	run            func(b box, r remedied)
	acts           []string
}

// The eight, in rounds: what an alert's service rests on must have none of its own
// meanwhile, for then it is held. Evidence is gathered all the same.
var rounds = []struct {
	name string
	all  []remedied
}{
	{"what all rest on", []remedied{
		{"meilisearch_index_lag", "meilisearch", meilisearchLags, []string{"systemd.restart meilisearch.service"}},
		{"redis_memory", "redis", redisFills, []string{"cache.flush pages"}},
		{"postgres_connections", "postgresql", connectionsLeak, []string{"postgres.terminate main", "systemd.restart pakashop-backend.service", "state.set pgbouncer", "systemd.start pgbouncer.service"}},
	}},
	{"what customers meet", []remedied{
		{"api_p95_latency", "pakashop-backend", ordersWait, []string{"postgres.terminate main"}},
		{"fraud_queue_backlog", "pakashop-fraud", reviewsPile, slices.Concat(
			[]string{"scale.set pakashop-fraud-worker", "scale.set pakashop-fraud-worker"}, workers("enable", 2, 3, 4), workers("start", 2, 3, 4))},
		{"unhandled_exception", "pakashop-loyalty", exceptionIsMet, nil},
		{"zra_transmission_failure", "pakashop-invoicing", invoicesFail, []string{"exec.run /usr/local/lib/pakashop/zra-mock"}},
		{"payment_error_rate", "pakashop-settlement", paymentsFail, nil},
	}},
}

// back is what follows when the alert about the queue has been over for a while.
var back = slices.Concat(workers("stop", 2, 3, 4), workers("disable", 2, 3, 4))

func workers(verb string, numbers ...int) (acts []string) {
	for _, n := range numbers {
		acts = append(acts, fmt.Sprintf("systemd.%s pakashop-fraud-worker@%d.service", verb, n))
	}
	return acts
}

// The example's eight alerts from their cause to their end: they fire by rules that
// evenkeel evaluates, their runbooks gather evidence and do what people did, the
// effect is verified, the alerts resolve, and the Cases close. The record tells it,
// and of nothing else that was done.
func TestAlertsAreRemedied(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "remedied")
	b.sh(impatient)
	b.sh(quickAlerts)
	b.keep()
	b.allWell()
	b.sh("sh " + desiredDir + "/prepare && systemd-run -q -u customers /usr/local/lib/pakashop/service customers")
	b.comes("evenkeel alerts --all | grep -c ^quiet | grep -qx 8") // all rules are evaluated
	before := b.acted()
	var want []string
	for _, round := range rounds {
		t.Run(round.name, func(t *testing.T) {
			for _, r := range round.all {
				t.Run(r.alert, func(t *testing.T) {
					want = append(want, r.acts...)
					t.Parallel()
					b := b.on(t)
					r.run(b, r)
					b.over(r)
				})
			}
		})
	}
	b.afterwards()
	if slices.Contains(want, "scale.set pakashop-fraud-worker") {
		want = append(want, back...)
		b.comes("! systemctl is-active pakashop-fraud-worker@2 pakashop-fraud-worker@3 pakashop-fraud-worker@4 && systemctl is-active pakashop-fraud-worker@1")
	}
	b.until("nothing was done but what the runbooks say", func() string {
		did := b.acted()[len(before):]
		slices.Sort(did)
		slices.Sort(want)
		if !slices.Equal(did, want) {
			return fmt.Sprintf("did  %q\nwant %q", did, want)
		}
		return ""
	})
	b.allWell()
}

// acted lists all that was done, but for evidence, which changes nothing, and for
// reading unit files again.
func (b box) acted() (acts []string) {
	b.Helper()
	for line := range strings.Lines(b.must(0, "history", "-n", "10000").out) {
		if m := acting.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "gather.") && m[1] != "systemd.daemon-reload" {
			acts = append(acts, strings.TrimSpace(m[1]+" "+m[2]))
		}
	}
	return acts
}

// acting finds the action in a line of history, which ended well.
var acting = regexp.MustCompile(`(?:Service|Host)/\S+ +([a-z]+\.[a-z-]+)(?: (\S+))? +[A-Z][A-Za-z]+ +done `)

// afterwards lets the time pass in which what is over is watched: evenkeel ends, and
// begins again with clocks that are so far ahead. Every Case of an alert closes.
func (b box) afterwards() {
	b.Helper()
	b.write("/run/systemd/system/evenkeel.service", strings.Replace(keeperUnit, "ExecStart=", "ExecStart=/usr/bin/unshare --time --boottime 150 --monotonic 150 ", 1))
	b.sh("systemctl daemon-reload && systemctl restart evenkeel")
	b.comes("evenkeel alerts --all -o json | jq -e '.alerts == [] and .over == [] and .unknown == []'")
}

// activeAlert is what `alerts NAME -o json` tells of one.
type activeAlert struct {
	Name, State, Object, Case, Runbook string
	Suppressed                         *struct{ By, Detail string }
	Evidence                           []struct{ What, Text string }
	Actions                            []struct{ Action, Outcome string }
	Held                               []struct {
		Reason, Detail string
		Steps          []string
	}
}

// alert reads an alert, active or over; it has no name where there is none.
func (b box) alert(name string) (a activeAlert) {
	b.Helper()
	r := b.evenkeel("alerts", name, "-o", "json")
	if r.code == 4 {
		return a
	}
	var all struct{ Alerts, Over []activeAlert }
	if err := json.Unmarshal([]byte(r.out), &all); err != nil {
		b.Fatalf("alerts %s: exit %d: %v\n%s", name, r.code, err, r.err)
	}
	return slices.Concat(all.Alerts, all.Over)[0]
}

// tells waits until an alert has evidence with all of some words in it.
func (b box) tells(r remedied, words ...string) {
	b.Helper()
	b.until(r.alert+" tells of it", func() string {
		a, text := b.alert(r.alert), ""
		for _, e := range a.Evidence {
			text += e.What + "\n" + e.Text + "\n"
		}
		for _, w := range words {
			if !regexp.MustCompile(w).MatchString(text) {
				return fmt.Sprintf("no %s in what %+v has brought to light:\n%s", w, a, text)
			}
		}
		return ""
	})
}

// stepped waits until a step of an alert's runbook is done.
func (b box) stepped(r remedied, action string) {
	b.Helper()
	b.until(r.alert+" has done "+action, func() string {
		a := b.alert(r.alert)
		for _, d := range a.Actions {
			if strings.HasPrefix(d.Action, action) && d.Outcome == "done" {
				return ""
			}
		}
		return fmt.Sprintf("%+v", a)
	})
}

// waits waits until an alert waits, for a reason and with some words, reads what is said
// of that, and returns what a human may approve.
func (b box) waits(r remedied, reason, words string) (steps []string) {
	b.Helper()
	b.until(r.alert+" waits: "+reason, func() string {
		a := b.alert(r.alert)
		for _, h := range a.Held {
			if h.Reason == reason && strings.Contains(h.Detail, words) {
				steps = h.Steps
				return ""
			}
		}
		return fmt.Sprintf("%+v", a)
	})
	b.legible("why", r.service)
	b.legible("alerts")
	return steps
}

// over waits until an alert is over, and reads all that is said of it as somebody does
// at three in the morning.
func (b box) over(r remedied) {
	b.Helper()
	b.until(r.alert+" is over", func() string {
		if a := b.alert(r.alert); a.State != "over" {
			return fmt.Sprintf("%+v", a)
		}
		return ""
	})
	b.legible("alerts", r.alert)
	b.legible("why", r.service)
	b.legible("history", r.service)
	for _, s := range b.history(r.service) {
		if s.Reason == "Alert" && (s.Outcome != "done" || s.Case == "" || s.Detail == "") {
			b.Errorf("history tells %s, of %q", s, s.Case)
		}
	}
}

// legible prints what a verb says, and complains of what no one wants to read then.
func (b box) legible(args ...string) {
	b.Helper()
	r := b.must(0, args...)
	b.Logf("evenkeel %s\n%s", strings.Join(args, " "), r.out)
	if m := machine.FindString(r.out); m != "" {
		b.Errorf("evenkeel %s says %q", strings.Join(args, " "), m)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(r.out) {
		if text := strings.TrimSpace(line); len(text) > 30 && seen[text] && args[0] == "why" {
			b.Errorf("evenkeel %s says twice: %s", strings.Join(args, " "), text)
		} else {
			seen[text] = true
		}
	}
}

// machine is what machines say to each other.
var machine = regexp.MustCompile(`\b(rate|sum|increase|histogram_quantile)\(|declared=|argv=|units=|__name__|exported_|1h0m0s|\{\}`)
