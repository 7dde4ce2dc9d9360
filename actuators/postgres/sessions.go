package postgres

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/actuators"
)

// application is what our own sessions are called. Those of any evenkeel are
// never ended.
const application = "evenkeel"

// session is one that does nothing. It is the same one, and has done nothing
// since, as long as all of this is so.
type session struct {
	pid, began, since string
	state             string
}

// view is what was found.
type view struct {
	idle   []session // those that are to be ended, the longest idle first
	all    int       // sessions of clients in the database, ours not counted
	spared int       // superusers' that would have been among them
	hidden int       // of which the role may not see what they do
	more   bool      // there are more than may be ended at a time
}

// Conn is a session of ours that reads, and that ends others.
type Conn struct{ pg *pgconn.PgConn }

// Dial opens a session by a DSN, of which no error tells anything.
func Dial(ctx context.Context, dsn string) (*Conn, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, actuators.Errorf(actuators.Invalid, "the DSN cannot be read; want postgres://user:password@host:port/database")
	}
	config.ConnectTimeout = 10 * time.Second
	config.RuntimeParams["application_name"] = application
	config.RuntimeParams["DateStyle"], config.RuntimeParams["TimeZone"] = "ISO", "UTC"
	bound(config)
	pg, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, plain(ctx, "connect", false, err)
	}
	return &Conn{pg}, nil
}

// maxTalk bounds what a server may say in one session, in bytes: pgconn keeps all
// rows of an answer, and makes room for a message of the length that it claims.
const maxTalk = 4 << 20

func bound(config *pgconn.Config) {
	config.MaxProtocolMessageBodyLen = maxTalk
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &bounded{c, maxTalk}, nil
	}
}

// bounded is a connection that ends after so many bytes. It is read by one at a time.
type bounded struct {
	net.Conn
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says too much")
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// Close ends the session.
func (c *Conn) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.pg.Close(ctx) // nothing of it is needed any more
}

// clients are the sessions that matter at all. A session of which the role may
// not see the state has none.
const clients = `
FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
WHERE a.datname = current_database() AND a.backend_type = 'client backend'
  AND a.pid <> pg_backend_pid() AND a.application_name <> 'evenkeel'`

// wanted are those among them that a request asks for.
const wanted = clients + `
  AND a.state = ANY(string_to_array($1, ',')) AND a.state_change < clock_timestamp() - $2::bigint * interval '1 microsecond'
  AND ($3 = '' OR a.application_name = $3) AND ($4 = '' OR a.usename = $4)`

// find looks for what the wish asks for.
func (c *Conn) find(ctx context.Context, w wish) (v view, err error) {
	if v.all, err = c.count(ctx, `SELECT count(*) `+clients); err != nil {
		return v, err
	}
	if v.hidden, err = c.count(ctx, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = '<insufficient privilege>'`); err != nil {
		return v, err
	}
	args := []string{strings.Join(w.states, ","), strconv.FormatInt(w.over.Microseconds(), 10), w.application, w.user}
	if w.user == "" {
		if v.spared, err = c.count(ctx, `SELECT count(*) `+wanted+` AND r.rolsuper`, args...); err != nil {
			return v, err
		}
	}
	rows, err := c.Ask(ctx, `SELECT a.pid, a.backend_start, a.state_change, a.state `+wanted+`
  AND ($4 <> '' OR NOT r.rolsuper) ORDER BY a.state_change, a.pid LIMIT `+strconv.Itoa(w.max+1), args...)
	if err != nil {
		return v, err
	}
	for _, row := range rows[:min(len(rows), w.max)] {
		v.idle = append(v.idle, session{row[0], row[1], row[2], row[3]})
	}
	v.more = len(rows) > w.max
	if len(v.idle) == 0 && v.hidden > 0 {
		return v, actuators.Errorf(actuators.Refused, "the role of the DSN does not see what %d sessions do; grant it pg_read_all_stats", v.hidden)
	}
	return v, nil
}

func (c *Conn) count(ctx context.Context, sql string, args ...string) (int, error) {
	rows, err := c.Ask(ctx, sql, args...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(rows[0][0])
}

// errForbidden says that the role may not end a session.
var errForbidden = errors.New("the role may not end it")

// end ends a session if it is still the one that was seen, and still idle.
func (c *Conn) end(ctx context.Context, s session) (done bool, err error) {
	rows, err := c.Ask(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid = $1::int AND backend_start = $2::timestamptz AND state_change = $3::timestamptz AND state = $4 AND backend_type = 'client backend'`,
		s.pid, s.began, s.since, s.state)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42501" {
		return false, errForbidden
	}
	return err == nil && len(rows) > 0 && rows[0][0] == "t", err
}

// endAll ends sessions one by one, and says how many the role may not end.
func (c *Conn) endAll(ctx context.Context, all []session) (ended []session, forbidden int, err error) {
	for _, s := range all {
		done, err := c.end(ctx, s)
		switch {
		case done:
			ended = append(ended, s)
		case errors.Is(err, errForbidden):
			forbidden++
		case err != nil:
			return ended, forbidden, err
		}
	}
	return ended, forbidden, nil
}

// leaving is how long a session may take to end once it was told to.
const leaving = 5 * time.Second

// gone waits until sessions have left.
func (c *Conn) gone(ctx context.Context, all []session) error {
	deadline := time.Now().Add(leaving)
	for _, s := range all {
		for {
			n, err := c.count(ctx, `SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int AND backend_start = $2::timestamptz`, s.pid, s.began)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			if time.Now().After(deadline) {
				return actuators.Errorf(actuators.Failed, "a session was told to end and is still there")
			}
			time.Sleep(10 * time.Millisecond) // a poll: the server has nothing to wait on
		}
	}
	return nil
}

// Ask runs one statement and returns its rows as text.
func (c *Conn) Ask(ctx context.Context, sql string, args ...string) ([][]string, error) {
	params := make([][]byte, len(args))
	for i, a := range args {
		params[i] = []byte(a)
	}
	res := c.pg.ExecParams(ctx, sql, params, nil, nil, nil).Read()
	if res.Err != nil {
		return nil, plain(ctx, "ask for sessions", true, res.Err)
	}
	rows := make([][]string, len(res.Rows))
	for i, r := range res.Rows {
		for _, v := range r {
			rows[i] = append(rows[i], string(v))
		}
	}
	return rows, nil
}
