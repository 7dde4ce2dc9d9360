package livetest

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/gather"
)

// gathered is what a verb tells by the DSN of a role.
func gathered(t *testing.T, verb, role, database string) string {
	t.Helper()
	res, err := gather.New("1").Apply(t.Context(), actuators.Request{
		Action:  actuators.Action{Actuator: gather.Name, Verb: verb, Target: "main"},
		Content: fmt.Appendf(nil, `{"postgres":{"dsn":%q}}`, dsn(role, database)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Data["evidence"]
}

// shell runs a line on the host.
func shell(t *testing.T, line string) {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// How the server is told to load the library, or not to.
const (
	psql    = "runuser -u postgres -- psql -q -v ON_ERROR_STOP=1 "
	restart = " && systemctl restart postgresql@15-main.service"
	loads   = psql + `-c "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"` + restart
	forgets = psql + `-d other -c "DROP SCHEMA \"Stat's\" CASCADE" -c "ALTER SYSTEM RESET shared_preload_libraries"` + restart
)

// Where pg_stat_statements is there the slowest statements are told, without their
// literals; where it is not, is not loaded, or may not be read, that is said.
func TestEvidenceOfStatements(t *testing.T) {
	w := newWorld(t)
	other := w.open("admin", "other", "the test itself")
	w.run(other, `CREATE SCHEMA "Stat's"`)
	w.run(other, `GRANT USAGE ON SCHEMA "Stat's" TO keel, looker`)
	w.run(other, `CREATE EXTENSION pg_stat_statements SCHEMA "Stat's"`)
	t.Cleanup(func() { shell(t, forgets) })
	says := func(role, database string, all ...string) {
		t.Helper()
		got := gathered(t, "postgres.slow", role, database)
		for _, want := range all {
			if !strings.Contains(got, want) {
				t.Errorf("%s in %s: no %q in\n%s", role, database, want, got)
			}
		}
		if strings.Contains(got, "canary") {
			t.Errorf("%s in %s: a literal is told:\n%s", role, database, got)
		}
	}
	says("keel", "shop", "pg_stat_statements is not there")
	says("keel", "other", "pg_stat_statements cannot be read", "SQLSTATE")

	shell(t, loads)
	w = newWorld(t)
	app := w.open("app", "other", "shop")
	w.run(app, `SELECT pg_sleep(0.2), 'canary literal'`)
	says("keel", "other", "slowest on average (pg_stat_statements):", "ms on average, 1 calls", "SELECT pg_sleep(")
	says("looker", "other", "slowest on average (pg_stat_statements):", "SELECT pg_sleep(")
	says("blind", "other", "pg_stat_statements cannot be read")
}

// A role that may not see what others do is told so, and nobody takes what it does not
// see for what is not there.
func TestEvidenceOfARoleWithoutRights(t *testing.T) {
	w := newWorld(t)
	busy := w.open("app", "shop", "busy")
	var wg sync.WaitGroup
	sleep, wake := context.WithCancel(t.Context())
	wg.Go(func() { _ = busy.ExecParams(sleep, "SELECT pg_sleep(600)", nil, nil, nil, nil).Read() })
	t.Cleanup(func() { wake(); wg.Wait() })
	w.until("busy works", func() bool {
		return len(w.run(w.admin, `SELECT 1 FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'`)) == 1
	})
	for _, verb := range []string{"postgres.activity", "postgres.slow"} {
		got := gathered(t, verb, "blind", "shop")
		if !strings.Contains(got, "does not see what") || !strings.Contains(got, "grant it pg_read_all_stats") || strings.Contains(got, "looks like a leak") {
			t.Errorf("%s by a role without rights:\n%s", verb, got)
		}
		if got := gathered(t, verb, "looker", "shop"); strings.Contains(got, "does not see") || !strings.Contains(got, "busy (app)") {
			t.Errorf("%s by one with rights:\n%s", verb, got)
		}
	}
}
