package live_test

import "strings"

// What fills up, leaks or gets stuck below the platform's services.

// Meilisearch does not move: it is restarted.
func meilisearchLags(b box, r remedied) {
	b.sh("curl -fsS -d kind=stuck 127.0.0.1:7700/fault; for i in 1 2 3 4; do curl -fsS -d '[]' 127.0.0.1:7700/indexes/x/documents; done")
	b.stepped(r, "systemd.restart meilisearch.service")
	b.tells(r, "tasks by status", `status=enqueued`)
	b.comes("curl -fsS '127.0.0.1:7700/tasks?statuses=enqueued,processing' | jq -e '.total < 3'")
}

// Redis is nearly full of what nobody asks for: that is flushed, and no session.
func redisFills(b box, r remedied) {
	b.sh(redisFull)
	b.stepped(r, "cache.flush")
	b.tells(r, "maxmemory", "never expire")
	b.sh("test $(redis-cli --scan --pattern 'session:*' | wc -l) = 2000 && test -z \"$(redis-cli --scan --pattern 'cache:stale:*')\"")
}

const redisFull = `for i in $(seq 2000); do echo "set session:$i x"; done | redis-cli >/dev/null
	head -c 100000 /dev/zero | tr '\0' x >/tmp/page; for i in $(seq 270); do redis-cli -x set cache:stale:$i </tmp/page; done >/dev/null`

// The backend leaks sessions: who it is shows, idle ones are ended. It leaks more: it
// is restarted. Then reports have all sessions, and work: a pool that is kept ready is
// proposed, and started by a human's word.
func connectionsLeak(b box, r remedied) {
	const leak = "curl -fsS -d kind=sessions 127.0.0.1:3001/fault"
	run := b.sh("systemctl show -P InvocationID pakashop-backend")
	b.sh(leak)
	b.stepped(r, "postgres.terminate main")
	b.tells(r, `connections; most are of pakashop-backend: 8\d, of which 8\d are idle`, `application_name=pakashop-backend state=idle`)
	b.until("that helps", func() string {
		if a := b.alert(r.alert); a.State != "over" {
			return a.State
		}
		return ""
	})
	b.sh("test $(systemctl show -P InvocationID pakashop-backend) = " + run)
	b.sh("curl -fsS -d kind=off 127.0.0.1:3001/fault")
	b.comes(`[ "$(runuser -u postgres -- psql -XAtc "select count(*) from pg_stat_activity where application_name = 'pakashop-backend'")" -lt 20 ]`)
	b.sh(leak)
	b.stepped(r, "systemd.restart pakashop-backend.service")
	b.until("that helps, too", func() string { return strings.TrimPrefix(b.alert(r.alert).State, "over") })
	b.sh(`systemd-run -q -u reports sh -c "for i in $(seq 90 | tr '\n' ' '); do PGAPPNAME=reports psql -X -h 127.0.0.1 -U pakashop pakashop -c 'select pg_sleep(600)' & done; wait"`)
	steps := b.waits(r, "AwaitingApproval", "state.set pgbouncer")
	if len(steps) != 1 {
		b.Fatalf("a human may approve %q, want one", steps)
	}
	b.sh("! systemctl is-active pgbouncer")
	b.must(0, "approve", steps[0])
	b.stepped(r, "state.set pgbouncer to=running")
	b.comes("systemctl is-active pgbouncer && test -S /var/run/postgresql/.s.PGSQL.6432")
	b.waits(r, "AwaitingApproval", "point the services at PgBouncer")
	b.sh(`systemctl stop reports; runuser -u postgres -- psql -XAtc "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'reports'"`)
	if out := b.must(0, "why", "pgbouncer").out; !strings.Contains(out, "runs though it is declared stopped") {
		b.Errorf("why does not tell that it runs: %s", out)
	}
}

// Somebody left a transaction open, and all queries wait for it: it is ended.
func ordersWait(b box, r remedied) {
	b.sh(`systemd-run -q -u forgotten sh -c "(echo 'BEGIN; LOCK TABLE orders;'; sleep 600) | psql -X -h 127.0.0.1 -U pakashop pakashop"`)
	b.stepped(r, "postgres.terminate main")
	b.tells(r,
		`five take longer than so many seconds: [12]\.\d+  query=order_by_id`, // db_query_duration
		`\n  [12]\.\d+ at [0-9:]+  trace_id=[0-9a-f]{32}`,                     // the slowest, by their trace
		`request errored \(2\d{3} ms\) traceId=`,
		`share that the cache finds, by cache: 0`,
		`waits for Lock/relation`, `idle in transaction, the oldest first:\n  \d+ psql .*LOCK TABLE orders`)
	b.comes(`[ "$(runuser -u postgres -- psql -XAtc "select count(*) from pg_stat_activity where state like 'idle in transaction%'")" = 0 ]`)
	b.sh("systemctl stop forgotten")
}
