package collect

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pakashop/evenkeel/desired"
)

// pg plays a PostgreSQL that lets everybody in, and then answers in its own way.
func pg(then func(b *pgproto3.Backend)) func(net.Conn) {
	return func(c net.Conn) {
		b := pgproto3.NewBackend(c, c)
		if _, err := b.ReceiveStartupMessage(); err != nil {
			return
		}
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		if b.Flush() != nil {
			return
		}
		if _, err := b.Receive(); err == nil {
			then(b)
			_ = b.Flush()
		}
	}
}

// table is an answer of so many columns.
func table(b *pgproto3.Backend, width int, rows ...[]string) {
	d := &pgproto3.RowDescription{}
	for i := range width {
		d.Fields = append(d.Fields, pgproto3.FieldDescription{Name: fmt.Appendf(nil, "c%d", i)})
	}
	b.Send(d)
	for _, r := range rows {
		one := &pgproto3.DataRow{}
		for _, v := range r {
			one.Values = append(one.Values, []byte(v))
		}
		b.Send(one)
	}
	b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT")})
}

// answersAll answers every question, that of activity with the given rows.
func answersAll(activity ...[]string) func(*pgproto3.Backend) {
	return func(b *pgproto3.Backend) {
		for i, width := range pgAnswers() {
			switch {
			case width == 0:
				b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SET")})
			case i == 3:
				table(b, width, []string{"max_connections", "100"}, []string{"port", "5432"})
			case i == 4:
				table(b, width, []string{"shop"})
			case i == 5:
				table(b, width, activity...)
			default:
				table(b, width)
			}
		}
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	}
}

func dsnOf(p *desired.Port) string {
	return fmt.Sprintf("postgres://metrics:%s@127.0.0.1:%d/shop?sslmode=disable", secret, p.Number)
}

var byDSN = desired.Metrics{Postgres: &desired.Postgres{DSN: &desired.Secret{FromCredential: "dsn"}}}

func TestPostgres(t *testing.T) {
	c := tester(dsnOf(serve(t, pg(answersAll([]string{"shop", "idle", "app", "leaker", "7", "0"}, []string{"shop", "active", "app", "api", "2", "12.5"})))))
	text, err := look(t, c, byDSN)
	if err != nil {
		t.Fatal(err)
	}
	has(t, text, "pg_up 1", "pg_settings_max_connections 100",
		`pg_stat_activity_count{datname="shop",state="idle",usename="app",application_name="leaker"} 7`,
		`pg_stat_activity_max_tx_duration{datname="shop",state="active",usename="app",application_name="api"} 12.5`,
		`pg_stat_activity_count{datname="shop",state="disabled",usename="",application_name=""} 0`,
		`pg_locks_count{datname="shop",mode="sharelock"} 0`)
	if strings.Contains(text, "5432") {
		t.Error("a setting that nobody asked for shows")
	}
}

// A thousand applications are told apart up to a bound, and their sum stays true.
func TestPostgresOfManyApplications(t *testing.T) {
	var rows [][]string
	for i := range 1000 {
		rows = append(rows, []string{"shop", "idle", "app", fmt.Sprintf("worker-%04d\"\n\xff%s", i, strings.Repeat("x", 200)), "2", "0"})
	}
	text, err := look(t, tester(dsnOf(serve(t, pg(answersAll(rows...))))), byDSN)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, m := range proper(t, []byte(text))["pg_stat_activity_count"].GetMetric() {
		sum += m.GetGauge().GetValue()
	}
	if n := strings.Count(text, `application_name="worker-`); sum != 2000 || n != 2*maxGroups {
		t.Errorf("the sum is %v, in %d series", sum, n)
	}
	has(t, text, `pg_stat_activity_count{datname="shop",state="idle",usename="(others)",application_name="(others)"} 1600`)
}

// A session is kept, so that a server without room for another can be asked; one that
// was cut, or whose server says goodbye, is followed by another.
func TestPostgresWithoutRoom(t *testing.T) {
	var logins atomic.Int64
	var full, gone, bye atomic.Bool
	c := tester(dsnOf(serve(t, func(conn net.Conn) {
		b := pgproto3.NewBackend(conn, conn)
		if _, err := b.ReceiveStartupMessage(); err != nil {
			return
		}
		if logins.Add(1); full.Load() {
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "53300"})
			_ = b.Flush()
			return
		}
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		for b.Flush() == nil {
			m, err := b.Receive()
			if _, asked := m.(*pgproto3.Query); err != nil || !asked || gone.Load() {
				return
			}
			if bye.Load() {
				b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P01"})
				_ = b.Flush()
				return
			}
			answersAll([]string{"shop", "idle", "app", "leaker", "97", "0"})(b)
		}
	})))
	for _, step := range []struct {
		what   string
		is     func()
		logins int64
		want   string
	}{
		{"the first", func() {}, 1, "pg_up 1"},
		{"there is no room for another", func() { full.Store(true) }, 1, `pg_stat_activity_count{datname="shop",state="idle",usename="app",application_name="leaker"} 97`},
		{"it was cut, and there is none", func() { gone.Store(true) }, 2, "pg_up 0"},
		{"there is room again", func() { full.Store(false); gone.Store(false) }, 3, "pg_up 1"},
		{"the server says goodbye, and goes", func() { bye.Store(true); full.Store(true) }, 4, "pg_up 0"},
	} {
		step.is()
		text, err := look(t, c, byDSN)
		if err != nil || logins.Load() != step.logins {
			t.Fatalf("%s: %d logins, want %d; %v", step.what, logins.Load(), step.logins, err)
		}
		has(t, text, step.want)
	}
}

