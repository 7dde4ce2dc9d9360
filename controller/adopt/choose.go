package adopt

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Choice is which units are written down.
type Choice struct {
	Units   []string // by their primary names, sorted
	Left    []Left   // what is left out of All
	Refused []Note   // what was named and cannot be declared
	Unknown []string // what was named and does not exist
}

// Left is what was left out for one reason.
type Left struct {
	Why   string
	Units []string // sorted
}

// Note is a sentence about a unit.
type Note struct {
	Unit string
	Text string
}

func (n Note) String() string { return n.Unit + ": " + n.Text }

// Reasons for which All leaves units out, in the order in which they are told.
const (
	whyProtected = "belongs to the protected set"
	whySystemd   = "part of systemd"
	whyTransient = "transient: it is gone once it ends"
	whyUnread    = "could not be read"
	whyIdle      = "neither changed on this host nor enabled nor running"
)

// ownOfSystemd are the units that come with systemd itself, those of the
// protected set aside.
var ownOfSystemd = []string{
	"autovt@*", "container-getty@*", "cryptdisks*.service", "debug-shell.service", "emergency.service", "getty-static.service",
	"hwclock.service", "initrd-*", "kmod.service", "kmod-static-nodes.service", "ldconfig.service", "modprobe@*", "procps.service", "quotaon*.service",
	"quotacheck*.service", "rc-local.service", "rc.service", "rcS.service", "rescue.service", "syslog.socket",
	"system-update-cleanup.service", "x11-common.service",
}

// All chooses the units that an administrator cares for: those that somebody
// changed on this host, those that are enabled, and those that run. Units that a
// rescue of the host depends on, and what belongs to systemd itself, are left out.
func All(h *Host, policy desired.Policy) Choice {
	var c Choice
	left := map[string][]string{}
	for _, id := range h.ids() {
		why := h.leaveOut(id, policy)
		switch {
		case why == "" && slices.ContainsFunc(ownOfSystemd, func(glob string) bool { return matches(glob, id) }) && !h.own(id):
			why = whySystemd
		case why == "" && !h.matters(id):
			why = whyIdle
		}
		if why == "" {
			c.Units = append(c.Units, id)
		} else {
			left[why] = append(left[why], id)
		}
	}
	order := []string{whyProtected, whySystemd, whyTransient, whyUnread, whyIdle}
	for _, why := range slices.SortedFunc(maps.Keys(left), func(a, b string) int {
		return cmp.Or(slices.Index(order, a)-slices.Index(order, b), strings.Compare(a, b))
	}) {
		c.Left = append(c.Left, Left{why, left[why]})
	}
	return c
}

// Named chooses units by name: with or without .service, by an alias, or by a
// glob. A unit that only stands for its instances is taken for them.
func Named(h *Host, names []string, policy desired.Policy) Choice {
	var c Choice
	chosen := map[string]bool{}
	for _, name := range names {
		ids := h.called(name)
		if len(ids) == 0 {
			c.Unknown = append(c.Unknown, name)
		}
		for _, id := range ids {
			if instances := h.standsFor(id); len(instances) > 0 {
				c.Left = append(c.Left, Left{standInFor(instances), []string{id}})
				for _, i := range instances {
					chosen[i] = true
				}
			} else if why := h.leaveOut(id, policy); why != "" {
				c.Refused = append(c.Refused, Note{id, why})
			} else {
				chosen[id] = true
			}
		}
	}
	c.Units = slices.Sorted(maps.Keys(chosen))
	return c
}

// ids are the primary names of all units that there are, sorted.
func (h *Host) ids() []string {
	found := map[string]bool{}
	for name, f := range h.World.Units {
		switch id := f.Value.ID; {
		case f.Err != "":
			found[name] = true
		case declarable(id) && !f.Value.Missing():
			found[id] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// called are the units that a name of the user's means.
func (h *Host) called(name string) []string {
	if f := h.World.Units[UnitName(name)]; f.Known() && !f.Value.Missing() {
		return []string{f.Value.ID}
	}
	return slices.DeleteFunc(h.ids(), func(id string) bool { return !matches(UnitName(name), id) })
}

// UnitName is a name as users write it, in full: .service is implied.
func UnitName(name string) string {
	if _, err := desired.ParseUnitName(name); err == nil {
		return name
	}
	for _, suffix := range []string{".service", ".socket", ".timer", ".path", "*"} {
		if strings.HasSuffix(name, suffix) {
			return name
		}
	}
	return name + ".service"
}

func matches(glob, id string) bool {
	ok, _ := path.Match(glob, id)
	return ok
}

// leaveOut says why a unit cannot be written down; empty: it can.
func (h *Host) leaveOut(id string, policy desired.Policy) string {
	u := h.unit(id)
	switch {
	case policy.Protected(id):
		return whyProtected
	case !h.World.Units[id].Known():
		return whyUnread
	case u.Boot == "transient" || strings.HasPrefix(u.Fragment, "/run/systemd/transient/"):
		return whyTransient
	}
	if instances := h.standsFor(id); len(instances) > 0 {
		return standInFor(instances)
	}
	return ""
}

// matters tells whether an administrator cares for a unit.
func (h *Host) matters(id string) bool {
	u := h.unit(id)
	switch {
	case h.own(id) || u.Boot == "masked-runtime":
		return true
	case u.Boot == "enabled" || u.Boot == "enabled-runtime":
		return true
	case u.Load == "masked":
		return false // by its vendor
	case u.Active == "inactive":
		return false
	}
	return u.Sub != "exited" || u.Boot == "generated"
}

// standsFor are the instances for which a unit stands that does nothing itself,
// as Debian's postgresql.service does for its clusters.
func (h *Host) standsFor(id string) []string {
	u := h.unit(id)
	name, ok := strings.CutSuffix(id, ".service")
	if !ok || u.Type != "oneshot" || !u.Remain || !startsNothing(h.loaded(u)) {
		return nil
	}
	return slices.DeleteFunc(h.ids(), func(other string) bool {
		return !strings.HasPrefix(other, name+"@") || !strings.HasSuffix(other, ".service") || h.unit(other).Load != "loaded"
	})
}

func startsNothing(file desired.UnitFile) bool {
	start := file.Values("Service", "ExecStart")
	return len(start) == 1 && slices.Contains([]string{"/bin/true", "/usr/bin/true", "true", ":"}, desired.Program(start[0].Value))
}

func standInFor(instances []string) string {
	return fmt.Sprintf("does nothing itself: it stands for %s", strings.Join(instances, ", "))
}
