package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// Names of errors that arise on our side of the wire. They are the ones that
// libdbus uses for the same conditions.
const (
	// NameNoServer: there is no way to systemd; nothing was sent.
	NameNoServer = "org.freedesktop.DBus.Error.NoServer"
	// NameDisconnected: the connection died after the call was sent; whether
	// it was carried out is unknown.
	NameDisconnected = "org.freedesktop.DBus.Error.Disconnected"
)

// Error is what systemd, the message bus or the connection answered instead of
// a result.
type Error struct {
	Name string // the D-Bus error name; compare this, never the text
	Text string
	Err  error // the cause, where the error arose on our side
}

func (e *Error) Error() string {
	if e.Text == "" {
		return e.Name
	}
	return e.Text
}

// Unwrap returns the cause, if any.
func (e *Error) Unwrap() error { return e.Err }

// BusName is Name, for callers that know errors by a method and not this package.
func (e *Error) BusName() string { return e.Name }

// Is makes two Errors of one name the same for errors.Is.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Name == e.Name
}

// ErrNoServer and ErrDisconnected are for errors.Is.
var (
	ErrNoServer     = &Error{Name: NameNoServer}
	ErrDisconnected = &Error{Name: NameDisconnected}
)

func noServer(err error) error {
	return &Error{Name: NameNoServer, Text: "no connection to systemd: " + err.Error(), Err: err}
}

func disconnected() error {
	return &Error{Name: NameDisconnected, Text: "the connection to systemd was lost, the outcome is unknown"}
}

// unanswered tells that a call was sent and never answered, because the
// connection died or systemd fell off the message bus.
func unanswered(err error) bool {
	return errors.Is(err, ErrDisconnected) || errors.Is(err, errNoReply)
}

var errNoReply = &Error{Name: "org.freedesktop.DBus.Error.NoReply"}

// convert turns what godbus returns into an *Error or a context's error.
func convert(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return err
	}
	var remote dbus.Error
	if errors.As(err, &remote) {
		return &Error{Name: remote.Name, Text: remote.Error()}
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Name: NameDisconnected, Text: fmt.Sprintf("the connection to systemd was lost, the outcome is unknown: %v", err)}
}