// A session that nobody takes is ended.
func TestASessionForNobody(t *testing.T) {
	cut := make(chan struct{})
	port := serve(t, func(conn net.Conn) {
		defer close(cut)
		pg(answersAll())(conn)
		_, _ = io.Copy(io.Discard, conn)
	})
	c := tester("")
	cfg, err := pgconn.ParseConfig(dsnOf(port))
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.login(t.Context(), desired.Target{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.sessions.keep("k", s, time.Millisecond)
	<-cut
	if c.sessions.take("k") != nil {
		t.Error("it is kept, and has ended")
	}
}

func TestPostgresThatMisbehaves(t *testing.T) {
	refuses := func(code string) func(net.Conn) {
		return func(c net.Conn) {
			b := pgproto3.NewBackend(c, c)
			_, _ = b.ReceiveStartupMessage()
			b.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: code, Message: secret})
			_ = b.Flush()
		}
	}
	endless := func(m pgproto3.BackendMessage) func(net.Conn) {
		return pg(func(b *pgproto3.Backend) {
			table(b, 1)
			b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("a")}}})
			for b.Flush() == nil {
				for range 100 {
					b.Send(m)
				}
			}
		})
	}
	const isDown = "down"
	for _, c := range []struct {
		name string
		port *desired.Port
		want string
	}{
		{"nobody listens", closed(t), isDown},
		{"too many connections", serve(t, refuses("53300")), isDown},
		{"it is starting", serve(t, refuses("57P03")), isDown},
		{"a wrong password", serve(t, refuses("28P01")), "does not let in"},
		{"no such database", serve(t, refuses("3D000")), "no database"},
		{"another error", serve(t, refuses("XX000")), "answers XX000"},
		{"an error that is none", serve(t, refuses(secret)), "answers with an error"},
		{"silence", serve(t, silent), "no whole answer"},
		{"no PostgreSQL", serve(t, says("HTTP/1.1 400 "+secret+"\r\n\r\n")), "cannot be read"},
		{"rows without end", serve(t, endless(&pgproto3.DataRow{Values: [][]byte{[]byte("1")}})), "longer than is read"},
		{"large rows without end", serve(t, endless(&pgproto3.DataRow{Values: [][]byte{make([]byte, 500<<10)}})), "longer than is read"},
		{"notices without end", serve(t, endless(&pgproto3.NoticeResponse{Message: secret})), "longer than is read"},
		{"answers without end", serve(t, endless(&pgproto3.CommandComplete{CommandTag: []byte("SELECT")})), ""},
		{"one answer alone", serve(t, pg(func(b *pgproto3.Backend) { table(b, 1); b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'}) })), "1 answers to"},
		{"an end in the middle", serve(t, pg(func(b *pgproto3.Backend) { table(b, 1) })), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text, err := look(t, tester(dsnOf(c.port)), byDSN)
			switch {
			case c.want == isDown && (err != nil || !strings.HasSuffix(text, "\npg_up 0\n")):
				t.Errorf("it is down: %v\n%s", err, text)
			case c.want != isDown && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}

func TestPostgresWithoutDSN(t *testing.T) {
	for _, m := range []desired.Metrics{{Postgres: &desired.Postgres{}}, {Postgres: &desired.Postgres{DSN: &desired.Secret{FromCredential: "none"}}}, byDSN} {
		if text, err := look(t, tester("host="+secret+" \x00'"), m); err == nil {
			t.Errorf("%+v:\n%s", m.Postgres, text)
		}
	}
}

func FuzzActivity(f *testing.F) {
	f.Add("shop", "idle", "app", "api", "3", "1.5")
	f.Fuzz(func(t *testing.T, db, state, user, app, n, took string) {
		p := newPage()
		activity(rows{{db, state, user, app, n, took}, {db, state, user, app + "x", "1", "0"}}, rows{{db}}, p)
		finished(t, p)
	})
}
