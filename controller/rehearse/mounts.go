package rehearse

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mountRoot lays a fresh layer in memory over the given ones over the machine's
// root. Other file systems of the machine are not seen inside; Binds show them.
func mountRoot(job initJob) error {
	// The tmpfs is mounted on the root's own mount point, and the root over it.
	if err := unix.Mount("tmpfs", job.Root, "tmpfs", 0, fmt.Sprintf("size=%d,mode=755", job.Disk)); err != nil {
		return err
	}
	for _, d := range []string{"upper", "work", "base", "base.upper", "base.work", "layers"} {
		if err := os.Mkdir(filepath.Join(job.Root, d), 0o755); err != nil {
			return err
		}
	}
	return overlayRoot(job)
}

// overlayRoot tries the ways to lay layers over the root, cheapest first. The
// kernel refuses a layer that lies inside of another one, as a cache on the
// root's own file system does; seen through an overlay of its own, the root is
// another file system. Where overlays are already stacked as deep as the kernel
// allows (a container), the layers are copied into memory.
func overlayRoot(job initJob) error {
	at := func(s string) string { return filepath.Join(job.Root, s) }
	over := func(lower []string, target, upper, work string) error {
		opts := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(lower, ":"), upper, work)
		return unix.Mount("overlay", target, "overlay", 0, opts)
	}
	final := func(lower ...string) error { return over(lower, job.Root, at("upper"), at("work")) }
	direct := final(append(append([]string{}, job.Layers...), "/")...)
	if direct == nil || len(job.Layers) == 0 {
		return direct
	}
	if err := over([]string{"/"}, at("base"), at("base.upper"), at("base.work")); err != nil {
		return errors.Join(direct, err)
	}
	stacked := final(append(append([]string{}, job.Layers...), at("base"))...)
	if stacked == nil {
		return nil
	}
	var copies []string
	for i, l := range job.Layers {
		to := at(fmt.Sprintf("layers/%d", i))
		if out, err := exec.Command("cp", "-a", l, to).CombinedOutput(); err != nil {
			return errors.Join(direct, stacked, fmt.Errorf("copy layer %s: %w: %s", l, err, out))
		}
		copies = append(copies, to)
	}
	return errors.Join(final(append(copies, "/")...))
}

// mountKernel gives the host the kernel's file systems. What is the machine's
// as a whole (sysctls but those of the network, sysfs) is read-only.
func mountKernel(job initJob) error {
	at := func(s string) string { return filepath.Join(job.Root, s) }
	const safe = unix.MS_NOSUID | unix.MS_NODEV
	mounts := []struct {
		kind, at string
		flags    uintptr
		opts     string
	}{
		{"proc", "proc", safe | unix.MS_NOEXEC, ""},
		{"tmpfs", "run", safe, "mode=755,size=20%"},
		{"tmpfs", "tmp", safe, "mode=1777"},
		{"sysfs", "sys", safe | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		{"cgroup2", "sys/fs/cgroup", safe | unix.MS_NOEXEC, ""},
	}
	for _, m := range mounts {
		if err := os.MkdirAll(at(m.at), 0o755); err != nil && !exists(at(m.at)) {
			return err
		}
		if err := unix.Mount(m.kind, at(m.at), m.kind, m.flags, m.opts); err != nil {
			return fmt.Errorf("%s: %w", m.at, err)
		}
	}
	return protectProc(at)
}

func protectProc(at func(string) string) error {
	for _, p := range []string{"proc/sysrq-trigger", "proc/irq", "proc/bus"} {
		if exists(at(p)) {
			if err := bind(at(p), at(p), true); err != nil {
				return err
			}
		}
	}
	// /proc/sys read-only with its net writable: bind the parts in that order.
	net := at("run/.net")
	if err := os.Mkdir(net, 0o755); err != nil {
		return err
	}
	if err := bind(at("proc/sys/net"), net, false); err != nil {
		return err
	}
	if err := bind(at("proc/sys"), at("proc/sys"), true); err != nil {
		return err
	}
	if err := bind(net, at("proc/sys/net"), false); err != nil {
		return err
	}
	if err := unix.Unmount(net, unix.MNT_DETACH); err != nil {
		return err
	}
	return os.Remove(net)
}

func mountDevices(job initJob) error {
	dev := filepath.Join(job.Root, "dev")
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID, "mode=755,size=1m"); err != nil {
		return err
	}
	for _, n := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := os.WriteFile(filepath.Join(dev, n), nil, 0o666); err != nil {
			return err
		}
		if err := bind("/dev/"+n, filepath.Join(dev, n), false); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd",
		"stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	pts, shm := filepath.Join(dev, "pts"), filepath.Join(dev, "shm")
	if err := errors.Join(os.Mkdir(pts, 0o755), os.Mkdir(shm, 0o755)); err != nil {
		return err
	}
	if err := unix.Mount("devpts", pts, "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"); err != nil {
		return err
	}
	return unix.Mount("tmpfs", shm, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777")
}

// ShareInside is where a host sees its [Host.Share].
const ShareInside = "/lab"

func mountBinds(job initJob) error {
	all := append([]Bind{{Source: job.Share, Target: ShareInside}}, job.Binds...)
	for _, b := range all {
		to := filepath.Join(job.Root, b.Target)
		if err := mountPoint(b.Source, to); err != nil {
			return err
		}
		if err := bind(b.Source, to, b.ReadOnly); err != nil {
			return err
		}
	}
	return nil
}

// mountPoint makes what a bind covers: a file for a file, a folder for a folder.
func mountPoint(source, target string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

func bind(from, to string, readOnly bool) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", from, err)
	}
	if !readOnly {
		return nil
	}
	if err := unix.Mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", to, err)
	}
	return nil
}
