package live_test

import (
	"strings"
	"testing"
)

// quickAlerts makes the example's rules fire within seconds: a test need not wait
// for what an operator may.
const quickAlerts = `
	cd /etc/evenkeel/desired/alerts
	sed -i 's/for: [0-9]*m/for: 4s/; s/interval: 15s/interval: 1s/; s/lag_seconds > 60/lag_seconds > 3/' rules/*.yaml
	sed -i 's/lag_seconds < 60/lag_seconds < 3/; s/settle: 10s/settle: 2s/' *.yaml
	cd .. && sed -i 's/interval: 15s/interval: 1s/' *.yaml services/*.yaml
	sed -e "s/name: app-1/name: $(hostname)/" policy.example >/etc/evenkeel/policy.yaml`

// Two of the example's alerts from their cause to their end: they fire by rules that
// evenkeel evaluates, their runbooks gather evidence and do what people did, the
// effect is verified, the alerts resolve, and the Cases close. The record tells it.
func TestAlertsAreRemedied(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "remedied")
	b.sh(impatient)
	b.sh(quickAlerts)
	b.keep()
	b.allWell()
	b.sh("sh " + desiredDir + "/prepare")
	for _, c := range []struct{ alert, cause, act, gathered, gone string }{
		{
			"meilisearch_index_lag",
			"curl -fsS -d kind=stuck 127.0.0.1:7700/fault; for i in 1 2 3 4; do curl -fsS -d '[]' 127.0.0.1:7700/indexes/x/documents; done",
			"systemd.restart meilisearch.service", "enqueued",
			"curl -fsS '127.0.0.1:7700/tasks?statuses=enqueued,processing' | jq -e '.total < 3'",
		},
		{"redis_memory", redisFull, "cache.flush", "maxmemory", "test $(redis-cli dbsize) -gt 1999"},
	} {
		t.Run(c.alert, func(t *testing.T) {
			b := b.on(t)
			b.sh(c.cause)
			b.comes("evenkeel alerts " + c.alert + " | grep -q firing")
			b.comes("evenkeel history | grep -F '" + c.act + "' | grep Alert | grep -q done")
			b.comes("evenkeel alerts --all -o json | grep -q '" + c.gathered + "'")
			b.comes(c.gone)
			b.comes("! evenkeel alerts -o json | grep -q '\"name\": \"" + c.alert + "\"'")
			if n := strings.Count(b.sh("evenkeel history -o json"), `"reason":"Alert"`); n == 0 {
				t.Error("history does not tell why")
			}
		})
	}
}

const redisFull = `for i in $(seq 2000); do echo "set session:$i x"; done | redis-cli >/dev/null
	head -c 100000 /dev/zero | tr '\0' x >/tmp/page; for i in $(seq 270); do redis-cli -x set cache:stale:$i </tmp/page; done >/dev/null`
