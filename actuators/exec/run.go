package exec

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/pakashop/evenkeel/actuators"
)

// The bounds of what is run, beside its time.
const (
	maxTasks  = 256
	maxUser   = 1024 // processes and threads of the user, what else he runs included: where systemd cannot count tasks
	maxMemory = 1 << 30
	cpuWeight = 20              // of the 100 that others have
	polite    = 5 * time.Second // from SIGTERM to SIGKILL
)

// ending is how a program ended, in systemd's words.
type ending struct {
	result  string        // success, exit-code, signal, core-dump, timeout, oom-kill, …
	code    int32         // CLD_EXITED, CLD_KILLED, …
	status  int32         // an exit code or a signal
	ran     time.Duration // the program itself
	took    time.Duration // until nothing of it was left
	output  string        // the end of it
	written int64         // bytes of output
}

// unitName is the service of a run: always the same for a Key, so that systemd
// itself refuses a second one.
func unitName(key string) string {
	id := make([]byte, 8)
	if key == "" {
		_, _ = rand.Read(id) // never fails
	} else {
		sum := sha256.Sum256([]byte(key))
		copy(id, sum[:])
	}
	return "evenkeel-exec-" + hex.EncodeToString(id) + ".service"
}

// unitPath is where the bus has a unit with a name of unitName's.
func unitPath(name string) dbus.ObjectPath {
	return dbus.ObjectPath("/org/freedesktop/systemd1/unit/" + strings.NewReplacer("-", "_2d", ".", "_2e").Replace(name))
}

// run has systemd run the program, and returns when nothing of it is left. An
// error of another kind than Timeout or Unknown says that it was not run.
func (c command) run(ctx context.Context, key string) (ending, error) {
	s, err := open(unitName(key))
	if err != nil {
		return ending{}, err
	}
	defer s.close()
	out, err := newOutput()
	if err != nil {
		return ending{}, actuators.Errorf(actuators.Unavailable, "make a pipe: %w", err)
	}
	defer out.close()
	began := time.Now()
	if err := s.start(ctx, c.properties(s.name, out.w)); err != nil {
		return ending{}, err
	}
	out.begin()
	e, err := s.wait(ctx)
	if err != nil {
		s.kill()
		return ending{}, err
	}
	e.took = time.Since(began)
	e.output, e.written = out.end()
	return e, nil
}

type property struct {
	Name  string
	Value dbus.Variant
}

// execStart is a command as systemd takes it, with flags.
type execStart struct {
	Path  string
	Argv  []string
	Flags []string
}

func (c command) properties(name string, out *os.File) []property {
	fd := dbus.MakeVariant(dbus.UnixFD(out.Fd()))
	argv := append([]string{c.program}, c.args...)
	return []property{
		{"Description", dbus.MakeVariant("evenkeel runs " + c.program)},
		{"Type", dbus.MakeVariant("exec")},
		{"ExecStartEx", dbus.MakeVariant([]execStart{{c.program, argv, []string{"no-env-expand"}}})},
		{"User", dbus.MakeVariant(c.user)},
		{"WorkingDirectory", dbus.MakeVariant("/")},
		{"StandardInput", dbus.MakeVariant("null")},
		{"StandardOutputFileDescriptor", fd},
		{"StandardErrorFileDescriptor", fd},
		{"RuntimeMaxUSec", dbus.MakeVariant(uint64(c.timeout.Microseconds()))},
		{"TimeoutStopUSec", dbus.MakeVariant(uint64(polite.Microseconds()))},
		{"KillMode", dbus.MakeVariant("control-group")},
		{"SendSIGKILL", dbus.MakeVariant(true)},
		{"TasksMax", dbus.MakeVariant(uint64(maxTasks))},
		{"LimitNPROC", dbus.MakeVariant(uint64(maxUser))},
		{"MemoryMax", dbus.MakeVariant(uint64(maxMemory))},
		{"CPUWeight", dbus.MakeVariant(uint64(cpuWeight))},
		{"LimitCORE", dbus.MakeVariant(uint64(0))},
		{"NoNewPrivileges", dbus.MakeVariant(true)},
		{"CollectMode", dbus.MakeVariant("inactive-or-failed")},
		{"AddRef", dbus.MakeVariant(true)}, // until we have read how it ended
	}
}

const (
	systemd = "org.freedesktop.systemd1"
	manager = systemd + ".Manager."
	unit    = systemd + ".Unit."
	service = systemd + ".Service."
)

// patience bounds a call to systemd.
const patience = 10 * time.Second

