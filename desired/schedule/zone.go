package schedule

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // for hosts that have no time zones of their own
)

// zones are those that were asked for: reading one again would cost more than
// all else. There are some six hundred of them in all.
var zones sync.Map // name → *time.Location

// Zone finds an IANA time zone by its name; the empty name is UTC. The host's
// own zone, Local, is refused: the same words would mean something else on each
// host.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if strings.EqualFold(name, "local") {
		return nil, fmt.Errorf("time zone %q is another on each host; write it like Africa/Lusaka", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is not known; write it like Africa/Lusaka", name)
	}
	zones.Store(name, z)
	return z, nil
}
