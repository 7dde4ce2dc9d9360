package ask

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// postgres asks for SELECT 1. Without a dsn it only knocks, as pg_isready does: a
// server that asks who is there accepts connections. It says no more then, so
// that nothing is written to the server's log.
func (a *Asker) postgres(ctx context.Context, p desired.Probing) Sample {
	if p.Probe.Postgres.DSN != nil {
		return a.login(ctx, p)
	}
	to := at(p.Probe.Postgres.Host, p.Probe.Postgres.Port, 5432)
	c, err := a.dial(ctx, p, to)
	if err != nil {
		return fault(err, p, to.String())
	}
	defer c.Close()
	f := pgproto3.NewFrontend(c, c)
	f.SetMaxBodyLen(maxBody)
	f.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{
		"user": "postgres", "database": "postgres", "application_name": agent,
	}})
	err = f.Flush()
	for asked := false; err == nil; {
		var m pgproto3.BackendMessage
		m, err = f.Receive()
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			return refusal(m.Code)
		case *pgproto3.AuthenticationOk, *pgproto3.ParameterStatus, *pgproto3.BackendKeyData, *pgproto3.NoticeResponse,
			*pgproto3.RowDescription, *pgproto3.DataRow, *pgproto3.CommandComplete:
		case *pgproto3.ReadyForQuery:
			if asked {
				f.Send(&pgproto3.Terminate{})
				_ = f.Flush()
				return Sample{}
			}
			asked = true
			f.Send(&pgproto3.Query{String: "SELECT 1"})
			err = f.Flush()
		case pgproto3.AuthenticationResponseMessage:
			return Sample{}
		default:
			if err == nil {
				return failed(state.ClassInvalid, "what "+to.String()+" answers is not PostgreSQL's")
			}
		}
	}
	return broken(err, p, to.String())
}

// refusal tells what an error of a server means to somebody who only knocks: it
// accepts connections, even if not ours.
func refusal(code string) Sample {
	if strings.HasPrefix(code, "28") || code == "3D000" {
		return Sample{}
	}
	return failed(state.ClassStatus, pgWords(code))
}

// pgWords is what an error of a server says, in English, without names.
func pgWords(code string) string {
	words := map[string]string{
		"53300": ": too many connections", "57P03": ": it is starting or stopping", "57P01": ": it is being stopped", "57P02": ": another of its processes crashed",
	}
	if len(code) != 5 {
		return "PostgreSQL answers with an error"
	}
	return "PostgreSQL answers " + code + words[code]
}

// broken is fault for what speaks PostgreSQL's protocol, or does not.
func broken(err error, p desired.Probing, to string) Sample {
	s := fault(err, p, to)
	if s.Class == state.ClassInvalid {
		s.Detail = "what " + to + " answers is not PostgreSQL's"
	}
	return s
}

// login asks with the name and password of a dsn. That the server does not want
// them is no failure of the server.
func (a *Asker) login(ctx context.Context, p desired.Probing) Sample {
	cfg, s := a.config(ctx, p)
	if cfg == nil {
		return s
	}
	to := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	var dialed atomic.Pointer[error] // pgconn keeps the text of it alone where it tries several ways
	cfg.DialFunc = func(_ context.Context, network, address string) (c net.Conn, err error) {
		if network == "unix" {
			c, err = dialUnix(ctx, address)
		} else {
			host, port, _ := net.SplitHostPort(address)
			n, _ := strconv.Atoi(port)
			c, err = a.dial(ctx, p, target{host, n})
		}
		if err != nil {
			dialed.Store(&err)
		}
		return c, err
	}
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err == nil {
		_, err = c.Exec(ctx, "SELECT 1").ReadAll()
		_ = c.Close(ctx)
		_ = c.Conn().Close() // after an error pgconn would wait another 15 s for the server
		<-c.CleanupDone()
	}
	var answered *pgconn.PgError
	switch {
	case err == nil:
		return Sample{}
	case errors.As(err, &answered) && strings.HasPrefix(answered.Code, "28"):
		return unknown("PostgreSQL does not let in whom the dsn names")
	case errors.As(err, &answered) && answered.Code == "3D000":
		return unknown("PostgreSQL has no database of the name in the dsn")
	case errors.As(err, &answered):
		return failed(state.ClassStatus, pgWords(answered.Code))
	case dialed.Load() != nil:
		err = *dialed.Load()
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return broken(err, p, to)
}

// config reads the dsn. Its text reaches nobody, not even in an error.
func (a *Asker) config(ctx context.Context, p desired.Probing) (*pgconn.Config, Sample) {
	if a.opt.Secret == nil {
		return nil, unknown("the dsn is a secret, and none can be read here")
	}
	dsn, err := a.opt.Secret(ctx, *p.Probe.Postgres.DSN)
	if err != nil {
		return nil, unknown(err.Error())
	}
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, unknown("the dsn is not one of PostgreSQL")
	}
	cfg.RuntimeParams["application_name"] = agent
	cfg.MaxProtocolMessageBodyLen = maxBody
	cfg.OnNotice = nil
	// A name is looked up, and what it means is checked, when it is dialed.
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	return cfg, Sample{}
}
