package ask

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// dialed is an error as package net makes it, with an address of our own in it.
func dialed(err error) error {
	return &net.OpError{
		Op: "dial", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 40123}, Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2), Port: 80},
		Err: os.NewSyscallError("connect", err),
	}
}

// What is ours is not held against the service, and what is the service's is.
func TestFaults(t *testing.T) {
	const class, ours = true, false
	for _, c := range []struct {
		err      error
		theirs   bool
		what     string // the class, or why it is not known
		internal string // else: the detail
	}{
		{dialed(syscall.ECONNREFUSED), class, state.ClassRefused, "nobody listens on x:80"},
		{dialed(syscall.ECONNRESET), class, state.ClassReset, "the connection was cut by x:80"},
		{dialed(syscall.EPIPE), class, state.ClassReset, "the connection was cut by x:80"},
		{io.ErrUnexpectedEOF, class, state.ClassReset, "the connection was cut by x:80"},
		{fmt.Errorf("read: %w", io.EOF), class, state.ClassReset, "the connection was cut by x:80"},
		{dialed(syscall.ETIMEDOUT), class, state.ClassTimeout, "no whole answer from x:80 within 1s"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, class, state.ClassTimeout, "no whole answer from x:80 within 1s"},
		{context.DeadlineExceeded, class, state.ClassTimeout, "no whole answer from x:80 within 1s"},
		{errors.New("malformed HTTP response"), class, state.ClassInvalid, "what x:80 answers cannot be read"},
		{tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, class, state.ClassInvalid, "it does not speak TLS"},

		{dialed(syscall.ENETUNREACH), ours, "no network leads to x:80", ""},
		{dialed(syscall.EHOSTUNREACH), ours, "no route leads to x:80", ""},
		{dialed(syscall.EADDRNOTAVAIL), ours, "this host has no address or port left to connect to x:80", ""},
		{dialed(syscall.EMFILE), ours, "evenkeel has too many files open to connect to x:80", ""},
		{dialed(syscall.ENFILE), ours, "this host has too many files open to connect to x:80", ""},
		{dialed(syscall.ENOBUFS), ours, "this host has no memory to connect to x:80", ""},
		{dialed(syscall.EACCES), ours, "evenkeel may not connect to x:80", ""},
		{dialed(syscall.EPERM), ours, "evenkeel may not connect to x:80", ""},
		{dialed(syscall.EAFNOSUPPORT), ours, "this host cannot speak with x:80", ""},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x", Server: "10.0.0.3:53", IsNotFound: true}}, ours, "DNS knows no x", ""},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: "x", Server: "10.0.0.3:53", IsTimeout: true}}, ours, "no answer from DNS about x", ""},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Err: "server misbehaving", Name: "x", Server: "10.0.0.3:53"}}, ours, "no answer from DNS about x", ""},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 2026-11-28T00:00:00Z is after 2026-11-27"}}, ours, "TLS: the certificate has expired, or is not valid yet", ""},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, ours, "TLS: this host does not know who signed the certificate", ""},
		{&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"}}, ours, "TLS: the certificate is for another name", ""},
		{&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}}, ours, "TLS: the certificate cannot be verified", ""},
		{&handshake{&net.OpError{Op: "remote error", Err: tls.AlertError(40)}}, ours, "TLS: tls: handshake failure", ""},
		{&handshake{errors.New("tls: server selected unsupported protocol version 301")}, ours, "TLS: this host and x:80 cannot agree on it", ""},
		{&handshake{io.EOF}, class, state.ClassReset, "the connection was cut by x:80"},
		{&net.OpError{Op: "dial", Err: &forbidden{"x is not this host"}}, ours, "x is not this host", ""},
	} {
		want := Sample{Err: c.what}
		if c.theirs {
			want = failed(c.what, c.internal)
		}
		if got := fault(c.err, unitProbe(desired.Probe{}), "x:80"); got.Class != want.Class || got.Detail != want.Detail || got.Err != want.Err {
			t.Errorf("%v: %+v; want %+v", c.err, got, want)
		}
	}
}
