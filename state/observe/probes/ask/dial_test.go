package ask

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/pakashop/evenkeel/desired"
)

// SEC-19: where a probe may go, whatever its name resolves to.
func TestWhereAProbeMayGo(t *testing.T) {
	own := "192.0.2.7"
	for _, c := range []struct {
		address        string
		unit, endpoint bool
	}{
		{"127.0.0.1:80", true, true},
		{"127.8.8.8:80", true, true},
		{"[::1]:80", true, true},
		{"0.0.0.0:80", true, true},
		{"[::ffff:127.0.0.1]:80", true, true},
		{"192.0.2.7:80", true, true}, // this host's own
		{"[::ffff:192.0.2.7]:80", true, true},
		{"192.0.2.8:80", false, true},
		{"8.8.8.8:443", false, true},
		{"[2001:db8::1]:443", false, true},
		{"169.254.169.254:80", false, false},
		{"[::ffff:169.254.169.254]:80", false, false},
		{"[fe80::1%lo]:80", false, false},
		{"[fd00:ec2::254]:80", false, false},
		{"100.100.100.200:80", false, false},
		{"224.0.0.1:80", false, false},
	} {
		a := New(Options{})
		a.here.has(netip.MustParseAddr("203.0.113.1")) // read once
		a.here.set = map[netip.Addr]bool{netip.MustParseAddr(own): true}
		for _, p := range []struct {
			probe desired.Probing
			want  bool
		}{{unitProbe(desired.Probe{}), c.unit}, {endpointProbe(desired.Probe{}), c.endpoint}} {
			err := a.allowed(p.probe, "x", c.address)
			var no *forbidden
			if (err == nil) != p.want || err != nil && !errors.As(err, &no) {
				t.Errorf("%s to %s: %v; want %v", p.probe.Name, c.address, err, p.want)
			}
		}
	}
}

func TestThisHostsOwnAddresses(t *testing.T) {
	var a addresses
	all, err := net.InterfaceAddrs()
	if err != nil || len(all) == 0 {
		t.Fatal(err)
	}
	for _, one := range all {
		ip := netip.MustParsePrefix(one.String()).Addr()
		if !a.has(ip) {
			t.Errorf("%v is this host's", ip)
		}
	}
	if a.has(netip.MustParseAddr("203.0.113.1")) {
		t.Error("an address of a textbook is this host's")
	}
}

// resolver answers every question about IPv4 with one address, or that there is
// no such name; no address and no name: it does not answer at all.
func resolver(t *testing.T, address string, answers bool) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan bool)
	t.Cleanup(func() { c.Close(); <-ended })
	go func() {
		defer close(ended)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if !answers || m.Unpack(b[:n]) != nil {
				continue
			}
			m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
			switch {
			case address == "":
				m.RCode = dnsmessage.RCodeNameError
			case m.Questions[0].Type == dnsmessage.TypeA:
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(address).As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	}()
	// Package net waits for an answer in a goroutine of its own, after who asked
	// for it has given up.
	var mu sync.Mutex
	var asking []net.Conn
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, one := range asking {
			one.Close()
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		one, err := d.DialContext(ctx, "udp", c.LocalAddr().String())
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			asking = append(asking, one)
		}
		return one, err
	}}
}

func TestNames(t *testing.T) {
	p := serve(t, func(_ *peer, c net.Conn) { request(c) })
	for _, c := range []struct {
		name     string
		resolver *net.Resolver
		probe    func(desired.Probe) desired.Probing
		err      string
	}{
		{"a name of this host", resolver(t, "127.0.0.1", true), unitProbe, ""},
		{"an Endpoint's name", resolver(t, "127.0.0.1", true), endpointProbe, ""},
		{"rebinding to the metadata of a cloud", resolver(t, "169.254.169.254", true), endpointProbe, "bank.example is 169.254.169.254, an address of the link or of the cloud itself, and is never asked"},
		{"a unit's name that is another host", resolver(t, "203.0.113.1", true), unitProbe, "bank.example is not this host; what runs elsewhere is asked by an Endpoint"},
		{"DNS knows no such name", resolver(t, "", true), endpointProbe, "DNS knows no bank.example"},
		{"DNS is dead", resolver(t, "", false), endpointProbe, "no answer from DNS about bank.example"},
	} {
		a := New(Options{})
		a.resolver = c.resolver
		if got := once(t, a, c.probe(desired.Probe{TCPSocket: &desired.TCPSocket{Host: "bank.example", Port: p.port()}})); got.Err != c.err || got.Class != "" {
			t.Errorf("%s: %+v; want %q", c.name, got, c.err)
		}
	}
}
