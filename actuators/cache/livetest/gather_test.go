package livetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/state/observe/journal"
)

func (d db) gather(verb string) actuators.Request {
	return actuators.Request{
		Action:  actuators.Action{Actuator: gather.Name, Verb: verb, Target: "pages"},
		Content: fmt.Appendf(nil, `{"redis":{"address":%q,"db":%d,"patterns":["cache:*","session:*"]}}`, address, d.n),
	}
}

// says is what the plugin, as nobody, makes of a request.
func says(t *testing.T, r actuators.Request) string {
	t.Helper()
	res, err := actuatortest.Launch(t, host.Spec{Name: gather.Name, Role: gather.Name, User: "nobody"}).Apply(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res.Data["evidence"]
}

func mustSay(t *testing.T, evidence string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(evidence, want) {
			t.Errorf("no %q in\n%s", want, evidence)
		}
	}
}

func TestEvidenceOfARedis(t *testing.T) {
	d := newDB(t)
	d.put("cache:%d", 100)
	d.put("session:secret%d", 50)
	d.age("cache:1?", 2*time.Hour)
	got := says(t, d.gather("redis.ttls"))
	mustSay(t, got, "150 keys (all of them), 140 without a TTL", "expire: never 140, under 1m 0", "unused for: under 1m 140, under 1h 0, under 1d 10", "cache:*: 100 keys, 90 never expire", "session:*: 50 keys", "a key on average of 150")
	if strings.Contains(got, "secret") {
		t.Errorf("a name is told:\n%s", got)
	}
	mustSay(t, says(t, d.gather("redis.info")), "memory: ", "advice: maxmemory is 0", fmt.Sprintf("db%d: keys=150", d.n))
}

// Lines of pino's that a real unit wrote are found by their trace.
func TestEvidenceOfAJournal(t *testing.T) {
	line := `{"level":50,"traceId":"4bf92f3577b34da6","msg":"payment.process failed","ms":1200,"token":"s3cret"}`
	run(t, "systemd-run", "--wait", "--quiet", "--unit=pino.service", "/bin/echo", line)
	run(t, "journalctl", "--sync")
	b, err := journal.Entries(t.Context(), []string{"pino.service"}, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	got := says(t, actuators.Request{
		Action:  actuators.Action{Actuator: gather.Name, Verb: "logs.search", Args: map[string]string{"trace": "4bf92f3577b34da6", "priority": "err"}},
		Content: b,
	})
	mustSay(t, got, "1 of ", "pino err: payment.process failed (1200 ms) traceId=4bf92f3577b34da6")
	if strings.Contains(got, "s3cret") {
		t.Errorf("a token is told:\n%s", got)
	}
}

func TestContractOfEvidence(t *testing.T) {
	subject := func(t *testing.T) actuatortest.Subject {
		d := newDB(t)
		some := func(*testing.T) { d.put("cache:%d", 10) }
		look := func(*testing.T) string { return d.kept() }
		const elsewhere = "shown elsewhere: on a PostgreSQL, or without any server"
		return actuatortest.Subject{
			Actuator: gather.New("1"),
			Samples: []actuatortest.Sample{
				{Request: d.gather("redis.ttls"), Before: some, Look: look},
				{Request: d.gather("redis.info"), Before: some, Look: look},
			},
			Unproven: map[string]string{"postgres.activity": elsewhere, "postgres.slow": elsewhere, "logs.search": elsewhere, "http.status": elsewhere},
		}
	}
	actuatortest.Run(t, subject)
	actuatortest.RunProcess(t, host.Spec{Name: gather.Name, Role: gather.Name, User: "nobody"}, subject)
}
