package bus

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/godbus/dbus/v5"
)

// The ways to systemd.
const (
	viaSystem  = "system bus"
	viaPrivate = "private socket"
)

// link is one socket to systemd, from its dialling to its death.
type link struct {
	via   string
	owner *Conn
	wire  *wire
	conn  *dbus.Conn
	reads *reader
	jobs  *jobBook
	slots chan struct{} // bounds godbus' calls in flight
	queue chan struct{} // bounds jobs that are queued by us
	dead  chan struct{} // closed when the socket is

	generation uint64                 // set before anybody else sees the link
	systemd    atomic.Pointer[string] // its unique name on the message bus

	probing atomic.Bool

	hearing    sync.Mutex
	hears      bool // the Manager's signals come
	subscribed bool // …and the units'
}

// The system bus refuses more than 128 unanswered calls of a connection, and
// more than 512 match rules; PID 1 adds one of those for each job that is
// queued, and falls off the bus when it is refused. The private socket has no
// such limits, but more in flight gains nothing.
const (
	readSlots = 64
	callSlots = 48
	jobSlots  = 128
)

// open tries both ways, in the wanted order.
func open(ctx context.Context, c *Conn, privateFirst, subscribe bool) (*link, error) {
	ways := []string{viaSystem, viaPrivate}
	if os.Geteuid() != 0 {
		ways = ways[:1] // systemd lets nobody else in
	} else if privateFirst {
		ways[0], ways[1] = ways[1], ways[0]
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	var failed error
	for i, way := range ways {
		l, err := openOne(ctx, share(ctx, len(ways)-i), c, way, subscribe)
		if err == nil {
			return l, nil
		}
		if err = fmt.Errorf("%s: %w", way, err); failed != nil {
			err = fmt.Errorf("%w; %w", failed, err) // one line
		}
		if failed = err; ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// share gives one of n attempts its part of the time that is left.
func share(ctx context.Context, n int) time.Time {
	until, _ := ctx.Deadline()
	left := time.Until(until)
	return time.Now().Add(left / time.Duration(n))
}

func openOne(ctx context.Context, until time.Time, c *Conn, way string, subscribe bool) (*link, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	path := c.opts.SystemSocket
	if way == viaPrivate {
		path = c.opts.PrivateSocket
	}
	sock, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	l := &link{
		via: way, owner: c, reads: newReader(readSlots), jobs: newJobBook(),
		slots: make(chan struct{}, callSlots), queue: make(chan struct{}, jobSlots), dead: make(chan struct{}),
	}
	l.wire = newWire(sock, c.opts.Timeout, l.look)
	if l.conn, err = dbus.NewConn(l.wire, dbus.WithSignalHandler(l)); err != nil {
		sock.Close()
		return nil, err
	}
	if err := l.begin(ctx, until, subscribe); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// begin authenticates and proves that systemd answers. godbus' part of it knows
// no deadline, so the socket has one meanwhile.
func (l *link) begin(ctx context.Context, until time.Time, subscribe bool) error {
	if err := l.wire.sock.SetDeadline(until); err != nil {
		return err
	}
	if err := l.conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Geteuid()))}); err != nil {
		return fmt.Errorf("authenticate: %w", err)
	}
	var err error
	if l.via == viaSystem {
		err = l.greet(ctx)
	} else {
		err = l.ready(ctx)
	}
	if err != nil {
		return err
	}
	if err := l.wire.sock.SetDeadline(time.Time{}); err != nil {
		return err
	}
	if subscribe {
		return convert(l.subscribe(ctx))
	}
	return nil
}

// greet registers with the message bus, and finds out whether systemd has.
func (l *link) greet(ctx context.Context) error {
	if err := l.conn.Hello(); err != nil {
		return fmt.Errorf("greet the message bus: %w", err)
	}
	call := l.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, destination)
	var owner string
	if err := call.Store(&owner); err != nil {
		return fmt.Errorf("find systemd on the message bus: %w", err)
	}
	l.systemd.Store(&owner)
	return nil
}

// ready makes sure that PID 1 serves this connection. When PID 1 is busy and
// reads the end of the authentication together with the first message, that
// message lies in its buffer until more comes: so ping until one is answered.
func (l *link) ready(ctx context.Context) error {
	answered := make(chan *dbus.Call, 64)
	pause := 2 * time.Millisecond
	for range cap(answered) {
		l.conn.Object(destination, "/").GoWithContext(ctx, "org.freedesktop.DBus.Peer.Ping", 0, answered)
		select {
		case call := <-answered:
			return call.Err
		case <-l.dead:
			return disconnected()
		case <-time.After(pause):
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
	select {
	case call := <-answered:
		return call.Err
	case <-ctx.Done():
		return fmt.Errorf("ping systemd: %w", ctx.Err())
	}
}

// callRaw calls a Manager method and returns godbus' own errors.
func (l *link) callRaw(ctx context.Context, method string, args []any, out ...any) error {
	if err := l.enter(ctx, l.slots); err != nil {
		return err
	}
	defer func() { <-l.slots }()
	return l.conn.Object(destination, managerPath).CallWithContext(ctx, managerIface+"."+method, 0, args...).Store(out...)
}

// enter takes a slot. Nothing has been sent when it fails.
func (l *link) enter(ctx context.Context, slots chan struct{}) error {
	select {
	case slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-l.dead:
		return dbus.ErrClosed
	}
}

func (l *link) alive() bool {
	select {
	case <-l.dead:
		return false
	default:
		return l.conn.Connected()
	}
}

func (l *link) close() { l.conn.Close() }

// Terminate is called once by godbus when the connection ends, whoever ended it.
func (l *link) Terminate() {
	close(l.dead)
	l.reads.close()
	l.owner.lost(l)
}
