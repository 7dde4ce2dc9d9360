package gather

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/postgres"
)

func openPostgres(ctx context.Context, r actuators.Request) (*postgres.Conn, error) {
	var s struct {
		Postgres struct {
			DSN string `json:"dsn"`
		} `json:"postgres"`
	}
	if json.Unmarshal(r.Content, &s) != nil || s.Postgres.DSN == "" {
		return nil, actuators.Errorf(actuators.Invalid, "its content is no Database with a DSN")
	}
	return postgres.Dial(ctx, s.Postgres.DSN)
}

// sessions of clients in the whole server, by who they are and what they do. Ages are
// seconds since the state changed.
const sessions = `
SELECT coalesce(application_name, ''), coalesce(usename, ''), coalesce(state, 'hidden'), count(*),
  coalesce(extract(epoch from max(clock_timestamp() - state_change)), 0)::bigint,
  count(*) FILTER (WHERE state LIKE 'idle%' AND state_change < clock_timestamp() - interval '1 minute')
FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'evenkeel'
GROUP BY 1, 2, 3 ORDER BY 4 DESC, 5 DESC LIMIT 500`

const inTransaction = `
SELECT pid, coalesce(application_name, ''), coalesce(usename, ''), extract(epoch from clock_timestamp() - xact_start)::bigint, left(query, 1000)
FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid() ORDER BY xact_start LIMIT 8`

// unseen are the sessions of which the role may not know what they do.
const unseen = `SELECT count(*) FROM pg_stat_activity WHERE query = '<insufficient privilege>'`

// hiding says what the role of the DSN cannot see; empty: it sees all.
func hiding(ctx context.Context, c *postgres.Conn) (string, error) {
	rows, err := c.Ask(ctx, unseen)
	if err != nil || len(rows) == 0 || len(rows[0]) == 0 || rows[0][0] == "0" {
		return "", err
	}
	return "the role of the DSN does not see what " + brief(rows[0][0], 20) + " of the sessions do; grant it pg_read_all_stats", nil
}

// holder is one application.
type holder struct {
	name           string
	all, idle, now int // sessions, those that have done nothing for a minute, and those that do nothing now
}

func postgresActivity(ctx context.Context, r actuators.Request) (found, error) {
	c, err := openPostgres(ctx, r)
	if err != nil {
		return found{}, err
	}
	defer c.Close()
	limit, err := c.Ask(ctx, `SHOW max_connections`)
	if err != nil {
		return found{}, err
	}
	rows, err := c.Ask(ctx, sessions)
	if err != nil {
		return found{}, err
	}
	open, err := c.Ask(ctx, inTransaction)
	if err != nil {
		return found{}, err
	}
	hidden, err := hiding(ctx, c)
	if err != nil {
		return found{}, err
	}
	most := 0
	if len(limit) > 0 && len(limit[0]) > 0 {
		most, _ = strconv.Atoi(limit[0][0])
	}
	return aboutSessions(most, rows, open, hidden), nil
}

// aboutSessions tells who holds them, and names who probably leaks. hidden says what
// is not seen of them.
func aboutSessions(most int, rows, open [][]string, hidden string) found {
	var t text
	all, byName, order := 0, map[string]*holder{}, []string{}
	for _, row := range rows {
		if len(row) < 6 {
			continue
		}
		h := byName[row[0]]
		if h == nil {
			h = &holder{name: row[0]}
			byName[row[0]] = h
			order = append(order, row[0])
		}
		n, _ := strconv.Atoi(row[3])
		idle, _ := strconv.Atoi(row[5])
		all, h.all, h.idle = all+n, h.all+n, h.idle+idle
		if strings.HasPrefix(row[2], "idle") {
			h.now += n
		}
	}
	detail := fmt.Sprintf("%d of %d connections", all, most)
	leaker, chief := leaks(byName, order, all), holdsMost(byName, order, all)
	switch {
	case leaker != nil:
		detail += fmt.Sprintf("; probably %s leaks: %d of its %d do nothing", named(leaker.name), leaker.idle, leaker.all)
	case chief != nil:
		detail += fmt.Sprintf("; most are of %s: %d, of which %d are idle at the moment", named(chief.name), chief.all, chief.now)
	}
	t.line("%s", detail)
	for _, row := range rows[:min(len(rows), 25)] {
		if len(row) >= 6 {
			t.line("  %s (%s) %s: %s, the longest for %s", named(row[0]), brief(row[1], 40), row[2], row[3], seconds(row[4]))
		}
	}
	if hidden != "" {
		t.line("%s", hidden)
	} else if leaker == nil && chief == nil {
		t.line("no application holds so many idle sessions that it looks like a leak")
	}
	if len(open) > 0 {
		t.line("idle in transaction, the oldest first:")
	}
	for _, row := range open {
		if len(row) >= 5 {
			t.line("  %s %s (%s) for %s: %s", row[0], named(row[1]), brief(row[2], 40), seconds(row[3]), masked(row[4]))
		}
	}
	return found{detail, t.String()}
}

