package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// monitFolder is where Monit has all that is its own.
const monitFolder = "/run/bench/monit/"

// How Monit finds the process of a service.
const (
	findByName    = "matching"
	findByPIDFile = "pidfile"
)

// configureMonit has it do what evenkeel does of its own accord, and returns
// how it is started.
func (b *bench) configureMonit(n int, find string) ([]string, error) {
	// Its package must not have started another one.
	v, err := b.systemd.property("monit.service", "Unit", "ActiveState")
	if err != nil || v != "inactive" {
		return nil, fmt.Errorf("monit.service is %v, want inactive: %w", v, err)
	}
	if err := os.RemoveAll(monitFolder); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(monitFolder, 0o700); err != nil {
		return nil, err
	}
	var rc strings.Builder
	fmt.Fprintf(&rc, "set daemon %.0f\n", askEvery.Seconds())
	for _, f := range []string{"log", "pidfile", "idfile", "statefile"} {
		fmt.Fprintf(&rc, "set %s %s%s\n", f, monitFolder, f)
	}
	for i := 1; i <= n; i++ {
		process := fmt.Sprintf("matching \"sleep infinity %d$\"", i)
		if find == findByPIDFile {
			file := monitFolder + serviceName(i) + ".pid"
			pid, err := b.systemd.mainPID(unitName(i))
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(file, fmt.Appendln(nil, pid), 0o644); err != nil {
				return nil, err
			}
			process = "with pidfile " + file
		}
		fmt.Fprintf(&rc, `check process %s %s
  start program = "/usr/bin/systemctl start %s"
  if failed host 127.0.0.1 port %d protocol http request "/health" then alert
`, serviceName(i), process, unitName(i), askedPort+i)
	}
	file := monitFolder + "rc"
	return []string{"monit", "-I", "-c", file}, os.WriteFile(file, []byte(rc.String()), 0o600)
}

// monitIsContent tells whether Monit had nothing to complain of: whoever mends
// something is not in the steady state.
func monitIsContent() error {
	log, err := os.ReadFile(monitFolder + "log")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte("error")) {
			return fmt.Errorf("it was not content: %s", line)
		}
	}
	return nil
}
