package main

import (
	"fmt"
)

// nineProperties is what a careful shell script asks of each unit.
const nineProperties = "ActiveState,SubState,UnitFileState,NeedDaemonReload,FragmentPath,DropInPaths,MainPID,NRestarts,ExecMainStartTimestamp"

// dryRun is row C: a whole diff process where everything is as declared,
// against one systemctl that only reads.
func (b *bench) dryRun() error {
	for _, c := range []struct {
		services, runs int
		budget, faster float64
	}{{19, 9, 40, 0}, {200, 9, 60, 0}, {1000, 7, 200, 2.5}} {
		if err := b.bring(c.services); err != nil {
			return err
		}
		show := append([]string{"systemctl", "show", "-p", nineProperties}, unitNames(c.services)...)
		diff := evenkeelArgs("dryrun", "diff")
		if _, err := run(diff...); err != nil { // what was loaded just now is dearer once
			return err
		}
		wall, cpu, err := costs(c.runs, show, diff)
		if err != nil {
			return err
		}
		what := fmt.Sprintf("dry run of %d services", c.services)
		err = b.sayAll(
			faster("C", what+", against systemctl show", wall[0], wall[1], c.faster),
			atMost("C", what, "ms", median(wall[1]), c.budget),
			against("C", what+", own CPU", cpu[0], cpu[1], 0),
		)
		if err != nil {
			return err
		}
	}
	return nil
}
