package units

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state/observe/bus"
)

// maxRivals bounds how many rivals of one unit are told.
const maxRivals = 32

// Rivals tells of each unit which others cannot run beside it, because either
// names the other in Conflicts=, and the number of the start job that each of
// them has queued, or 0. Targets are left out: almost every unit conflicts with
// shutdown.target. Units without rivals are not in the answer.
func (o *Observer) Rivals(ctx context.Context, names []string) (map[string]map[string]uint32, error) {
	var props []bus.Property
	for _, n := range names {
		for _, p := range []string{"Conflicts", "ConflictedBy"} {
			props = append(props, bus.Property{Path: bus.UnitPath(n), Interface: unitIface, Name: p})
		}
	}
	replies, err := o.bus.Get(ctx, props)
	if err != nil {
		return nil, fmt.Errorf("read what units conflict with: %w", err)
	}
	rivals := make(map[string]map[string]uint32)
	var all []string
	for i, n := range names {
		both := replies[2*i : 2*i+2]
		if err := cmp.Or(both[0].Err, both[1].Err); err != nil {
			return nil, fmt.Errorf("read what %s conflicts with: %w", n, err)
		}
		if list := rivalNames(both); len(list) > 0 {
			rivals[n] = make(map[string]uint32, len(list))
			for _, r := range list {
				rivals[n][r] = 0
			}
			all = append(all, list...)
		}
	}
	return rivals, o.startJobs(ctx, all, rivals)
}

func rivalNames(replies []bus.Reply) []string {
	var list []string
	for _, r := range replies {
		names, _ := r.Value.([]string)
		list = append(list, names...)
	}
	list = slices.DeleteFunc(list, func(n string) bool { return strings.HasSuffix(n, ".target") })
	slices.Sort(list)
	list = slices.Compact(list)
	return list[:min(len(list), maxRivals)]
}

// startJobs fills in the start jobs that rivals have queued.
func (o *Observer) startJobs(ctx context.Context, names []string, rivals map[string]map[string]uint32) error {
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	listed, _, err := o.bus.Look(ctx, slices.Compact(names), nil)
	if err != nil {
		return fmt.Errorf("read the jobs of conflicting units: %w", err)
	}
	for _, s := range listed {
		if s.JobType != "start" && s.JobType != "restart" {
			continue
		}
		for _, of := range rivals {
			if _, ok := of[s.Name]; ok {
				of[s.Name] = s.JobID
			}
		}
	}
	return nil
}
