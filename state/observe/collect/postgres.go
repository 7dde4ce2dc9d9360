package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/desired"
)

// What is read of PostgreSQL's answers.
const (
	maxRows     = 4 << 20 // bytes
	maxRowCount = 4000
	maxColumns  = 64
)

// postgres asks by the session of the collection before, or logs in. What it asks is
// small and reads alone, and the server itself gives it up soon.
func (c *Collector) postgres(ctx context.Context, t desired.Target, p *page) error {
	cfg, key, err := c.dsn(ctx, t)
	if err != nil {
		return err
	}
	if s := c.sessions.take(key); s != nil {
		s.left.Store(maxRows)
		answers, err := s.ask(ctx)
		if !s.cut(ctx, err) {
			return c.came(ctx, t, s, key, answers, err, p)
		}
		s.end(true) // as a rule the server was restarted
	}
	s, err := c.login(ctx, t, cfg)
	var answers []rows
	if err == nil {
		answers, err = s.ask(ctx)
	}
	return c.came(ctx, t, s, key, answers, err, p)
}

// came puts on the page what came of a collection, and keeps its session for the next.
func (c *Collector) came(ctx context.Context, t desired.Target, s *session, key string, all []rows, err error, p *page) error {
	if err == nil {
		p.add(pgUp, 1)
		err := readRows(all, p)
		if err != nil {
			s.end(true)
			return err
		}
		c.sessions.keep(key, s, max(unused, 2*t.Interval.Std()))
		return nil
	}
	s.end(true)
	var answered *pgconn.PgError
	switch {
	case s.left.Load() <= 0, errors.Is(err, errMuch):
		return errMuch
	case errors.As(err, &answered):
		return answers(answered.Code, p)
	case s.dialed.Load() != nil:
		err = *s.dialed.Load()
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	no, err := down(ctx, err, t.Unit, s.to)
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

// dsn reads how to log in, and returns under which key such a session is kept. Its text
// reaches nobody, not even in an error.
func (c *Collector) dsn(ctx context.Context, t desired.Target) (cfg *pgconn.Config, key string, err error) {
	switch {
	case t.Metrics.Postgres.DSN == nil:
		return nil, "", errors.New("metrics.postgres needs a dsn: a role that is a member of pg_monitor")
	case c.opt.Secret == nil:
		return nil, "", errors.New("the dsn is a secret, and none can be read here")
	}
	dsn, err := c.opt.Secret(ctx, *t.Metrics.Postgres.DSN)
	if err != nil {
		return nil, "", err
	}
	cfg, err = pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, "", errors.New("the dsn is not one of PostgreSQL")
	}
	cfg.RuntimeParams["application_name"] = agent
	cfg.MaxProtocolMessageBodyLen = maxRead
	cfg.OnNotice = nil
	cfg.Fallbacks = sameHost(cfg)
	// A name is looked up, and what it means is checked, when it is dialed.
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return cfg, fmt.Sprintf("%s %x", t.Unit, sha256.Sum256([]byte(dsn))), nil
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
