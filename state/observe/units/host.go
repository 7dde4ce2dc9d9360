package units

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe/bus"
)

// Manager is what systemd says of itself: the part of state.Host that it knows.
type Manager struct {
	System      string    // SystemState: running, degraded, starting, stopping, maintenance, …
	Systemd     int       // the major version; 0 if it could not be told
	UnitsLoaded time.Time // when unit files were last loaded, by the wall clock
	Jobs        int       // queued and running jobs
}

// Host reads what systemd says of itself, in one round trip.
func (o *Observer) Host(ctx context.Context) state.Fact[Manager] {
	f := state.Fact[Manager]{At: o.now()}
	r, err := o.bus.Get(ctx, []bus.Property{
		managerProp("SystemState"), managerProp("Version"), managerProp("UnitsLoadTimestamp"), managerProp("NJobs"),
		managerProp("UnitsLoadStartTimestamp"),
	})
	if err == nil {
		for _, a := range r {
			err = cmp.Or(err, a.Err)
		}
	}
	if err != nil {
		f.Err = fmt.Sprintf("read systemd's state: %v", err)
		return f
	}
	version, _ := r[1].Value.(string)
	jobs, _ := r[3].Value.(uint32)
	f.Value.System, _ = r[0].Value.(string)
	f.Value.Systemd = major(version)
	f.Value.UnitsLoaded = wall(r[2].Value)
	if f.Value.UnitsLoaded.IsZero() {
		f.Value.UnitsLoaded = wall(r[4].Value) // there was no daemon-reload in this boot
	}
	f.Value.Jobs = int(jobs)
	return f
}

// major is 252 of "252.38-1~deb12u1" and 256 of "v256~rc1".
func major(version string) int {
	version = strings.TrimPrefix(version, "v")
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, _ := strconv.Atoi(version[:end])
	return n
}
