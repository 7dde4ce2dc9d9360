package main

import (
	"fmt"
	"os"
	"strconv"
)

// estateUnits is how many units the estate of row E has.
const estateUnits = 22

// estate is row E: everything from nothing, by a bare sequence of what cannot be
// left out, and by apply. Both are whole processes.
func (b *bench) estate() error {
	var limit, evenkeel []float64
	for i := range 7 {
		bare, err := b.fromNothing(insideBench, "starter", strconv.Itoa(estateUnits))
		if err != nil {
			return fmt.Errorf("the bare sequence: %w", err)
		}
		record := fmt.Sprintf("estate-%d", i)
		own, err := b.fromNothing(evenkeelArgs(record, "apply")...)
		if err != nil {
			return fmt.Errorf("evenkeel: %w", err)
		}
		limit, evenkeel = append(limit, bare), append(evenkeel, own)
	}
	return b.say(against("E", fmt.Sprintf("%d units from nothing", estateUnits), limit, evenkeel, 1.3))
}

// fromNothing runs a command on a host that has nothing of the estate yet.
func (b *bench) fromNothing(argv ...string) (float64, error) {
	if err := b.wipe(); err != nil {
		return 0, err
	}
	if err := declare(estateUnits); err != nil {
		return 0, err
	}
	b.n = estateUnits // whatever comes of it is to be wiped
	c, err := run(argv...)
	if err != nil {
		return 0, err
	}
	for i := 1; i <= estateUnits; i++ {
		v, err := b.systemd.property(unitName(i), "Unit", "ActiveState")
		if err != nil || v != "active" {
			return 0, fmt.Errorf("%s is %v afterwards: %w", unitName(i), v, err)
		}
		if _, err := os.Lstat(wants + unitName(i)); err != nil {
			return 0, err
		}
	}
	return c.wall, nil
}

// starter is the limit of row E: all files and links, one daemon-reload, all
// starts at once.
func starter(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	s, err := connect()
	if err != nil {
		return err
	}
	defer s.close()
	if err := install(n); err != nil {
		return err
	}
	if err := s.reload(); err != nil {
		return err
	}
	return s.all("StartUnit", unitNames(n))
}
