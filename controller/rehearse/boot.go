package rehearse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	selfExe      = "/proc/self/exe"
	systemd      = "/lib/systemd/systemd"
	defaultDisk  = 4 << 30
	defaultWait  = 30 * time.Second
	namespaceSet = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET
)

var hostName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$`)

// Boot boots a host and returns when its systemd says that it is up (running,
// or degraded). It first clears away what hosts of dead owners left. ctx bounds
// the boot alone; the host lives until Close, or until this process ends.
func Boot(ctx context.Context, o Options) (*Host, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	if err := available(); err != nil {
		return nil, err
	}
	swept := Sweep() // what others left is no reason not to boot, but it may explain why a boot fails
	ctx, cancel := context.WithTimeout(ctx, o.Wait)
	defer cancel()
	h, err := prepare(o)
	if err != nil {
		return nil, errors.Join(err, swept)
	}
	err = h.start(ctx, o)
	if err == nil {
		err = waitUp(ctx, h)
	}
	if err != nil {
		err = fmt.Errorf("boot host %s: %w", o.Name, err)
		if tail := h.logTail(); tail != "" {
			err = fmt.Errorf("%w\n%s", err, tail)
		}
		return nil, errors.Join(err, h.clear(), swept)
	}
	return h, nil
}

func (o *Options) fill() error {
	if o.Name == "" {
		o.Name = "host"
	}
	if !hostName.MatchString(o.Name) {
		return fmt.Errorf("boot a host: name %q must be 1 to 32 of a-z, 0-9 and -", o.Name)
	}
	if o.Disk == 0 {
		o.Disk = defaultDisk
	}
	if o.Wait == 0 {
		o.Wait = defaultWait
	}
	if o.Network == "" {
		o.Network = "default"
	}
	if o.Address != "" {
		if ip, _, err := net.ParseCIDR(o.Address); err != nil || ip.To4() == nil {
			return fmt.Errorf("boot a host: address %q must be like 10.77.0.2/24", o.Address)
		}
	}
	for _, l := range o.Layers {
		if strings.ContainsAny(l, ":,\\") || !filepath.IsAbs(l) || !exists(l) {
			return fmt.Errorf("boot a host: layer %q must be the absolute path of a folder, without ':' and ','", l)
		}
	}
	return o.fillBinds()
}

func (o *Options) fillBinds() error {
	o.Binds = slices.Clone(o.Binds) // the caller's stay as they are
	for i, b := range o.Binds {
		if b.Target == "" {
			o.Binds[i].Target = b.Source
		}
		if !filepath.IsAbs(b.Source) || !filepath.IsAbs(o.Binds[i].Target) {
			return fmt.Errorf("boot a host: bind %q must be absolute", b.Source)
		}
		if !exists(b.Source) {
			return fmt.Errorf("boot a host: bind %q: no such folder or file", b.Source)
		}
	}
	return nil
}

// available names the first thing that is missing for any host at all.
func available() error {
	switch {
	case os.Geteuid() != 0:
		return fmt.Errorf("%w: it takes root; run it with sudo", ErrUnavailable)
	case !exists(systemd):
		return fmt.Errorf("%w: no %s; install systemd", ErrUnavailable, systemd)
	case !exists("/proc/self/ns/pid") || !exists("/proc/self/ns/cgroup"):
		return fmt.Errorf("%w: this kernel has no namespaces", ErrUnavailable)
	}
	_, err := unifiedRoot()
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// prepare makes the host's folder, cgroups and lock, and writes down what there
// is before it is there, so that whoever sweeps knows what to look for.
func prepare(o Options) (*Host, error) {
	unlock, err := lockBase()
	if err != nil {
		return nil, err
	}
	defer unlock()
	id := fmt.Sprintf("%s-%s", o.Name, randomHex(4))
	h := &Host{Name: o.Name, dir: filepath.Join(baseDir, id), share: o.Share, done: make(chan struct{})}
	close(h.done) // nothing runs yet; start replaces it
	if err := os.MkdirAll(filepath.Join(h.dir, "root"), 0o700); err != nil {
		return nil, err
	}
	if h.lock, err = takeLock(filepath.Join(h.dir, "lock"), true); err != nil {
		return nil, err
	}
	if h.res, h.Limits, err = planResources(id, o); err != nil {
		return nil, errors.Join(err, h.lock.Close(), os.RemoveAll(h.dir))
	}
	if h.share == "" {
		h.share = filepath.Join(h.dir, "share")
		err = os.Mkdir(h.share, 0o755)
	}
	err = errors.Join(err, h.res.save(h.dir))
	if err == nil {
		err = h.res.make(&h.Limits)
	}
	if err != nil {
		return nil, errors.Join(err, h.res.remove(), h.lock.Close(), os.RemoveAll(h.dir))
	}
	return h, nil
}

// start starts the host's first process in its new namespaces, gives it its
// network, lets it go on and waits until it has become systemd.
func (h *Host) start(ctx context.Context, o Options) error {
	log, err := os.Create(filepath.Join(h.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	goRead, goWrite, err := os.Pipe()
	if err != nil {
		return err
	}
	defer goWrite.Close()
	saysRead, saysWrite, err := os.Pipe()
	if err != nil {
		goRead.Close()
		return err
	}
	defer saysRead.Close()
	cgroup, err := os.Open(h.res.Cgroups[0])
	if err != nil {
		return err
	}
	defer cgroup.Close()
	cmd := exec.Command(selfExe, roleInit)
	cmd.Env = []string{insidePath}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{goRead, saysWrite}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, Cloneflags: namespaceSet, Pdeathsig: syscall.SIGKILL,
		UseCgroupFD: true, CgroupFD: int(cgroup.Fd()),
	}
	err = h.own(cmd)
	goRead.Close()
	saysWrite.Close()
	if err != nil {
		return startError(err)
	}
	if h.res.Veth != "" {
		if err := h.res.connect(h.pid); err != nil {
			return fmt.Errorf("join the network: %w", err)
		}
	}
	if err := json.NewEncoder(goWrite).Encode(h.initJob(o)); err != nil {
		return err
	}
	goWrite.Close()
	return hear(ctx, saysRead)
}

// own starts cmd from a thread that lives as long as the host does: the kernel
// kills the host when the thread that started it ends (Pdeathsig), which is
// meant to be when this process dies and must not be before.
func (h *Host) own(cmd *exec.Cmd) error {
	started := make(chan error)
	h.done = make(chan struct{})
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := cmd.Start()
		if err == nil {
			h.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // a host's exit status says nothing
		}
		close(h.done)
	}()
	return <-started
}

func startError(err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w: new namespaces are refused: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("start the first process: %w", err)
}

// hear waits until the first process has turned into systemd, which closes the
// pipe without a word, or has said why not.
func hear(ctx context.Context, says *os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = says.SetReadDeadline(time.Now()) })
	defer stop()
	words, err := io.ReadAll(io.LimitReader(says, 1<<16))
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	if len(words) > 0 {
		return fmt.Errorf("%w: %s", ErrUnavailable, words)
	}
	return nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, by its documentation
	return hex.EncodeToString(b)
}