// leaks is the application with the most sessions that do nothing, if these are at
// least three and most of its own, and a third of all there are its.
func leaks(by map[string]*holder, order []string, all int) (most *holder) {
	for _, name := range order {
		if h := by[name]; most == nil || h.idle > most.idle {
			most = h
		}
	}
	if most == nil || most.idle < 3 || most.idle*2 < most.all || most.all*3 < all {
		return nil
	}
	return most
}

// holdsMost is the application with more than half of all sessions, if these are
// worth a word.
func holdsMost(by map[string]*holder, order []string, all int) *holder {
	for _, name := range order {
		if h := by[name]; h.all*2 > all && h.all >= 10 {
			return h
		}
	}
	return nil
}

func named(application string) string {
	if application == "" {
		return "(no name)"
	}
	return brief(application, 60)
}

func seconds(text string) string {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return "?"
	}
	return (time.Duration(n) * time.Second).String()
}

const running = `
SELECT pid, coalesce(application_name, ''), coalesce(usename, ''), extract(epoch from clock_timestamp() - query_start)::bigint,
  coalesce(wait_event_type || '/' || wait_event, ''), array_to_string(pg_blocking_pids(pid), ','), left(query, 1000)
FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'evenkeel'
ORDER BY query_start LIMIT 12`

func postgresSlow(ctx context.Context, r actuators.Request) (found, error) {
	c, err := openPostgres(ctx, r)
	if err != nil {
		return found{}, err
	}
	defer c.Close()
	rows, err := c.Ask(ctx, running)
	if err != nil {
		return found{}, err
	}
	hidden, err := hiding(ctx, c)
	if err != nil {
		return found{}, err
	}
	var t text
	detail := plural(len(rows), "statement") + " running"
	if len(rows) > 0 && len(rows[0]) > 3 {
		detail += ", the longest for " + seconds(rows[0][3])
	}
	t.line("%s", detail)
	if hidden != "" {
		t.line("%s", hidden)
	}
	for _, row := range rows {
		if len(row) < 7 {
			continue
		}
		waits := ""
		if row[4] != "" {
			waits = ", waits for " + brief(row[4], 40)
		}
		if row[5] != "" {
			waits += ", blocked by " + brief(row[5], 40)
		}
		t.line("  %s %s (%s) for %s%s: %s", row[0], named(row[1]), brief(row[2], 40), seconds(row[3]), waits, masked(row[6]))
	}
	statements(ctx, c, &t)
	return found{detail, t.String()}, nil
}

// statements adds what pg_stat_statements knows, where it is there and may be read.
func statements(ctx context.Context, c *postgres.Conn, t *text) {
	at, err := c.Ask(ctx, `SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`)
	if err != nil || len(at) != 1 {
		t.line("pg_stat_statements is not there")
		return
	}
	rows, err := c.Ask(ctx, `SELECT round(mean_exec_time)::bigint, calls, round(total_exec_time)::bigint, left(query, 1000) FROM `+at[0][0]+`.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY mean_exec_time DESC LIMIT 10`)
	if err != nil {
		t.line("pg_stat_statements cannot be read: %v", err)
		return
	}
	t.line("slowest on average (pg_stat_statements):")
	for _, row := range rows {
		if len(row) >= 4 {
			t.line("  %s ms on average, %s calls, %s ms in all: %s", row[0], row[1], row[2], masked(row[3]))
		}
	}
}
