package rehearse

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// makeBare takes out of the host what would make it this machine rather than a
// fresh one: its identity, its mounts, and what an administrator had enabled.
// Unit files stay where they are; only what starts them by itself goes.
func makeBare(job initJob) error {
	at := func(s string) string { return filepath.Join(job.Root, s) }
	for name, text := range map[string]string{
		"etc/hostname":   job.Name + "\n",
		"etc/hosts":      "127.0.0.1 localhost " + job.Name + "\n::1 localhost\n",
		"etc/machine-id": job.ID + "\n",
		"etc/fstab":      "",
	} {
		// Removed first: it may be a link, and the target is not meant.
		if err := os.Remove(at(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(at(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, pattern := range []string{
		"etc/systemd/system/*.wants/*", "etc/systemd/system/*.requires/*", "etc/systemd/system/*.upholds/*",
		"etc/rc?.d/S*", "etc/crypttab",
	} {
		found, err := filepath.Glob(at(pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	if err := dropAliases(at("etc/systemd/system")); err != nil {
		return err
	}
	return maskUnits(at("run/systemd/system"), job.Mask)
}

// dropAliases removes the links that `systemctl enable` made for Alias= lines;
// with one of them left a unit still counts as enabled.
func dropAliases(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		return err
	}
	for _, f := range found {
		to, err := os.Readlink(f)
		if err != nil || !strings.Contains(to, "lib/systemd/system/") {
			continue // a file, or a mask, or an administrator's own link
		}
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return nil
}

// maskedUnits is what systemd would start by itself, even in a bare container,
// that reaches beyond the host: the kernel's audit stream, its modules, its
// settings for all.
func maskedUnits(unmask []string) []string {
	all := []string{
		"systemd-journald-audit.socket", "systemd-binfmt.service", "systemd-modules-load.service",
		"proc-sys-fs-binfmt_misc.automount", "systemd-networkd.service", "systemd-resolved.service",
		"systemd-timesyncd.service", "systemd-firstboot.service", "console-getty.service",
		"modprobe@.service", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
		"sys-fs-fuse-connections.mount", "dev-hugepages.mount", "systemd-remount-fs.service",
	}
	return slices.DeleteFunc(all, func(u string) bool { return slices.Contains(unmask, u) })
}

// maskUnits masks for this boot only: below /etc it would look like a human's.
func maskUnits(dir string, units []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, u := range units {
		if err := os.Symlink("/dev/null", filepath.Join(dir, u)); err != nil {
			return err
		}
	}
	return nil
}
