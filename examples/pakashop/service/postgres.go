package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// session is one connection to PostgreSQL, as much of it as the example needs: a
// login without a password (see prepare), and queries of which only the number of
// rows is of interest.
type session struct{ conn net.Conn }

// hello is how a session begins: who it is, and that no query may take for ever.
func hello(application string) []byte {
	params := "user\x00pakashop\x00database\x00pakashop\x00application_name\x00" + application +
		"\x00options\x00-c statement_timeout=2000\x00\x00"
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(params)))
	b = binary.BigEndian.AppendUint32(b, 3<<16) // protocol 3.0
	return append(b, params...)
}

// openSession logs in.
func openSession(ctx context.Context, address, application string) (*session, error) {
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	s := &session{conn}
	if _, err := conn.Write(hello(application)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if _, err := s.untilReady(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

// query runs one statement and counts the rows of its result.
func (s *session) query(sql string) (rows int, err error) {
	b := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(4+len(sql)+1))
	if _, err := s.conn.Write(append(append(b, sql...), 0)); err != nil {
		return 0, err
	}
	return s.untilReady()
}

// untilReady reads messages until the server waits for the next statement.
func (s *session) untilReady() (rows int, failed error) {
	for {
		kind, body, err := s.message()
		switch {
		case err != nil:
			return 0, errors.Join(failed, err)
		case kind == 'Z':
			return rows, failed
		case kind == 'D':
			rows++
		case kind == 'E':
			failed = refused(body)
		case kind == 'R' && (len(body) < 4 || binary.BigEndian.Uint32(body) != 0):
			return 0, errors.New("wants a password; see prepare")
		}
	}
}

func (s *session) message() (kind byte, body []byte, err error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(s.conn, head); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size < 4 || size > 1<<20 {
		return 0, nil, fmt.Errorf("answers %q, not as PostgreSQL does", head)
	}
	body = make([]byte, size-4)
	_, err = io.ReadFull(s.conn, body)
	return head[0], body, err
}

// database is what a service asks PostgreSQL by.
type database struct {
	address string
	app     *app
}

// rows asks one question, and measures how long that takes.
func (d database) rows(ctx context.Context, t trace, name, sql string) (rows int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	began := time.Now()
	defer func() {
		took := time.Since(began)
		d.app.metrics.observe("db_query_duration_seconds", t, took, "query", name)
		if err != nil {
			d.app.metrics.add("db_query_errors", t, 1, "query", name)
			d.app.log.error(t, "query failed", "query", name, "duration", took.Milliseconds(), "err", err.Error())
		}
	}()
	s, err := openSession(ctx, d.address, d.app.name)
	if err != nil {
		return 0, err
	}
	defer s.conn.Close()
	return s.query(sql)
}
