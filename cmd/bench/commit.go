package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Where row J keeps a repository and what reads it.
const (
	repository = "/run/bench/shop.git"
	clone      = "/run/bench/shop"
	plain      = "/run/bench/plain.git" // a bare clone that plain git keeps up to date
	policyFile = "/run/bench/policy.yaml"
)

// commit is row J: a commit that changes one unit file, from when evenkeel is told
// that there is something new until the service runs by it. The limit is the sum of
// its parts: git fetches, the files are read, one is written, systemd loads it, and
// restarts the service, each as quickly as a program of its own can.
func (b *bench) commit() error {
	if err := b.bring(declaredServices); err != nil {
		return err
	}
	if err := publish(); err != nil {
		return err
	}
	p, err := b.start(insideEvenkeel, "run", "--git", "file://"+repository, "--branch", "main", "--interval", "1h", "--policy", policyFile,
		"--cache-dir", "/var/cache/evenkeel", "--state-dir", insideState+"/commit")
	if err != nil {
		return err
	}
	defer p.stop()
	time.Sleep(5 * time.Second)
	// What evenkeel has not seen starting it does not restart for a change.
	if _, err := run(insideEvenkeel, "restart", serviceName(victim)); err != nil {
		return err
	}
	var parts [4][]float64
	var limit, evenkeel []float64
	for i := range 2 * perBlock {
		text := fmt.Sprintf("%s# commit %d\n", unitText(victim), i)
		if err := push(unitName(victim), text); err != nil {
			return err
		}
		sum := 0.0
		costs, err := b.byParts(fmt.Sprintf("%s# by hand %d\n", unitText(other), i))
		if err != nil {
			return fmt.Errorf("by its parts: %w", err)
		}
		for j, c := range costs {
			parts[j], sum = append(parts[j], c), sum+c
		}
		limit = append(limit, sum)
		time.Sleep(2*time.Second + rand.N(300*time.Millisecond)) // evenkeel puts back what the parts have written
		b.hush()
		began := time.Now()
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return err
		}
		runs, err := b.says(serviceName(victim), 30*time.Second)
		if err != nil {
			return fmt.Errorf("evenkeel: %w", err)
		}
		evenkeel = append(evenkeel, ms(runs.Sub(began)))
	}
	fmt.Fprintf(os.Stderr, "  J: the parts: fetch %.0f ms, read %.0f ms, write and load %.0f ms, restart %.0f ms\n", median(parts[0]), median(parts[1]), median(parts[2]), median(parts[3]))
	return b.say(against("J", "a commit until the service runs by it", limit, evenkeel, 0))
}

// publish makes the repository of what is declared, and the policy that lets it in.
func publish() error {
	policy := "mode: enforce\nunits: ['bench-*']\nsignatures: none\n"
	if err := os.WriteFile(policyFile, []byte(policy), 0o600); err != nil {
		return err
	}
	_, err := run("/bin/sh", "-ec", strings.Join([]string{
		"git init -q --bare -b main " + repository, "git clone -q " + repository + " " + clone + " 2>/dev/null", "cp " + declared + "/* " + clone, commitAll,
		"git clone -q --bare " + repository + " " + plain,
	}, "\n"))
	return err
}

const commitAll = "cd " + clone + " && git add -A && git -c user.name=bench -c user.email=bench@localhost commit -q -m change && git push -q origin HEAD:main"

func push(name, content string) error {
	if err := os.WriteFile(filepath.Join(clone, name), []byte(content), 0o644); err != nil {
		return err
	}
	_, err := run("/bin/sh", "-ec", commitAll)
	return err
}

// other is the service by which the parts are measured: what a commit changes must
// not be there before.
const other = victim + 1

// byParts does what a commit asks for, and says what each part took.
func (b *bench) byParts(text string) (costs [4]float64, err error) {
	fetch, err := run("git", "-C", plain, "fetch", "-q", "origin", "+main:main")
	if err != nil {
		return costs, err
	}
	read, err := run(insideEvenkeel, "validate", clone)
	if err != nil {
		return costs, err
	}
	b.hush()
	began := time.Now()
	if err := replace(unitFolder+unitName(other), []byte(text)); err != nil {
		return costs, err
	}
	if err := b.systemd.reload(); err != nil {
		return costs, err
	}
	loaded := time.Now()
	if err := b.systemd.all("RestartUnit", []string{unitName(other)}); err != nil {
		return costs, err
	}
	runs, err := b.says(serviceName(other), 10*time.Second)
	return [4]float64{fetch.wall, read.wall, ms(loaded.Sub(began)), ms(runs.Sub(loaded))}, err
}
