package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pakashop/evenkeel/actuators"
)

// states are what a server says, by the beginning of its code, and what that
// means to who reads it.
var sqlStates = []struct {
	begins string
	kind   actuators.Kind
	means  string
}{
	{"28", actuators.Refused, "it does not accept the DSN's user or password"},
	{"3D000", actuators.NotFound, "it has no such database"},
	{"42501", actuators.Refused, "the role of the DSN may not do that"},
	{"53300", actuators.Unavailable, "it has no connection left for the role of the DSN; grant it pg_use_reserved_connections"},
	{"53", actuators.Unavailable, "it lacks memory, disk or connections"},
	{"57014", actuators.Timeout, "it did not answer in time"},
	{"57P", actuators.Unavailable, "it is starting, stopping, or ended our session"},
}

// plain says what went wrong without a word of the driver's or the server's: in
// those there may be parts of the DSN.
func plain(ctx context.Context, what string, connected bool, err error) error {
	kind, means := classify(ctx, err)
	if connected && kind == actuators.Unavailable {
		kind = actuators.Unknown // whether the last statement had its effect
	}
	return &actuators.Error{Kind: kind, Err: &hidden{what + ": " + means, err}}
}

// hidden tells what it means, and keeps the cause for errors.As alone.
type hidden struct {
	text  string
	cause error
}

func (h *hidden) Error() string { return h.text }

// As finds what a server said; nothing else of the cause is of use.
func (h *hidden) As(target any) bool {
	p, ok := target.(**pgconn.PgError)
	return ok && errors.As(h.cause, p)
}

func classify(ctx context.Context, err error) (actuators.Kind, string) {
	var server *pgconn.PgError
	var name *net.DNSError
	var number syscall.Errno
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var other x509.HostnameError
	switch {
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return actuators.Timeout, "it did not answer in time"
	case errors.As(err, &server):
		for _, s := range sqlStates {
			if strings.HasPrefix(server.Code, s.begins) {
				return s.kind, s.means + " (SQLSTATE " + server.Code + ")"
			}
		}
		return actuators.Failed, "it refused (SQLSTATE " + server.Code + ")"
	case errors.As(err, &name):
		return actuators.Unavailable, "the name of its host cannot be resolved"
	case errors.As(err, &alert), errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &other):
		return actuators.Refused, "its certificate is not trusted, or it does not accept ours"
	case errors.As(err, &number):
		return actuators.Unavailable, "the connection failed: " + number.Error()
	}
	return actuators.Unavailable, "the connection was lost or is of no use"
}
