package collect

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/desired"
)

// What is read of PostgreSQL's answers.
const (
	maxRows     = 4 << 20 // bytes
	maxRowCount = 4000
	maxColumns  = 64
)

// postgres logs in once. What it asks is small and reads alone, and the server
// itself gives it up soon.
func (c *Collector) postgres(ctx context.Context, t desired.Target, p *page) error {
	cfg, err := c.dsn(ctx, t)
	if err != nil {
		return err
	}
	to := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	if strings.HasPrefix(cfg.Host, "/") {
		to = cfg.Host
	}
	var dialed atomic.Pointer[error] // pgconn keeps the text of it alone
	left := &atomic.Int64{}
	left.Store(maxRows)
	cfg.DialFunc = func(_ context.Context, network, address string) (net.Conn, error) {
		conn, err := c.asker.Connect(ctx, t.Unit, network, address)
		if err != nil {
			dialed.Store(&err)
			return nil, err
		}
		return metered{conn, left}, nil
	}
	results, err := login(ctx, cfg)
	var answered *pgconn.PgError
	switch {
	case err == nil:
		p.add(pgUp, 1)
		return readRows(results, p)
	case left.Load() <= 0, errors.Is(err, errMuch):
		return errMuch
	case errors.As(err, &answered):
		return answers(answered.Code, p)
	case dialed.Load() != nil:
		err = *dialed.Load()
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	no, err := down(ctx, err, t.Unit, to)
	if no {
		p.add(pgUp, 0)
	}
	return err
}

// answers tells what an error of the server means, without its words: they may
// have names in them. That it has no room, is starting or stopping is its own no.
func answers(code string, p *page) error {
	switch {
	case code == "53300", strings.HasPrefix(code, "57P0"):
		p.add(pgUp, 0)
		return nil
	case strings.HasPrefix(code, "28"):
		return errors.New("PostgreSQL does not let in whom the dsn names")
	case code == "3D000":
		return errors.New("PostgreSQL has no database of the name in the dsn")
	case len(code) == 5 && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "":
		return errors.New("PostgreSQL answers " + code)
	}
	return errors.New("PostgreSQL answers with an error")
}

// dsn reads how to log in. Its text reaches nobody, not even in an error.
func (c *Collector) dsn(ctx context.Context, t desired.Target) (*pgconn.Config, error) {
	switch {
	case t.Metrics.Postgres.DSN == nil:
		return nil, errors.New("metrics.postgres needs a dsn: a role that is a member of pg_monitor")
	case c.opt.Secret == nil:
		return nil, errors.New("the dsn is a secret, and none can be read here")
	}
	dsn, err := c.opt.Secret(ctx, *t.Metrics.Postgres.DSN)
	if err != nil {
		return nil, err
	}
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("the dsn is not one of PostgreSQL")
	}
	cfg.RuntimeParams["application_name"] = agent
	cfg.MaxProtocolMessageBodyLen = maxRead
	cfg.OnNotice = nil
	cfg.Fallbacks = sameHost(cfg)
	// A name is looked up, and what it means is checked, when it is dialed.
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return cfg, nil
}

// agent is the name under which a session of a collection shows.
const agent = "evenkeel-metrics"

// sameHost are the ways to the first host alone (with TLS, and without): a
// collection is of one server.
func sameHost(cfg *pgconn.Config) (same []*pgconn.FallbackConfig) {
	for _, f := range cfg.Fallbacks {
		if f.Host == cfg.Host && f.Port == cfg.Port {
			same = append(same, f)
		}
	}
	return same
}

// login asks everything, and reads each answer as texts.
func login(ctx context.Context, cfg *pgconn.Config) ([]rows, error) {
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	answers, err := exchange(conn.Exec(ctx, pgQueries()))
	if err != nil {
		_ = conn.Conn().Close() // pgconn would wait for the rest of the answer
	}
	end, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = conn.Close(end)
	_ = conn.Conn().Close() // after an error pgconn would wait for the server
	<-conn.CleanupDone()
	return answers, err
}

// exchange reads all answers, as many as there may be.
func exchange(m *pgconn.MultiResultReader) (answers []rows, err error) {
	n := 0
	for m.NextResult() {
		one := rows{}
		r := m.ResultReader()
		for r.NextRow() {
			if n++; n > maxRowCount {
				return nil, errMuch
			}
			one = append(one, texts(r.Values()))
		}
		if _, err := r.Close(); err != nil {
			return nil, err
		}
		if answers = append(answers, one); len(answers) > len(pgAnswers()) {
			return nil, errMuch
		}
	}
	return answers, m.Close()
}

// texts copies a row; pgconn reuses it. No column that is asked for is longer.
func texts(row [][]byte) []string {
	all := make([]string, min(len(row), maxColumns))
	for i := range all {
		all[i] = string(row[i][:min(len(row[i]), maxLabel+1)])
	}
	return all
}

// metered is a connection of which no more than so much is read.
type metered struct {
	net.Conn
	left *atomic.Int64
}

func (m metered) Read(b []byte) (int, error) {
	left := m.left.Load()
	if left <= 0 {
		return 0, io.EOF
	}
	n, err := m.Conn.Read(b[:min(int64(len(b)), left)])
	m.left.Add(-int64(n))
	return n, err
}
