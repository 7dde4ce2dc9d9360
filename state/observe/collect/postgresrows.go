package collect

import (
	"fmt"
	"strings"
)

var (
	pgUp      = gauge("pg_up", "", "Whether PostgreSQL lets one in: 0 where nobody listens, it has no room, or it is starting or stopping.")
	pgCount   = gauge("pg_stat_activity_count", "pg_stat_activity", "Sessions in this state.", activityLabels...)
	pgLongest = gauge("pg_stat_activity_max_tx_duration", "pg_stat_activity", "Seconds that the longest transaction has taken.", activityLabels...)
	pgLocks   = gauge("pg_locks_count", "pg_locks", "Locks.", "datname", "mode")
	pgStarted = gauge("pg_postmaster_start_time_seconds", "pg_postmaster_start_time()", "When it started.")
)

var activityLabels = []string{"datname", "state", "usename", "application_name"}

// pgSettings are those of pg_settings that are plain numbers.
var pgSettings = []field{
	pgSetting("max_connections", "How many sessions there may be."),
	pgSetting("superuser_reserved_connections", "How many of them are kept for superusers."),
	pgSetting("max_worker_processes", "How many processes may work in the background."),
	pgSetting("max_wal_senders", "How many replicas may be connected."),
	pgSetting("max_locks_per_transaction", "Locks, of each transaction, for which there is room."),
}

func pgSetting(name, help string) field {
	return field{name, gauge("pg_settings_"+name, "pg_settings", help)}
}

// pgDatabase are the columns of pg_stat_database that are reported.
var pgDatabase = []field{
	{"numbackends", gauge("pg_stat_database_numbackends", "pg_stat_database", "Sessions.", "datid", "datname")},
	pgCounter("xact_commit", "Transactions committed."),
	pgCounter("xact_rollback", "Transactions rolled back."),
	pgCounter("blks_read", "Blocks read from disk."),
	pgCounter("blks_hit", "Blocks found in memory."),
	pgCounter("tup_returned", "Rows read."),
	pgCounter("tup_fetched", "Rows fetched."),
	pgCounter("tup_inserted", "Rows inserted."),
	pgCounter("tup_updated", "Rows updated."),
	pgCounter("tup_deleted", "Rows deleted."),
	pgCounter("conflicts", "Queries cancelled on a replica."),
	pgCounter("temp_files", "Temporary files."),
	pgCounter("temp_bytes", "Bytes in temporary files."),
	pgCounter("deadlocks", "Deadlocks."),
}

func pgCounter(name, help string) field {
	return field{name, counter("pg_stat_database_"+name, "pg_stat_database", help, "datid", "datname")}
}

func postgresMetrics() []Metric {
	all := append([]Metric{pgUp, pgCount, pgLongest, pgLocks, pgStarted}, values(pgSettings)...)
	return append(all, values(pgDatabase)...)
}

// pgStates are the states that are reported where there is no session, too.
var pgStates = []string{"active", "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled"}

// pgModes are the modes of locks that are reported where there is none, too.
var pgModes = []string{"accesssharelock", "rowsharelock", "rowexclusivelock", "shareupdateexclusivelock", "sharelock", "sharerowexclusivelock", "exclusivelock", "accessexclusivelock", "sireadlock"}

// What is told apart.
const (
	maxGroups = 200 // of sessions; the others are counted together
	others    = "(others)"
)

// pgQueries is what is asked, as one message. Each answer has a bounded number of
// rows, and each name a bounded length (of names and application_name PostgreSQL
// keeps 63 bytes itself).
func pgQueries() string {
	var settings, columns []string
	for _, f := range pgSettings {
		settings = append(settings, "'"+f.name+"'")
	}
	for _, f := range pgDatabase {
		columns = append(columns, f.name)
	}
	return strings.Join([]string{
		`SET statement_timeout = 5000`,
		`SET default_transaction_read_only = on`,
		`SELECT extract(epoch FROM pg_postmaster_start_time())`,
		`SELECT name, setting FROM pg_settings WHERE name IN (` + strings.Join(settings, ", ") + `)`,
		`SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname LIMIT 100`,
		`SELECT datname, state, usename, application_name, count(*), coalesce(max(extract(epoch FROM now() - xact_start)), 0)
			FROM pg_stat_activity WHERE datname IS NOT NULL AND state IS NOT NULL AND pid <> pg_backend_pid()
			GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT 2000`,
		`SELECT datid, datname, ` + strings.Join(columns, ", ") + ` FROM pg_stat_database WHERE datname IS NOT NULL ORDER BY datname LIMIT 100`,
		`SELECT d.datname, lower(l.mode), count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT 500`,
	}, ";\n")
}

// pgAnswers is how many columns each answer has.
func pgAnswers() []int { return []int{0, 0, 1, 2, 1, 6, 2 + len(pgDatabase), 3} }

// rows is an answer as texts; what is NULL is empty.
type rows [][]string

// readRows reads the answers to pgQueries.
func readRows(all []rows, p *page) error {
	widths := pgAnswers()
	if len(all) != len(widths) {
		return fmt.Errorf("PostgreSQL gives %d answers to %d questions", len(all), len(widths))
	}
	for i, one := range all {
		for _, row := range one {
			if len(row) != widths[i] {
				return fmt.Errorf("PostgreSQL's answer %d has other columns than were asked for", i+1)
			}
		}
	}
	for _, r := range all[2] {
		put(p, pgStarted, r[0])
	}
	for _, r := range all[3] {
		if f, ok := named(pgSettings, r[0]); ok {
			put(p, f.Metric, r[1])
		}
	}
	activity(all[5], all[4], p)
	for _, r := range all[6] {
		for i, f := range pgDatabase {
			put(p, f.Metric, r[2+i], r[0], r[1])
		}
	}
	for _, r := range all[7] {
		put(p, pgLocks, r[2], r[0], r[1])
	}
	for _, d := range all[4] {
		for _, mode := range pgModes {
			p.add(pgLocks, 0, d[0], mode) // unless it was said above
		}
	}
	return nil
}

func put(p *page, m Metric, value string, labels ...string) {
	if v, ok := parsed(value); ok {
		p.add(m, v, labels...)
	}
}

// activity reports the sessions by what tells them apart: the largest groups as
// they are, the others by database and state together, so that sums stay true. A
// state that no session of a database is in has its 0, as with the exporter.
func activity(groups, databases rows, p *page) {
	type sum struct{ count, longest float64 }
	sums := map[[4]string]sum{}
	seen := map[[2]string]bool{}
	for _, r := range groups {
		key := [4]string{clean(r[0]), clean(r[1]), clean(r[2]), clean(r[3])}
		if _, ok := sums[key]; !ok && len(sums) >= maxGroups {
			key[2], key[3] = others, others
		}
		n, _ := parsed(r[4])
		took, _ := parsed(r[5])
		s := sums[key]
		sums[key] = sum{s.count + n, max(s.longest, took)}
		seen[[2]string{r[0], r[1]}] = true
	}
	for k, s := range sums {
		p.add(pgCount, s.count, k[:]...)
		p.add(pgLongest, s.longest, k[:]...)
	}
	for _, d := range databases {
		for _, state := range pgStates {
			if !seen[[2]string{d[0], state}] {
				p.add(pgCount, 0, d[0], state, "", "")
				p.add(pgLongest, 0, d[0], state, "", "")
			}
		}
	}
}
