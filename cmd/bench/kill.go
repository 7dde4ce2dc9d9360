package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// perBlock is how many measurements are taken before the other side's turn.
const perBlock = 5

// victim is the service that is broken, one of many.
const victim = 7

// repairs are the measurements of one side of row A.
type repairs struct{ wall, cpu []float64 }

// kill is row A: kill -9 of a service until its new process runs.
func (b *bench) kill() error {
	if err := b.bring(declaredServices); err != nil {
		return err
	}
	record := "kill"
	if _, err := run(evenkeelArgs(record, "apply")...); err != nil {
		return err
	}
	began := time.Now()
	var limit, evenkeel repairs
	for done := 0; done < b.runs; done += perBlock {
		n := min(perBlock, b.runs-done)
		if err := b.killBlock(&limit, n, insideBench, "watcher", "bench-"); err != nil {
			return fmt.Errorf("the bare watcher: %w", err)
		}
		if err := b.killBlock(&evenkeel, n, evenkeelArgs(record, "run")...); err != nil {
			return fmt.Errorf("evenkeel: %w", err)
		}
	}
	recorded, err := b.recorded(record, began)
	if err != nil {
		return err
	}
	return b.sayAll(
		against("A", "kill -9 until the new process runs", limit.wall, evenkeel.wall, 1.15),
		against("A", "own CPU of that, against the watcher's", limit.cpu, evenkeel.cpu, 0),
		atMost("A", "own CPU of a repair", "ms", median(evenkeel.cpu), 3),
		atMost("A", "repairs without intent and outcome", "", float64(b.runs-recorded), 0),
	)
}

// killBlock starts one side and kills the victim n times.
func (b *bench) killBlock(to *repairs, n int, argv ...string) error {
	p, err := b.start(argv...)
	if err != nil {
		return err
	}
	defer p.stop()
	time.Sleep(1500 * time.Millisecond)
	for range n {
		time.Sleep(300*time.Millisecond + rand.N(300*time.Millisecond))
		b.hush()
		pid, err := b.systemd.mainPID(unitName(victim))
		if err != nil || pid == 0 {
			return fmt.Errorf("%s has no process to kill: %w", unitName(victim), err)
		}
		before, began := p.cpu(), time.Now()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		runs, err := b.says(serviceName(victim), 10*time.Second)
		if err != nil {
			return err
		}
		if err := b.systemd.active(unitName(victim), 5*time.Second); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // the repair's own end: a second reading, an outcome
		to.wall = append(to.wall, ms(runs.Sub(began)))
		to.cpu = append(to.cpu, p.cpu()-before)
	}
	return nil
}

// recorded counts the starts of the victim that the record has with a good end.
func (b *bench) recorded(record string, since time.Time) (n int, err error) {
	out, err := exec.Command(insideEvenkeel, "history", serviceName(victim), "-o", "json", "-n", "1000", "--state-dir", insideState+"/"+record).Output()
	if err != nil {
		return 0, fmt.Errorf("read the history: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		var l struct {
			Time          time.Time
			Verb, Outcome string
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			return n, err
		}
		if l.Verb == "start" && l.Outcome == "done" && l.Time.After(since) {
			n++
		}
	}
	return n, nil
}
