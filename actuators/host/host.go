package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pakashop/evenkeel/actuators"
)

// Host runs the plugins of one evenkeel. It is safe for concurrent use.
type Host struct {
	options Options
	thread  *thread
	folder  *os.File // locked as long as the host lives

	mu      sync.Mutex // guards plugins and closed
	plugins map[string]*plugin
	closed  bool
	closing chan struct{}
	wg      sync.WaitGroup
}

// maxFolder leaves room for /plugin-dir<number>/plugin<number> in the 107 bytes
// that a socket's path may have.
const maxFolder = 107 - 2*(len("/plugin-dir")+len("4294967295"))

// Status says how a plugin fares, for people.
type Status struct {
	Name    string    `json:"name"`
	Program string    `json:"program"`
	State   string    `json:"state"` // stopped, starting, running, waiting, quarantined
	PID     int       `json:"pid,omitempty"`
	Crashes int       `json:"crashes,omitempty"`
	Until   time.Time `json:"until,omitzero"`  // when it may be started again
	Error   string    `json:"error,omitempty"` // why it ended or did not start the last time
}

// New makes a host for the plugins that are declared. It starts none of them.
// The error names every Spec that is wrong. Close must be called.
func New(specs []Spec, o Options) (*Host, error) {
	h := &Host{options: o.withDefaults(), closing: make(chan struct{})}
	if err := h.Declare(specs); err != nil {
		return nil, err
	}
	if n := len(h.options.Folder); n > maxFolder {
		return nil, fmt.Errorf("the folder %s has %d characters: a socket in it must have a short path, at most %d", h.options.Folder, n, maxFolder)
	}
	var err error
	if h.folder, err = prepare(h.options.Folder, h.options.Cgroup); err != nil {
		return nil, err
	}
	h.thread = newThread()
	return h, nil
}

// prepare makes the folder of the sockets and removes what a host that was
// killed left in it. Each plugin gets a folder of its own there, mode 0700;
// this one can be walked through, and not listed, so that a plugin with a user
// of its own finds its own. While another host uses it, nothing is removed.
func prepare(dir, cgroups string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("make the folder of the plugins' sockets: %w", err)
	}
	f, err := os.OpenFile(dir, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("open the folder of the plugins' sockets: %w", err)
	}
	fi, err := f.Stat()
	if err == nil {
		err = private(dir, fi, true)
	}
	if err == nil {
		err = f.Chmod(0o711)
	}
	if err == nil && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		err = sweep(dir)
		sweepCgroups(cgroups)
	}
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_SH)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("prepare the folder of the plugins' sockets: %w", err)
	}
	return f, nil
}

// sweep removes only what go-plugin makes.
func sweep(dir string) error {
	left, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), "plugin-dir") {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Actuator returns a declared plugin. It is started by the first call, and is
// also a Previewer. The error says which there are.
func (h *Host) Actuator(name string) (actuators.Actuator, error) {
	p, ok := h.plugin(name)
	if !ok {
		return nil, actuators.Errorf(actuators.NotFound, "no actuator %q is declared, there are: %s", name, strings.Join(h.Names(), ", "))
	}
	return p, nil
}

// Status lists the declared plugins in order of name. It starts none.
func (h *Host) Status() []Status {
	var out []Status
	for _, n := range h.Names() {
		if p, ok := h.plugin(n); ok {
			out = append(out, p.status())
		}
	}
	return out
}

// Close stops all plugins and waits for their end. Calls in flight end with an
// error of Kind Unknown, later ones with Unavailable.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	close(h.closing)
	h.mu.Unlock()
	h.wg.Wait()
	h.thread.close()
	return h.folder.Close()
}

// spawn runs f in a goroutine that Close waits for; false after Close.
func (h *Host) spawn(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.wg.Go(f)
	return true
}
