package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	unitFolder = "/etc/systemd/system/"
	wants      = unitFolder + "multi-user.target.wants/"
	declared   = "/run/bench/declared" // the desired state, units beside the YAML
	upFIFO     = "/run/bench/up"       // each process of a service says here that it runs
)

func unitName(i int) string    { return fmt.Sprintf("bench-%04d.service", i) }
func serviceName(i int) string { return fmt.Sprintf("bench-%04d", i) }

func unitNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = unitName(i + 1)
	}
	return names
}

// unitText is a service that says its name and pid when it runs. A FIFO opened
// for both ways never blocks; a process costs a shell's start on both sides. Its
// number stays to be seen in what it then is, for those who look for processes.
func unitText(i int) string {
	return fmt.Sprintf(`[Unit]
Description=Bench service %d
StartLimitIntervalSec=0

[Service]
ExecStart=/bin/sh -c 'echo %s $$$$ 1<>%s; exec sleep infinity %d'

[Install]
WantedBy=multi-user.target
`, i, serviceName(i), upFIFO, i)
}

// declare writes the desired state of n services, linked to be started at boot or
// not; more are lines of a service's spec. Repairs are not limited: it is their
// speed that is measured, again and again.
func declare(n int, linked bool, more ...func(i int) string) error {
	boot := "ignored"
	if linked {
		boot = "enabled"
	}
	if err := os.RemoveAll(declared); err != nil {
		return err
	}
	if err := os.MkdirAll(declared, 0o755); err != nil {
		return err
	}
	var yaml strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&yaml, `---
apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: %s}
spec:
  unitFile: {source: %s}
  boot: %s
  limits: {restarts: 1000, per: 1h, backoff: [0s]}
`, serviceName(i), unitName(i), boot)
		for _, line := range more {
			fmt.Fprintf(&yaml, "  %s\n", line(i))
		}
		if err := os.WriteFile(filepath.Join(declared, unitName(i)), []byte(unitText(i)), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(declared, "all.yaml"), []byte(yaml.String()), 0o644)
}

// install writes the unit files of n services, and their links.
func install(n int, linked bool) error {
	if err := os.MkdirAll(wants, 0o755); err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		if err := replace(unitFolder+unitName(i), []byte(unitText(i))); err != nil {
			return err
		}
		if !linked {
			continue
		}
		if err := os.Symlink(unitFolder+unitName(i), wants+unitName(i)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}

// replace writes a file so that it is there whole or not at all.
func replace(path string, content []byte) error {
	dir, name := filepath.Split(path)
	tmp := filepath.Join(dir, ".new."+name)
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	return err
}

// bring makes exactly n services run, as declared, and forgets any record.
func (b *bench) bring(n int, more ...func(i int) string) error {
	if err := b.wipe(); err != nil {
		return err
	}
	if err := declare(n, true, more...); err != nil {
		return err
	}
	if err := install(n, true); err != nil {
		return err
	}
	b.n = n
	if err := b.systemd.reload(); err != nil {
		return err
	}
	return b.systemd.all("StartUnit", unitNames(n))
}

// wipe makes the host forget all services of the bench.
func (b *bench) wipe() error {
	if b.n > 0 {
		if err := b.systemd.all("StopUnit", unitNames(b.n)); err != nil {
			return err
		}
	}
	for i := 1; i <= b.n; i++ {
		_ = os.Remove(wants + unitName(i)) // may not be there
		_ = os.Remove(unitFolder + unitName(i))
	}
	b.n = 0
	return b.systemd.reload()
}
