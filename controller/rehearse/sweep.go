package rehearse

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// baseDir holds a folder a host: its lock, what it has outside, the mount point
// of its root. /run is root's own and is empty after a reboot, like the hosts.
const baseDir = "/run/evenkeel-rehearse"

// Folder is where the disposable hosts of this machine lie.
const Folder = baseDir

// Sweep clears away the hosts whose owner is gone. An owner holds a lock on its
// host's folder, so a free lock is a dead owner, whatever its pid is used for now.
func Sweep() error {
	unlock, err := lockBase()
	if err != nil {
		return err
	}
	defer unlock()
	found, err := os.ReadDir(baseDir)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range found {
		if f.IsDir() {
			errs = append(errs, sweepOne(filepath.Join(baseDir, f.Name())))
		}
	}
	return errors.Join(errs...)
}

func sweepOne(dir string) error {
	lock, err := takeLock(filepath.Join(dir, "lock"), false)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // its owner lives
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	res, err := loadResources(dir)
	if errors.Is(err, os.ErrNotExist) {
		return os.RemoveAll(dir) // its owner died before it made anything
	}
	if err != nil {
		return err
	}
	return errors.Join(res.killAll(), res.remove(), os.RemoveAll(dir))
}

// resources is what a host has outside of its namespaces.
type resources struct {
	Cgroups []string `json:"cgroups"` // the one in cgroup2 first
	Veth    string   `json:"veth,omitempty"`
	Bridge  string   `json:"bridge,omitempty"`
	Address string   `json:"address,omitempty"`
}

const resourcesFile = "resources.json"

func (r resources) save(dir string) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, resourcesFile), b, 0o600)
}

func loadResources(dir string) (r resources, err error) {
	b, err := os.ReadFile(filepath.Join(dir, resourcesFile))
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", filepath.Join(dir, resourcesFile), err)
	}
	return r, nil
}

// remove gives the network and the cgroups back; the processes are gone.
func (r resources) remove() error {
	errs := []error{r.disconnect()}
	for _, dir := range r.Cgroups {
		errs = append(errs, removeCgroup(dir))
	}
	return errors.Join(errs...)
}

// lockBase keeps Boot and Sweep of all processes from each other's half-made hosts.
func lockBase() (unlock func(), err error) {
	if err := os.MkdirAll(baseDir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	f, err := takeLock(filepath.Join(baseDir, "lock"), true)
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

func takeLock(path string, wait bool) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_EX
	if !wait {
		how |= unix.LOCK_NB
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
