package ask

import (
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// nobodyListens is a port that was free a moment ago.
func nobodyListens(t *testing.T) *desired.Port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return (&peer{Listener: l}).port()
}

// blackhole is a port where connections are neither accepted nor refused: its
// queue is full, so that the kernel drops who knocks.
func blackhole(t *testing.T) *desired.Port {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port := name.(*syscall.SockaddrInet4).Port
	c, err := net.Dial("tcp", (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &desired.Port{Number: port}
}

// as names the address of a port in what is wanted.
func as(s Sample, port *desired.Port) Sample {
	s.Detail = strings.ReplaceAll(s.Detail, "ADDRESS", at("", port, 0).String())
	return s
}

func TestTCP(t *testing.T) {
	for _, c := range []struct {
		name string
		port func(*testing.T) *desired.Port
		want Sample
	}{
		{"somebody accepts", func(t *testing.T) *desired.Port { return serve(t, func(_ *peer, c net.Conn) { request(c) }).port() }, Sample{}},
		{"nobody listens", nobodyListens, failed(state.ClassRefused, "nobody listens on ADDRESS")},
		{"a black hole", blackhole, failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := c.port(t)
			got := once(t, New(Options{}), unitProbe(desired.Probe{TCPSocket: &desired.TCPSocket{Port: port}}))
			if want := as(c.want, port); !reflect.DeepEqual(got, want) {
				t.Errorf("%+v; want %+v", got, want)
			}
		})
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	probe := unitProbe(desired.Probe{Unix: &desired.Unix{Path: path}})
	ask := func(what string, want Sample) {
		t.Helper()
		want.Detail = strings.ReplaceAll(want.Detail, "PATH", path)
		if got := once(t, New(Options{}), probe); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v; want %+v", what, got, want)
		}
	}
	ask("no file", failed(state.ClassRefused, "there is no socket at PATH"))
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ask("a file", failed(state.ClassRefused, "nobody listens on PATH"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}

	// A queue that is full: connecting does not even wait.
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	ask("somebody listens", Sample{})
	ask("he accepts nothing", failed(state.ClassTimeout, "no whole answer from PATH within 1s"))
	syscall.Close(fd)
	ask("a socket that is left behind", failed(state.ClassRefused, "nobody listens on PATH"))
}

func TestRedis(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(*peer, net.Conn)
		want  Sample
	}{
		{"well", says("+PONG\r\n"), Sample{}},
		{"it wants a password", says("-NOAUTH Authentication required.\r\n"), Sample{}},
		{"this user may not ask", says("-NOPERM this user has no permissions to run the 'ping' command\r\n"), Sample{}},
		{"it reads its data", says("-LOADING Redis is loading the dataset in memory\r\n"), failed(state.ClassStatus, "Redis answers LOADING")},
		{"it cannot write its data", says("-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n"), failed(state.ClassStatus, "Redis answers MISCONF")},
		{"it is busy with a script", says("-BUSY Redis is busy running a script.\r\n"), failed(state.ClassStatus, "Redis answers BUSY")},
		{"something else answers", says("220 mail.example ESMTP\r\n"), failed(state.ClassInvalid, "what ADDRESS answers is not Redis'")},
		{"an endless line", flood("+", "xxxx", -1), failed(state.ClassInvalid, "what ADDRESS answers is not Redis'")},
		{"half a line", drip("+PON", 0), failed(state.ClassReset, "the connection was cut by ADDRESS")},
		{"no answer", func(_ *peer, c net.Conn) { request(c); request(c) }, failed(state.ClassTimeout, "no whole answer from ADDRESS within 1s")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := serve(t, c.serve)
			for _, r := range []*desired.Redis{{Port: p.port()}, {Address: p.Addr().String()}} {
				got := once(t, New(Options{}), unitProbe(desired.Probe{Redis: r}))
				if want := as(c.want, p.port()); !reflect.DeepEqual(got, want) {
					t.Errorf("%+v; want %+v", got, want)
				}
			}
		})
	}
}
