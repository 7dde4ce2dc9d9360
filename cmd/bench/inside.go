package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// bench is one run inside of the host.
type bench struct {
	options
	systemd *systemd
	log     *os.File
	up      chan string // "NAME PID" of each process that runs, as it says so
	n       int         // services that are installed
	started int         // processes, to name their cgroups
}

// declaredServices is how many services most rows are measured with.
const declaredServices = 19

// inside measures each row in turn and prints each result as soon as it is known.
func inside(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b := &bench{options: o, up: make(chan string, 1<<12)}
	if b.log, err = os.Create(insideState + "/log"); err != nil {
		return err
	}
	if err := b.listen(); err != nil {
		return err
	}
	if b.systemd, err = connect(); err != nil {
		return err
	}
	defer b.systemd.close()
	for _, row := range []struct {
		name, what string
		measure    func() error
	}{
		{"S", "the start of the binary", b.startUp},
		{"A", "a service is killed", b.kill},
		{"F", "recording", b.recording},
		{"B", "a unit file is edited", b.drift},
		{"I", "nothing happens", b.idle},
		{"D", "the steady state", b.steady},
		{"G", "alert rules", b.alerts},
		{"E", "an estate from nothing", b.estate},
		{"C", "a dry run", b.dryRun},
		{"J", "a commit", b.commit},
	} {
		if !o.has(row.name) {
			continue
		}
		began := time.Now()
		if err := row.measure(); err != nil {
			return fmt.Errorf("row %s: %w", row.name, err)
		}
		fmt.Fprintf(os.Stderr, "  %s: %s: measured in %.0f s\n", row.name, row.what, time.Since(began).Seconds())
	}
	return nil
}

func (b *bench) say(r result) error { return json.NewEncoder(os.Stdout).Encode(r) }

func (b *bench) sayAll(rs ...result) error {
	for _, r := range rs {
		if err := b.say(r); err != nil {
			return err
		}
	}
	return nil
}

// listen reads what the services say for as long as the bench runs.
func (b *bench) listen() error {
	if err := unix.Mkfifo(upFIFO, 0o600); err != nil {
		return fmt.Errorf("make %s: %w", upFIFO, err)
	}
	f, err := os.OpenFile(upFIFO, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	go func() { // ends with the process
		for s := bufio.NewScanner(f); s.Scan(); {
			select {
			case b.up <- s.Text():
			default: // a thousand that nobody waits for
			}
		}
	}()
	return nil
}

// says waits until a service's new process says that it runs.
func (b *bench) says(service string, timeout time.Duration) (time.Time, error) {
	late := time.After(timeout)
	for {
		select {
		case line := <-b.up:
			var name string
			var pid int
			if n, _ := fmt.Sscan(line, &name, &pid); n == 2 && name == service {
				return time.Now(), nil
			}
		case <-late:
			return time.Time{}, fmt.Errorf("no new process of %s within %s", service, timeout)
		}
	}
}

// hush forgets what the services have said so far.
func (b *bench) hush() {
	for {
		select {
		case <-b.up:
		default:
			return
		}
	}
}

// evenkeelArgs is the binary with a verb, the declared state and the record on a
// disk that syncs.
func evenkeelArgs(record, verb string, more ...string) []string {
	return append([]string{insideEvenkeel, verb, "-f", declared, "--state-dir", insideState + "/" + record}, more...)
}
