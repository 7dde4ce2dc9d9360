package crash_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

const (
	manager = "org.freedesktop.systemd1.Manager"
	pid1    = "org.freedesktop.systemd1"
)

// witness is what stands beside the message bus: it hears every call that
// anybody makes to systemd's manager.
type busWitness struct {
	own     *dbus.Conn // for calls of our own
	mu      sync.Mutex
	calls   map[string]int // by "Member argument"
	modes   map[string]int // job modes asked for, by mode
	barrier map[string]chan struct{}
	n       int
}

var theBus = sync.OnceValues(listen)

// bus returns the one witness of this host.
func bus(t *testing.T) *busWitness {
	t.Helper()
	w, err := theBus()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func listen() (*busWitness, error) {
	own, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, err
	}
	ears, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, err
	}
	rules := []string{"type='method_call',interface='" + manager + "'"}
	if err := ears.BusObject().Call("org.freedesktop.DBus.Monitoring.BecomeMonitor", 0, rules, uint32(0)).Err; err != nil {
		return nil, fmt.Errorf("listen to the message bus: %w", err)
	}
	w := &busWitness{own: own, calls: map[string]int{}, modes: map[string]int{}, barrier: map[string]chan struct{}{}}
	heard := make(chan *dbus.Message, 4096)
	ears.Eavesdrop(heard)
	go func() {
		for m := range heard {
			w.hear(m)
		}
	}()
	return w, nil
}

func (w *busWitness) hear(m *dbus.Message) {
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	arg := ""
	if len(m.Body) > 0 {
		arg, _ = m.Body[0].(string)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls[strings.TrimSpace(member+" "+arg)]++
	if mode, ok := last(m.Body); ok && strings.HasSuffix(member, "Unit") && len(m.Body) == 2 {
		w.modes[mode]++
	}
	if c := w.barrier[arg]; c != nil {
		close(c)
		delete(w.barrier, arg)
	}
}

func last(body []any) (string, bool) {
	if len(body) == 0 {
		return "", false
	}
	s, ok := body[len(body)-1].(string)
	return s, ok
}

// count says how often a call was made until now.
func (w *busWitness) count(call string) int {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[call]
}

// jobModes counts the jobs that were asked for until now, by mode.
func (w *busWitness) jobModes() map[string]int {
	w.sync()
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.modes)
}

// sync waits until everything that was said before now was heard.
func (w *busWitness) sync() {
	w.mu.Lock()
	w.n++
	name, heard := fmt.Sprintf("barrier-%d.service", w.n), make(chan struct{})
	w.barrier[name] = heard
	w.mu.Unlock()
	w.own.Object(pid1, "/org/freedesktop/systemd1").Call(manager+".GetUnit", 0, name)
	<-heard
}

// active is the ActiveState of a unit.
func (w *busWitness) active(unit string) string {
	return w.get(unit, "org.freedesktop.systemd1.Unit.ActiveState")
}

func (w *busWitness) get(unit, property string) string {
	var path dbus.ObjectPath
	if err := w.own.Object(pid1, "/org/freedesktop/systemd1").Call(manager+".LoadUnit", 0, unit).Store(&path); err != nil {
		return err.Error()
	}
	v, err := w.own.Object(pid1, path).GetProperty(property)
	if err != nil {
		return err.Error()
	}
	return strings.Trim(v.String(), `"`)
}

// names counts how often names came and went in folders, as the kernel tells it.
type names struct {
	t    *testing.T
	fd   int
	dirs map[int32]string
	came map[string]int // by path
	went map[string]int
}

func watch(t *testing.T, dirs ...string) *names {
	t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	n := &names{t: t, fd: fd, dirs: map[int32]string{}, came: map[string]int{}, went: map[string]int{}}
	for _, d := range dirs {
		wd, err := unix.InotifyAddWatch(fd, d, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE|unix.IN_MOVED_FROM|unix.IN_ONLYDIR)
		if err != nil {
			t.Fatalf("watch %s: %v", d, err)
		}
		n.dirs[int32(wd)] = d
	}
	return n
}

// take reads what has happened until now.
func (n *names) take() {
	buf := make([]byte, 64<<10)
	for {
		size, err := unix.Read(n.fd, buf)
		if err != nil || size <= 0 {
			return
		}
		for at := 0; at < size; {
			wd := int32(le(buf[at:]))
			mask := le(buf[at+4:])
			length := int(le(buf[at+12:]))
			name := strings.TrimRight(string(buf[at+16:at+16+length]), "\x00")
			at += 16 + length
			if mask&unix.IN_Q_OVERFLOW != 0 {
				n.t.Fatal("inotify lost events")
			}
			path := filepath.Join(n.dirs[wd], name)
			if mask&(unix.IN_CREATE|unix.IN_MOVED_TO) != 0 {
				n.came[path]++
			} else {
				n.went[path]++
			}
		}
	}
}

func le(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}
