package changes

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What PID 1 says of jobs, by systemd's catalogue of messages.
const (
	jobStarted       = "39f53479d3a045ac8e11786248231fbf" // a start is done, also the second half of a restart
	jobFailed        = "be02cf6855d2428ba40df7e9d022f03d" // a start failed
	jobStopped       = "9d1aaa27d60140bd96365438aad20286" // a stop is done, or the first half of a restart
	jobReloaded      = "7b05ebc668384222baa8881179cfda54"
	restartScheduled = "5eb03494b6584870a536b337290809b3" // systemd itself will restart the unit
	startupFinished  = "b07a249cd024414a82dd00cd181378ff" // of the host
	startupContained = "eed00a68ffd84e31882105fd973abdd1" // of a host in a container
	shutdownBegins   = "98268866d1d54a499c4e98921d93bc40" // logind's word, for the host
)

// Jobs knows what somebody asked systemd to start, stop, restart or reload. What
// systemd did by itself is left out: its own restarts, what timers, sockets and
// paths start, and all that belongs to the host's coming up and going down.
func Jobs() Source {
	return Source{"systemctl", func(ctx context.Context, w Window) ([]Change, error) {
		matches := []string{"_PID=1"}
		for _, id := range []string{jobStarted, jobFailed, jobStopped, jobReloaded, restartScheduled, startupFinished, startupContained} {
			matches = append(matches, "MESSAGE_ID="+id)
		}
		entries, err := journal(ctx, w, append(matches, "+", "MESSAGE_ID="+shutdownBegins, "_COMM=systemd-logind")...)
		return jobs(entries, triggered), err
	}}
}

// jobs makes rows of entries, oldest first. triggered tells of a unit that
// something other than a human starts.
func jobs(entries []entry, triggered func(unit string) bool) []Change {
	up, down := bootTimes(entries)
	var rows []Change
	again := map[text]bool{}     // units of which a restart is half done, by a human's hand
	scheduled := map[text]bool{} // units that systemd restarts by itself
	for _, e := range entries {
		t := e.time()
		if end, ok := down[e.Boot]; ok && !t.Before(end) || t.Before(up[e.Boot]) || e.Unit == "" || !ofInterest(string(e.Unit)) {
			continue
		}
		what := ""
		switch e.MessageID {
		case restartScheduled:
			scheduled[e.Unit] = true
		case jobStopped:
			if e.JobType == "stop" {
				what = "stopped"
			} else {
				again[e.Unit] = !scheduled[e.Unit]
			}
		case jobStarted, jobFailed:
			what = begun(e, again[e.Unit], scheduled[e.Unit] || triggered(string(e.Unit)))
			delete(again, e.Unit)
			delete(scheduled, e.Unit)
		case jobReloaded:
			what = "reloaded"
		}
		if what != "" {
			rows = append(rows, Change{Time: t, Object: string(e.Unit), What: what})
		}
	}
	return rows
}

// begun words the end of a start; empty where nobody asked for it.
func begun(e entry, again, bySystemd bool) string {
	switch failed := e.MessageID == jobFailed; {
	case strings.Contains(string(e.Message), "was skipped because of an unmet condition"):
		return "start skipped, a condition is not met"
	case again && failed:
		return "restarted, and the start failed"
	case again:
		return "restarted"
	case bySystemd:
		return ""
	case failed:
		return "start failed"
	}
	return "started"
}

// bootTimes are when each boot was up, and when it began to go down.
func bootTimes(entries []entry) (up, down map[text]time.Time) {
	up, down = map[text]time.Time{}, map[text]time.Time{}
	for _, e := range entries {
		switch e.MessageID {
		case startupFinished, startupContained:
			up[e.Boot] = e.time()
		case shutdownBegins:
			down[e.Boot] = e.time()
		}
	}
	return up, down
}

// ofInterest leaves out what comes and goes with logins and devices.
func ofInterest(unit string) bool {
	if !slices.Contains([]string{".service", ".timer", ".socket", ".path"}, filepath.Ext(unit)) {
		return false
	}
	for _, p := range []string{"user@", "user-runtime-dir@", "systemd-", "getty@", "serial-getty@", "modprobe@"} {
		if strings.HasPrefix(unit, p) {
			return false
		}
	}
	return true
}

// triggered tells whether a timer, socket or path of the same name exists.
func triggered(unit string) bool {
	stem, ok := strings.CutSuffix(unit, ".service")
	if !ok {
		return false
	}
	if t, _, ok := strings.Cut(stem, "@"); ok {
		stem = t + "@"
	}
	for _, dir := range append([]string{"/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator"}, unitFolders...) {
		for _, kind := range []string{".timer", ".socket", ".path"} {
			if _, err := os.Stat(filepath.Join(dir, stem+kind)); err == nil {
				return true
			}
		}
	}
	return false
}