// transient is a service that lives as long as what it runs.
type transient struct {
	name    string
	conn    *dbus.Conn
	signals chan *dbus.Signal
}

func open(name string) (*transient, error) {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, actuators.Errorf(actuators.Unavailable, "reach systemd by the message bus: %w", err)
	}
	t := &transient{name: name, conn: conn, signals: make(chan *dbus.Signal, 64)}
	conn.Signal(t.signals)
	return t, nil
}

func (t *transient) close() { _ = t.conn.Close() } // with it systemd forgets the service

func (t *transient) call(ctx context.Context, path dbus.ObjectPath, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.conn.Object(systemd, path).CallWithContext(ctx, method, 0, args...)
}

// start has the service started. An error says that it was not, but for Unknown.
func (t *transient) start(ctx context.Context, p []property) error {
	const path = dbus.ObjectPath("/org/freedesktop/systemd1")
	err := t.call(ctx, path, manager+"Subscribe").Err
	if err == nil {
		err = t.conn.AddMatchSignalContext(ctx, dbus.WithMatchObjectPath(unitPath(t.name)), dbus.WithMatchInterface("org.freedesktop.DBus.Properties"))
	}
	if err != nil {
		return actuators.Errorf(actuators.Unavailable, "ask systemd: %w", err)
	}
	err = t.call(ctx, path, manager+"StartTransientUnit", t.name, "fail", p, []struct {
		Name       string
		Properties []property
	}{}).Err
	var refused dbus.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Name == systemd+".UnitExists":
		return actuators.Errorf(actuators.Conflict, "it still runs")
	case errors.As(err, &refused):
		return actuators.Errorf(actuators.Refused, "systemd does not run it: %w", err)
	}
	t.kill()
	return actuators.Errorf(actuators.Unknown, "systemd did not answer: %w", err)
}

// wait returns when the service has ended, all that it started included.
func (t *transient) wait(ctx context.Context) (ending, error) {
	again := time.NewTicker(time.Second) // should a signal be lost
	defer again.Stop()
	for {
		ended, err := t.ended(ctx)
		if err == nil && ended {
			return t.ending(ctx)
		}
		if err != nil && ctx.Err() == nil && !(errors.Is(err, context.DeadlineExceeded) && t.conn.Connected()) {
			return ending{}, actuators.Errorf(actuators.Unknown, "it was begun, and then systemd did not answer: %w", err)
		}
		select {
		case <-ctx.Done():
			return ending{}, actuators.Errorf(actuators.Timeout, "it was ended before its time: %w", ctx.Err())
		case <-t.signals:
		case <-again.C:
		}
	}
}

// ended tells whether the service is over: neither active nor about to be.
func (t *transient) ended(ctx context.Context) (bool, error) {
	var state string
	var job struct {
		ID   uint32
		Path dbus.ObjectPath
	}
	if err := t.get(ctx, unit+"Job", &job); err != nil || job.ID != 0 {
		return false, err
	}
	err := t.get(ctx, unit+"ActiveState", &state)
	return state == "inactive" || state == "failed", err
}

func (t *transient) ending(ctx context.Context) (e ending, err error) {
	var began, ended uint64 // microseconds
	err = errors.Join(
		t.get(ctx, service+"Result", &e.result), t.get(ctx, service+"ExecMainCode", &e.code), t.get(ctx, service+"ExecMainStatus", &e.status),
		t.get(ctx, service+"ExecMainStartTimestampMonotonic", &began), t.get(ctx, service+"ExecMainExitTimestampMonotonic", &ended),
	)
	e.ran = time.Duration(ended-began) * time.Microsecond
	if err != nil {
		err = actuators.Errorf(actuators.Unknown, "it has ended, and systemd does not say how: %w", err)
	}
	return e, err
}

// get reads one property.
func (t *transient) get(ctx context.Context, name string, into any) error {
	dot := strings.LastIndexByte(name, '.')
	var v dbus.Variant
	err := t.call(ctx, unitPath(t.name), "org.freedesktop.DBus.Properties.Get", name[:dot], name[dot+1:]).Store(&v)
	if err != nil {
		return err
	}
	return v.Store(into)
}

// kill ends the service at once, and waits until it has.
func (t *transient) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), polite)
	defer cancel()
	const path = dbus.ObjectPath("/org/freedesktop/systemd1")
	if t.call(ctx, path, manager+"KillUnit", t.name, "all", int32(9)).Err != nil {
		return // it is over, or its own limit will end it
	}
	_, _ = t.wait(ctx)
}
