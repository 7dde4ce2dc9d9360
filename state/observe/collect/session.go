package collect

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/desired"
)

// unused is how long a session is kept at least that nobody takes: its target is gone.
const unused = 2 * time.Minute

// sessions are logins that are kept from one collection to the next. Where somebody
// leaks sessions, PostgreSQL has no room for another in the end; just then it must be
// seen who it is. The zero value has none.
type sessions struct {
	mu   sync.Mutex
	kept map[string]*session
}

// take hands over the session that is kept under a key, or nil.
func (all *sessions) take(key string) *session {
	all.mu.Lock()
	defer all.mu.Unlock()
	s := all.kept[key]
	if s != nil {
		delete(all.kept, key)
		s.unused.Stop()
	}
	return s
}

// keep keeps a session for the next collection. Of two collections at once it keeps one.
func (all *sessions) keep(key string, s *session, lasts time.Duration) {
	if !all.put(key, s, lasts) {
		s.end(false)
	}
}

func (all *sessions) put(key string, s *session, lasts time.Duration) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.kept[key] != nil {
		return false
	}
	if all.kept == nil {
		all.kept = make(map[string]*session)
	}
	all.kept[key] = s
	s.unused = time.AfterFunc(lasts, func() {
		if all.forget(key, s) {
			s.end(false)
		}
	})
	return true
}

// forget tells whether it was kept: nobody has taken it meanwhile.
func (all *sessions) forget(key string, s *session) bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.kept[key] != s {
		return false
	}
	delete(all.kept, key)
	return true
}

// session is a login, or what came of the attempt.
type session struct {
	conn   *pgconn.PgConn        // nil: it did not come about
	to     string                // where
	dialed atomic.Pointer[error] // why nobody was reached: pgconn keeps the text of it alone
	left   atomic.Int64          // bytes that may still be read in this collection
	unused *time.Timer           // ends it where it is kept for nobody
}

// login begins a session. It returns what is known of it also with an error.
func (c *Collector) login(ctx context.Context, t desired.Target, cfg *pgconn.Config) (*session, error) {
	s := &session{to: net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))}
	if strings.HasPrefix(cfg.Host, "/") {
		s.to = cfg.Host
	}
	s.left.Store(maxRows)
	cfg.DialFunc = func(_ context.Context, network, address string) (net.Conn, error) {
		// What is dialed ends with its context, and a session with no collection.
		lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
		defer context.AfterFunc(ctx, cancel)()
		conn, err := c.asker.Connect(lasting, t.Unit, network, address)
		if err != nil {
			s.dialed.Store(&err)
			return nil, err
		}
		return metered{conn, &s.left}, nil
	}
	var err error
	s.conn, err = pgconn.ConnectConfig(ctx, cfg)
	return s, err
}

// ask asks everything, and reads each answer as texts.
func (s *session) ask(ctx context.Context) ([]rows, error) {
	return exchange(s.conn.Exec(ctx, pgQueries()))
}

// cut tells that an error means the end of a session and nothing else: another can be
// begun.
func (s *session) cut(ctx context.Context, err error) bool {
	var answered *pgconn.PgError
	switch {
	case err == nil, ctx.Err() != nil, s.left.Load() <= 0, errors.Is(err, errMuch):
		return false
	case errors.As(err, &answered):
		return strings.HasPrefix(answered.Code, "57P0") // it is told to go
	}
	return true
}

// end says goodbye. After an error pgconn would wait for the rest of the answer, so the
// connection is closed before.
func (s *session) end(failed bool) {
	if s.conn == nil {
		return
	}
	if failed {
		_ = s.conn.Conn().Close()
	}
	bye, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(bye)
	_ = s.conn.Conn().Close()
	<-s.conn.CleanupDone()
}
