package live_test

import (
	"testing"
)

// said is a shell line that succeeds where a number that a service counts is above
// another.
func said(port, series, least string) string {
	return "curl -fsS -m 3 127.0.0.1:" + port + "/health/metrics | awk -v s='" + series + "' '$1 ~ s && $NF > " + least + " {n = 1} END {exit !n}'"
}

// eight are the ways in which each of the example's eight alerts is caused for real,
// what shows that it is, and how it is mended by hand.
var eight = []struct {
	alert, cause, shows, mend, gone string
}{
	{
		alert: "payment_error_rate",
		cause: "curl -fsS -d kind=errors 127.0.0.1:3100/outside/pawapay",
		shows: said("3018", "^payment_process_failures_total.*pawapay", "2"),
		mend:  "curl -fsS -d kind=off 127.0.0.1:3100/outside/pawapay",
		gone:  "curl -fsS -X POST '127.0.0.1:3018/payments?gateway=pawapay'",
	},
	{
		alert: "api_p95_latency",
		cause: `systemd-run -q -u forgotten sh -c "(echo 'BEGIN; LOCK TABLE orders;'; sleep 600) | psql -X -h 127.0.0.1 -U pakashop pakashop"`,
		shows: said("3001", "^db_query_errors_total", "2"),
		mend:  "systemctl stop forgotten",
		gone:  "curl -fsS -m 1 127.0.0.1:3001/orders/1",
	},
	{
		alert: "unhandled_exception",
		cause: "curl -fsS -d kind=exception 127.0.0.1:3006/fault; curl -sS '127.0.0.1:3006/checkout?cart=7'",
		shows: said("3006", "^unhandled_exceptions_total", "0") + " && journalctl -u pakashop-recommendations -o cat | grep 'unhandled exception' | grep -q 'cart=7'",
		mend:  "curl -fsS -d kind=off 127.0.0.1:3006/fault",
		gone:  "curl -fsS 127.0.0.1:3006/checkout",
	},
	{
		alert: "redis_memory",
		cause: `for i in $(seq 2000); do echo "set session:$i x"; done | redis-cli >/dev/null
			head -c 100000 /dev/zero | tr '\0' x >/tmp/page; for i in $(seq 270); do redis-cli -x set cache:stale:$i </tmp/page; done >/dev/null`,
		shows: "redis-cli info memory | tr -d '\\r' | awk -F: '/^used_memory:/ {u = $2} /^maxmemory:/ {m = $2} END {exit !(m > 0 && u / m > 0.8)}'",
		mend:  "redis-cli --scan --pattern 'cache:stale:*' | xargs redis-cli del >/dev/null",
		gone:  "redis-cli info memory | tr -d '\\r' | awk -F: '/^used_memory:/ {u = $2} /^maxmemory:/ {m = $2} END {exit !(u / m < 0.8)}'",
	},
	{
		alert: "postgres_connections",
		cause: "curl -fsS -d kind=sessions 127.0.0.1:3001/fault",
		shows: `[ "$(runuser -u postgres -- psql -XAtc "select count(*) from pg_stat_activity where application_name = 'pakashop-backend'")" -gt 80 ]`,
		mend:  "curl -fsS -d kind=off 127.0.0.1:3001/fault",
		gone:  `[ "$(runuser -u postgres -- psql -XAtc "select count(*) from pg_stat_activity where application_name = 'pakashop-backend'")" -lt 20 ]`,
	},
	{
		alert: "fraud_queue_backlog",
		cause: `redis-cli eval "for i = 1, 160 do redis.call('lpush', 'fraud:queue', '{}') end" 0`,
		shows: said("3010", "^fraud_queue_depth", "100"),
		mend:  "systemctl start pakashop-fraud-worker@2 pakashop-fraud-worker@3 pakashop-fraud-worker@4",
		gone:  "! " + said("3010", "^fraud_queue_depth", "100"),
	},
	{
		alert: "zra_transmission_failure",
		cause: "curl -fsS -d kind=expired 127.0.0.1:3100/outside/zra",
		shows: said("3016", "^zra_transmissions_total.*failed", "5"),
		mend:  "/usr/local/lib/pakashop/zra-mock on",
		gone:  said("3016", "^zra_transmissions_total.*mock", "2"),
	},
	{
		alert: "meilisearch_index_lag",
		cause: "curl -fsS -d kind=stuck 127.0.0.1:7700/fault",
		shows: "curl -fsS '127.0.0.1:7700/tasks?statuses=enqueued' | jq -e '.total > 5'",
		mend:  "systemctl restart meilisearch",
		gone:  "curl -fsS '127.0.0.1:7700/tasks?statuses=enqueued,processing' | jq -e '.total < 3'",
	},
}

// What the example's alerts are about happens for real: customers buy, each of the
// eight is caused as its README says, and what people do about it mends it.
func TestTheEightAreCausedForReal(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "eight")
	b.sh(impatient)
	b.keep()
	b.allWell()
	b.sh("sh " + desiredDir + "/prepare && sh " + desiredDir + "/prepare")
	b.sh("systemctl stop evenkeel && systemd-run -q -u customers /usr/local/lib/pakashop/service customers")
	for _, c := range []string{said("3001", "^cache_hits_total", "0"), said("3001", "^db_query_duration_seconds_count", "0"), said("3018", "^payment_process_total", "0"), said("3016", "^zra_transmissions_total.*ok", "0")} {
		b.comes(c)
	}
	t.Run("each", func(t *testing.T) {
		for _, e := range eight {
			t.Run(e.alert, func(t *testing.T) {
				if e.alert != "postgres_connections" { // it keeps others from the database meanwhile
					t.Parallel()
				}
				b := b.on(t)
				b.sh(e.cause)
				b.comes(e.shows)
				b.sh(e.mend)
				b.comes(e.gone)
			})
		}
	})
}
