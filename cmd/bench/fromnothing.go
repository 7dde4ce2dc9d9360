package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// estateUnits is how many units the estate of row E has.
const estateUnits = 22

// estate is row E: everything from nothing, by a bare sequence of what cannot be
// left out, and by apply. Both are whole processes. It is done without links for
// the next boot, and with them: systemd has no call that links many units at
// little cost, so there is no budget for that.
func (b *bench) estate() error {
	for _, e := range []struct {
		what   string
		linked bool
		budget float64
	}{{"%d units from nothing", false, 1.3}, {"%d units from nothing, and enabled", true, 0}} {
		var limit, evenkeel []float64
		for i := range 7 {
			bare, err := b.fromNothing(e.linked, insideBench, "starter", strconv.Itoa(estateUnits), strconv.FormatBool(e.linked))
			if err != nil {
				return fmt.Errorf("the bare sequence: %w", err)
			}
			record := fmt.Sprintf("estate-%v-%d", e.linked, i)
			own, err := b.fromNothing(e.linked, evenkeelArgs(record, "apply")...)
			if err != nil {
				return fmt.Errorf("evenkeel: %w", err)
			}
			limit, evenkeel = append(limit, bare), append(evenkeel, own)
		}
		if err := b.say(against("E", fmt.Sprintf(e.what, estateUnits), limit, evenkeel, e.budget)); err != nil {
			return err
		}
	}
	return nil
}

// fromNothing runs a command on a host that has nothing of the estate yet.
func (b *bench) fromNothing(linked bool, argv ...string) (float64, error) {
	if err := b.wipe(); err != nil {
		return 0, err
	}
	if err := declare(estateUnits, linked); err != nil {
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
		if _, err := os.Lstat(wants + unitName(i)); (err == nil) != linked {
			return 0, fmt.Errorf("%s is linked: %v, want %v", unitName(i), err == nil, linked)
		}
	}
	return c.wall, nil
}

// starter is the limit of row E: all files and links, one daemon-reload, all
// starts at once.
func starter(args []string) error {
	if len(args) != 2 {
		return errors.New("starter: give the number of units, and whether they are linked")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	s, err := connect()
	if err != nil {
		return err
	}
	defer s.close()
	if err := install(n, args[1] == "true"); err != nil {
		return err
	}
	if err := s.reload(); err != nil {
		return err
	}
	return s.all("StartUnit", unitNames(n))
}
