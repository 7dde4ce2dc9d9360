package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// clocks are the times of a service's conditions, by type; "" is not known.
func (h *host) clocks(t *testing.T) map[string]string {
	t.Helper()
	h.settle()
	d, ok := h.Describe(h.Want.Services[len(h.Want.Services)-1].Name, nil)
	if !ok {
		t.Fatal("not found")
	}
	out := map[string]string{}
	for _, c := range d.Conditions {
		out[c.Type+" "+c.Status] = ""
		if !c.LastTransitionTime.IsZero() {
			out[c.Type+" "+c.Status] = c.LastTransitionTime.Format(time.TimeOnly)
		}
		if c.ObservedGeneration != h.Want.Revision {
			t.Errorf("%s was observed at %q", c.Type, c.ObservedGeneration)
		}
	}
	return out
}

// Each condition has a time of its own: since when it has its status.
func TestConditionsSinceWhen(t *testing.T) {
	const began = "08:48:00"
	quiet := func(more map[string]string) map[string]string {
		out := map[string]string{
			"InSync True": began, "Running True": began, "Enabled True": "", "Held False": "", "PendingRestart False": began, "Suspended False": "",
		}
		for k, v := range more {
			for old := range out {
				if kindOf(old) == kindOf(k) {
					delete(out, old)
				}
			}
			out[k] = v
		}
		for k, v := range out {
			if status, ok := strings.CutPrefix(k, Running); ok {
				out[Ready+status] = v // none of them has a probe
			}
		}
		return out
	}
	for name, c := range map[string]struct {
		h    *host
		want map[string]string
	}{
		"all is well":             {nights["ok"](), quiet(nil)},
		"evenkeel mended it last": {mended(), quiet(map[string]string{"InSync True": "11:30:00"})},
		"it failed": {nights["to-be-done"](), quiet(map[string]string{
			"InSync False": "11:59:58", "Running False": "11:59:58", "PendingRestart False": "",
		})},
		"its budget is spent": {nights["budget-spent"](), quiet(map[string]string{
			"InSync False": "11:56:00", "Running False": "11:56:00", "Held True": "11:56:00", "PendingRestart False": "",
		})},
		"it waits": {nights["backoff"](), quiet(map[string]string{
			"InSync False": "11:59:56", "Running False": "11:59:56", "Held True": "11:59:55", "PendingRestart False": "",
		})},
		"a human stopped it": {nights["manual-stop"](), quiet(map[string]string{
			"InSync False": "11:50:00", "Running False": "11:50:00", "Held True": "12:00:00", "PendingRestart False": "",
		})},
		"it is suspended, and fails": {nights["suspended"](), quiet(map[string]string{
			"InSync False": "11:59:00", "Running False": "11:59:00", "Held True": "11:40:00", "PendingRestart False": "", "Suspended True": "11:40:00",
		})},
		"the host is suspended":   {nights["suspended-and-well"](), quiet(map[string]string{"Suspended True": "11:40:00"})},
		"it was suspended":        {resumedAt(11), quiet(map[string]string{"Held False": "11:00:00", "Suspended False": "11:00:00"})},
		"it is released":          {releasedAt(10), quiet(map[string]string{"Suspended True": "10:00:00"})},
		"its unit file is edited": {nights["drift-hold"](), quiet(map[string]string{"InSync False": "11:58:00", "Held True": "11:58:00"})},
		"its dependency is down": {nights["dependency-sick"](), quiet(map[string]string{
			"InSync False": "11:56:00", "Running False": "11:56:00", "Held True": "11:55:00", "PendingRestart False": "",
		})},
		"evenkeel only observes": {nights["observe-only"](), quiet(map[string]string{
			"InSync False": "11:57:00", "Running False": "11:57:00", "Held True": "12:00:00", "PendingRestart False": "",
		})},
		"a new version waits": {nights["new-version"](), quiet(map[string]string{"InSync False": "", "Held True": "10:00:00", "PendingRestart True": ""})},
		"a deploy waits":      {deployed(), quiet(map[string]string{"InSync False": "", "Held True": "", "PendingRestart True": "11:45:00"})},
		"an upgraded executable, of which no time is known": {nights["pending-restart"](), quiet(map[string]string{"InSync False": "", "Held True": "", "PendingRestart True": ""})},
		"it cannot be read": {nights["unobserved"](), map[string]string{
			"InSync False": "", "Running Unknown": "", "Enabled Unknown": "", "Held True": "", "PendingRestart False": "", "Suspended False": "", "Ready Unknown": "",
		}},
		"one replica of two is down": {nights["replicas"](), quiet(map[string]string{"InSync False": "11:55:00", "Running False": "11:55:00", "Held True": "12:00:00"})},
	} {
		if d := cmp.Diff(c.want, c.h.clocks(t)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func kindOf(s string) string {
	for i := range s {
		if s[i] == ' ' {
			return s[:i]
		}
	}
	return s
}

func mended() *host {
	h := nights["ok"]()
	h.Past.Ended["file:/etc/systemd/system/"+backend] = moment(-30 * time.Minute)
	return h
}

func resumedAt(hour int) *host {
	h := nights["ok"]()
	h.Past.Resumed["Service/pakashop-backend"] = moment(time.Duration(hour-12) * time.Hour)
	return h
}

func releasedAt(hour int) *host {
	h := nights["ok"]()
	h.Past.Released["Service/pakashop-backend"] = moment(time.Duration(hour-12) * time.Hour)
	return h
}

// deployed has a release that waits for a restart by hand.
func deployed() *host {
	const current = "/opt/pakashop/backend/current"
	s := app("pakashop-backend")
	s.Spec.Watch = []string{current}
	s.Spec.RestartOn = &desired.RestartOn{Unit: desired.Now, Files: desired.Now, Watch: desired.Manual, Executable: desired.Manual}
	h := night(s)
	link := func(to string, at time.Time) {
		h.Have.Files[current] = state.Fact[state.File]{At: moment(0), Value: state.File{Kind: state.Symlink, Link: to, Changed: at}}
	}
	link("releases/1", noon.Add(-5*time.Hour))
	h.settle()
	link("releases/2", noon.Add(-15*time.Minute))
	return h
}
