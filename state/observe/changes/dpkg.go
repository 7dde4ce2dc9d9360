package changes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Where dpkg and apt write what they do.
const (
	dpkgLog = "/var/log/dpkg.log"
	aptLog  = "/var/log/apt/history.log"
)

// Dpkg knows the packages that dpkg installed, upgraded and removed, and, from
// apt, who asked for it.
func Dpkg() Source {
	return Source{"package", func(_ context.Context, w Window) ([]Change, error) { return dpkg(dpkgLog, aptLog, w) }}
}

func dpkg(log, history string, w Window) ([]Change, error) {
	runs, aptErr := aptRuns(history, w)
	var rows []Change
	err := rotated(log, w, func(line string) {
		c, ok := dpkgLine(line)
		if !ok || !w.has(c.Time) {
			return
		}
		for _, r := range runs {
			if r.covers(c.Time) {
				c.Actor = r.who
			}
		}
		rows = append(rows, c)
	})
	return rows, errors.Join(err, aptErr)
}

// dpkgLine reads "2026-11-23 02:00:00 upgrade nginx:amd64 1.22.1-9 1.22.1-10".
// dpkg writes local times; its other lines are steps on the way.
func dpkgLine(line string) (Change, bool) {
	f := strings.Fields(line)
	if len(f) != 6 {
		return Change{}, false
	}
	t, err := time.ParseInLocation(time.DateTime, f[0]+" "+f[1], time.Local)
	if err != nil {
		return Change{}, false
	}
	c := Change{Time: t, Object: f[3]}
	switch f[2] {
	case "install":
		c.What = "installed " + f[5]
		if f[4] != "<none>" {
			c.What = fmt.Sprintf("installed %s again, it had been %s", f[5], f[4])
		}
	case "upgrade":
		c.What = fmt.Sprintf("upgraded from %s to %s", f[4], f[5])
	case "remove":
		c.What = "removed " + f[4]
	case "purge":
		c.What = "purged " + f[4]
	default:
		return Change{}, false
	}
	return c, true
}

// aptRun is one run of apt, from its history.
type aptRun struct {
	from, to time.Time
	who      string
}

func (r aptRun) covers(t time.Time) bool { return !t.Before(r.from) && !t.After(r.to) }

// aptRuns reads blocks of "Start-Date:", "Commandline:", "Requested-By:" and
// "End-Date:" lines.
func aptRuns(log string, w Window) ([]aptRun, error) {
	var all []aptRun
	var r aptRun
	err := rotated(log, w, func(line string) {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Start-Date":
			r = aptRun{from: aptTime(value)}
		case "Commandline":
			if strings.Contains(value, "unattended-upgrade") {
				r.who = "unattended-upgrade"
			}
		case "Requested-By":
			r.who, _, _ = strings.Cut(value, " ")
		case "End-Date":
			r.to = aptTime(value)
			all = append(all, r)
		}
	})
	return all, err
}

// aptTime reads a local time with two spaces between date and time.
func aptTime(s string) time.Time {
	t, _ := time.ParseInLocation(time.DateTime, strings.Join(strings.Fields(s), " "), time.Local)
	return t
}
