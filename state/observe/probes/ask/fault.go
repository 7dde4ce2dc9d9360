package ask

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// faults say what errors mean, in words that name neither a moment nor a port of
// our own. Ours are those with which the kernel says that it could not even try:
// they are no evidence against the service.
var faults = []struct {
	is    error
	class string // empty: ours
	words string
}{
	{syscall.ECONNREFUSED, state.ClassRefused, "nobody listens on "},
	{syscall.ENOENT, state.ClassRefused, "there is no socket at "},
	{syscall.ENOTSOCK, state.ClassRefused, "there is no socket at "},
	{syscall.ECONNRESET, state.ClassReset, "the connection was cut by "},
	{syscall.ECONNABORTED, state.ClassReset, "the connection was cut by "},
	{syscall.EPIPE, state.ClassReset, "the connection was cut by "},
	{io.ErrUnexpectedEOF, state.ClassReset, "the connection was cut by "},
	{io.EOF, state.ClassReset, "the connection was cut by "},

	{syscall.ENETUNREACH, "", "no network leads to "},
	{syscall.ENETDOWN, "", "no network leads to "},
	{syscall.EHOSTUNREACH, "", "no route leads to "},
	{syscall.EHOSTDOWN, "", "no route leads to "},
	{syscall.EADDRNOTAVAIL, "", "this host has no address or port left to connect to "},
	{syscall.EAFNOSUPPORT, "", "this host cannot speak with "},
	{syscall.EMFILE, "", "evenkeel has too many files open to connect to "},
	{syscall.ENFILE, "", "this host has too many files open to connect to "},
	{syscall.ENOBUFS, "", "this host has no memory to connect to "},
	{syscall.ENOMEM, "", "this host has no memory to connect to "},
	{syscall.EACCES, "", "evenkeel may not connect to "},
	{syscall.EPERM, "", "evenkeel may not connect to "},
}

// fault tells what an error of a connection says of what was asked.
func fault(err error, p desired.Probing, to string) Sample {
	var no *forbidden
	var dns *net.DNSError
	switch {
	case errors.As(err, &no):
		return unknown(no.why)
	case errors.As(err, &dns) && dns.IsNotFound:
		return unknown("DNS knows no " + dns.Name)
	case errors.As(err, &dns):
		return unknown("no answer from DNS about " + dns.Name)
	case timeOut(err) && loopback(to) && loopbackDown():
		return unknown("the loopback interface of this host is down")
	case timeOut(err):
		return late(to, patience(p))
	}
	if s, ok := certificate(err); ok {
		return s
	}
	for _, f := range faults {
		switch {
		case !errors.Is(err, f.is):
		case f.class == "":
			return unknown(f.words + to)
		default:
			return failed(f.class, f.words+to)
		}
	}
	var shake *handshake
	if errors.As(err, &shake) {
		return unknown("TLS: this host and " + to + " cannot agree on it")
	}
	return failed(state.ClassInvalid, "what "+to+" answers cannot be read")
}

// handshake is an error of the beginning of TLS.
type handshake struct{ error }

func (h *handshake) Unwrap() error { return h.error }

func timeOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.ETIMEDOUT)
}

func loopback(to string) bool {
	ip, err := netip.ParseAddrPort(to)
	return err == nil && ip.Addr().IsLoopback()
}

// loopbackDown tells why nobody on this host answers: the kernel lets those who
// connect over it wait.
func loopbackDown() bool {
	all, err := net.Interfaces()
	return err == nil && !slices.ContainsFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0
	})
}

// certificate tells of errors of TLS. That a certificate cannot be verified may
// be this host's own affair: its clock, its list of authorities.
func certificate(err error) (Sample, bool) {
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var verify *tls.CertificateVerificationError
	var alert tls.AlertError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return untrusted("the certificate has expired, or is not valid yet"), true
	case errors.As(err, &authority):
		return untrusted("this host does not know who signed the certificate"), true
	case errors.As(err, &name):
		return untrusted("the certificate is for another name"), true
	case errors.As(err, &invalid), errors.As(err, &verify):
		return untrusted("the certificate cannot be verified"), true
	case errors.As(err, &alert):
		return unknown("TLS: " + alert.Error()), true
	case errors.As(err, &header):
		return failed(state.ClassInvalid, "it does not speak TLS"), true
	}
	return Sample{}, false
}
