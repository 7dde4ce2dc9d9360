package livetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/postgres"
	"github.com/pakashop/evenkeel/actuators/wire"
	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestMain(m *testing.M) {
	if rehearse.Init() {
		return
	}
	if role, ok := host.Role(os.Args); ok {
		if role == gather.Name {
			wire.Serve(gather.New("1"))
			return
		}
		wire.Serve(postgres.New("1"))
		return
	}
	o := rehearse.Options{Name: "postgres"}
	if !hosttest.Inside() {
		layer, err := rehearse.PackageLayer()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		o.Layers = []string{layer}
	}
	hosttest.MainWith(m, o)
}

// roles are made once: evenkeel's, which may see and end what others do, one
// that may do neither, and those of who leaks.
const roles = `
CREATE DATABASE shop;
CREATE DATABASE other;
CREATE ROLE keel LOGIN PASSWORD 'hunter2' IN ROLE pg_read_all_stats, pg_signal_backend;
CREATE ROLE looker LOGIN PASSWORD 'hunter2' IN ROLE pg_read_all_stats;
CREATE ROLE blind LOGIN PASSWORD 'hunter2';
CREATE ROLE app LOGIN PASSWORD 'hunter2';
CREATE ROLE batch LOGIN PASSWORD 'hunter2';
CREATE ROLE copier LOGIN REPLICATION PASSWORD 'hunter2';
CREATE ROLE admin LOGIN SUPERUSER PASSWORD 'hunter2';
`

var prepare = sync.OnceValue(func() error {
	if out, err := exec.Command("systemctl", "start", "postgresql@15-main.service").CombinedOutput(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w: %s", err, out)
	}
	cmd := exec.Command("runuser", "-u", "postgres", "--", "psql", "-v", "ON_ERROR_STOP=1")
	cmd.Stdin = strings.NewReader(roles)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make the roles: %w: %s", err, out)
	}
	return nil
})

// dsn is how a role reaches a database.
func dsn(role, database string) string {
	return "postgres://" + role + ":hunter2@127.0.0.1:5432/" + database
}

// world is the server with sessions that a test opens, by name.
type world struct {
	testing.TB
	admin *pgconn.PgConn
}

func newWorld(t testing.TB) world {
	t.Helper()
	w := world{TB: t}
	w.ok(prepare())
	w.admin = w.open("admin", "postgres", "the test itself")
	w.until("earlier sessions are gone", func() bool { return w.alive() == "" })
	return w
}

func (w world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// open opens a session that ends with the test.
func (w world) open(role, database, name string, options ...string) *pgconn.PgConn {
	w.Helper()
	c, err := pgconn.ParseConfig(dsn(role, database))
	w.ok(err)
	c.RuntimeParams["application_name"] = name
	for i := 0; i+1 < len(options); i += 2 {
		c.RuntimeParams[options[i]] = options[i+1]
	}
	pg, err := pgconn.ConnectConfig(w.Context(), c)
	w.ok(err)
	w.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = pg.Close(ctx)
	})
	return pg
}

func (w world) run(c *pgconn.PgConn, sql string) [][][]byte {
	w.Helper()
	res := c.ExecParams(w.Context(), sql, nil, nil, nil, nil).Read()
	w.ok(res.Err)
	return res.Rows
}

// inTx leaves a session idle in a transaction; one that failed if sql does.
func (w world) inTx(c *pgconn.PgConn, sql string) {
	w.Helper()
	w.run(c, "BEGIN")
	_ = c.ExecParams(w.Context(), sql, nil, nil, nil, nil).Read() // it may fail
}

// alive names the sessions there are, but for those of the tests and the server,
// and the actuator's own, whose ends the server takes its time to see.
func (w world) alive() string {
	w.Helper()
	var names []string
	for _, row := range w.run(w.admin, `SELECT application_name FROM pg_stat_activity
WHERE usename IS NOT NULL AND application_name NOT IN ('the test itself', '')
  AND (application_name <> 'evenkeel' OR usename = 'app') ORDER BY 1`) {
		names = append(names, string(row[0]))
	}
	return strings.Join(names, " ")
}

// until polls for what must come.
func (w world) until(what string, so func() bool) {
	w.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("not in time: %s; there are %s", what, w.alive())
		}
	}
}
