package observe

import (
	"context"
	"maps"
	"slices"

	"github.com/pakashop/evenkeel/state"
)

// rivals knows which units cannot run beside others.
type rivals interface {
	Rivals(ctx context.Context, names []string) (map[string]map[string]uint32, error)
}

// conflicts finds the units that were stopped because another one was started:
// among those of fresh, by primary name, that a stop job ended, and among those
// that one is ending now. It tells whether systemd and the journal answered.
// Where they did not, it stays a stop that somebody asked for.
func (e *ended) conflicts(ctx context.Context, facts map[string]state.Fact[state.Unit], fresh map[string][]string) bool {
	stopped := make(map[string][]string) // as fresh
	for id, names := range fresh {
		if facts[names[0]].Value.Stop == state.StopByJob {
			stopped[id] = names
		}
	}
	for n, f := range facts {
		if f.Err == "" && f.Value.Job.Type == "stop" {
			id := primary(n, f.Value)
			stopped[id] = append(stopped[id], n)
		}
	}
	if len(stopped) == 0 {
		return true
	}
	causes, err := e.stoppedFor(ctx, slices.Sorted(maps.Keys(stopped)))
	if err == nil {
		err = e.forgotten(ctx, slices.Sorted(maps.Keys(fresh)), facts, fresh, causes)
	}
	if err != nil {
		e.log.Warn("whether a conflict stopped units is not known", "units", len(stopped), "error", err)
	}
	for id, rival := range causes {
		for _, n := range stopped[id] {
			f := facts[n]
			f.Value.Stop, f.Value.StoppedFor = state.StopByConflict, rival
			facts[n] = f
		}
	}
	return err == nil
}

func (e *ended) stoppedFor(ctx context.Context, units []string) (map[string]string, error) {
	rivals, err := e.units.Rivals(ctx, units)
	if err != nil || len(rivals) == 0 {
		return map[string]string{}, err
	}
	return e.journal.StoppedFor(ctx, rivals)
}

// forgotten looks for rivals that have ended and that systemd has unloaded since,
// among the units of fresh that no other was found for: with such a rival goes what
// systemd knew of its Conflicts=. The journal names what was started just before the
// stop, and systemd reads from the disk what that conflicts with.
func (e *ended) forgotten(ctx context.Context, ids []string, facts map[string]state.Fact[state.Unit], fresh map[string][]string, causes map[string]string) error {
	ids = slices.DeleteFunc(ids, func(id string) bool {
		return causes[id] != "" || facts[fresh[id][0]].Value.Stop != state.StopByJob
	})
	if len(ids) == 0 {
		return nil
	}
	near, err := e.journal.StartedBefore(ctx, ids)
	if err != nil {
		return err
	}
	var all []string
	for _, list := range near {
		all = append(all, list...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	of, err := e.units.Rivals(ctx, slices.Compact(all))
	if err != nil {
		return err
	}
	rivals := make(map[string]map[string]uint32)
	for id, list := range near {
		for _, r := range list {
			if _, conflicts := of[r][id]; conflicts && rivals[id] == nil {
				rivals[id] = map[string]uint32{r: 0}
			} else if conflicts {
				rivals[id][r] = 0
			}
		}
	}
	if len(rivals) == 0 {
		return nil
	}
	more, err := e.journal.StoppedFor(ctx, rivals)
	maps.Copy(causes, more)
	return err
}
