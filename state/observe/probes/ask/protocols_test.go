package ask

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

func grpcServer(t *testing.T, checks bool) *desired.Port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	if checks {
		h := health.NewServer()
		h.SetServingStatus("sick", healthpb.HealthCheckResponse_NOT_SERVING)
		healthpb.RegisterHealthServer(s, h)
	}
	ended := make(chan error)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-ended })
	return (&peer{Listener: l}).port()
}

func TestGRPC(t *testing.T) {
	well := grpcServer(t, true)
	for _, c := range []struct {
		name, service string
		port          *desired.Port
		want          Sample
	}{
		{"it serves", "", well, Sample{}},
		{"it does not", "sick", well, failed(state.ClassStatus, "it says NOT_SERVING")},
		{"no such service", "none", well, failed(state.ClassStatus, "it knows no service none")},
		{"no health service", "", grpcServer(t, false), failed(state.ClassInvalid, "it does not speak gRPC's health protocol")},
		{"nobody listens", "", nobodyListens(t), failed(state.ClassRefused, "nobody listens on ADDRESS")},
		{"it hangs", "", serve(t, func(_ *peer, c net.Conn) {
			for request(c) != "" {
			}
		}).port(), failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"something else answers", "", serve(t, says("HTTP/1.1 400 Bad Request\r\n\r\n")).port(), failed(state.ClassInvalid, "what ADDRESS answers is not gRPC")},
		{"it hangs up", "", serve(t, func(*peer, net.Conn) {}).port(), failed(state.ClassInvalid, "what ADDRESS answers is not gRPC")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := once(t, New(Options{}), unitProbe(desired.Probe{GRPC: &desired.GRPC{Port: c.port, Service: c.service}}))
			if want := as(c.want, c.port); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}
}

// pg is a message of PostgreSQL's protocol.
func pg(kind byte, body string) string {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(4+len(body)))
	return string(b) + body
}

func pgError(code string) string {
	return pg('E', "SFATAL\x00VFATAL\x00C"+code+"\x00Mmessage with the time 12:03\x00\x00")
}

var (
	pgWelcome = pg('R', "\x00\x00\x00\x00") + pg('S', "server_version\x0015\x00") + pg('K', "\x00\x00\x00\x01\x00\x00\x00\x02") + pg('Z', "I")
	pgOne     = pg('T', "\x00\x01?column?\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00") + pg('D', "\x00\x01\x00\x00\x00\x011") + pg('C', "SELECT 1\x00") + pg('Z', "I")
	pgScram   = pg('R', "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00")
	pgMD5     = pg('R', "\x00\x00\x00\x05salt")
)

// turns answers each message with the next text, and hangs after the last.
func turns(texts ...string) func(*peer, net.Conn) {
	return func(p *peer, c net.Conn) {
		for _, text := range texts {
			if request(c) == "" || !p.write(c, text) {
				return
			}
		}
		for request(c) != "" {
		}
	}
}

func TestPostgresWithoutADSN(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(*peer, net.Conn)
		want  Sample
	}{
		{"it trusts us, and answers", turns(pgWelcome, pgOne), Sample{}},
		{"it asks for a password", turns(pgScram), Sample{}},
		{"it asks for a password, in the old way", turns(pgMD5), Sample{}},
		{"it does not let us in", turns(pgError("28000")), Sample{}},
		{"it has no such database", turns(pgError("3D000")), Sample{}},
		{"it is starting", turns(pgError("57P03")), failed(state.ClassStatus, "PostgreSQL answers 57P03: it is starting or stopping")},
		{"it is full", turns(pgError("53300")), failed(state.ClassStatus, "PostgreSQL answers 53300: too many connections")},
		{"it welcomes and fails", turns(pgWelcome, pgError("XX000")), failed(state.ClassStatus, "PostgreSQL answers XX000")},
		{"it welcomes and hangs", turns(pgWelcome), failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"it hangs", turns(), failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"it hangs up", func(_ *peer, c net.Conn) { request(c) }, failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"a message of 1 GB", turns("R\x3f\xff\xff\xff"), failed(state.ClassInvalid, "what ADDRESS answers is not PostgreSQL's")},
		{"something else answers", says("HTTP/1.1 400 Bad Request\r\n\r\n"), failed(state.ClassInvalid, "what ADDRESS answers is not PostgreSQL's")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, c.serve)
			got := once(t, New(Options{}), unitProbe(desired.Probe{Postgres: &desired.Postgres{Port: p.port()}}))
			if want := as(c.want, p.port()); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}
}

func TestPostgresWithADSN(t *testing.T) {
	const canary = "hunter2"
	for _, c := range []struct {
		name  string
		serve func(*peer, net.Conn)
		want  Sample
	}{
		{"it answers", turns(pgWelcome, pgOne), Sample{}},
		{"it does not want the password", turns(pgError("28P01")), unknown("PostgreSQL does not let in whom the dsn names")},
		{"it has no such database", turns(pgError("3D000")), unknown("PostgreSQL has no database of the name in the dsn")},
		{"it is starting", turns(pgError("57P03")), failed(state.ClassStatus, "PostgreSQL answers 57P03: it is starting or stopping")},
		{"it is full", turns(pgError("53300")), failed(state.ClassStatus, "PostgreSQL answers 53300: too many connections")},
		{"the question fails", turns(pgWelcome, pgError("57P01")), failed(state.ClassStatus, "PostgreSQL answers 57P01: it is being stopped")},
		{"it hangs", turns(), failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"it hangs at the question", turns(pgWelcome), failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
		{"it hangs up", func(_ *peer, c net.Conn) { request(c) }, failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"a message of 1 GB", turns("R\x3f\xff\xff\xff"), failed(state.ClassInvalid, "what ADDRESS answers is not PostgreSQL's")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, c.serve)
			a := New(Options{Secret: func(context.Context, desired.Secret) (string, error) {
				return "postgres://app:" + canary + "@" + p.Addr().String() + "/app?sslmode=disable", nil
			}})
			got := once(t, a, unitProbe(desired.Probe{Postgres: &desired.Postgres{DSN: &desired.Secret{FromCredential: "pg"}}}))
			if want := as(c.want, p.port()); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}
	probe := unitProbe(desired.Probe{Postgres: &desired.Postgres{DSN: &desired.Secret{FromCredential: "pg"}}})
	for _, c := range []struct{ dsn, err, want string }{
		{"postgres://app:" + canary + "@127.0.0.1:notaport/app", "", "the dsn is not one of PostgreSQL"},
		{"host=203.0.113.1 user=app password=" + canary + " sslmode=disable", "", "203.0.113.1 is not this host; what runs elsewhere is asked by an Endpoint"},
		{"", "there is no credential pg in /etc/evenkeel/credentials", "there is no credential pg in /etc/evenkeel/credentials"},
	} {
		a := New(Options{Secret: func(context.Context, desired.Secret) (string, error) {
			if c.err != "" {
				return "", errors.New(c.err)
			}
			return c.dsn, nil
		}})
		if got := once(t, a, probe); got.Err != c.want || strings.Contains(got.Err, canary) {
			t.Errorf("%s: %+v", c.dsn, got)
		}
	}
	if got := once(t, New(Options{}), probe); got.Err == "" {
		t.Errorf("without secrets: %+v", got)
	}
}
