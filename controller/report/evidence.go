package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// facts collects Evidence about one source after the other.
type facts struct {
	source string
	list   []Evidence
}

func (f *facts) add(fact, value string, at time.Time) {
	if value != "" {
		f.list = append(f.list, Evidence{Source: f.source, Fact: fact, Value: value, At: At(at)})
	}
}

// evidence lists what the decision about a service rests on: what is declared,
// what was seen of its units, files and dependencies and of the host, and what
// evenkeel did last. Of files only those are named that are not as declared.
func (v View) evidence(s *desired.Service, history []HistoryLine) []Evidence {
	f := &facts{source: "desired:" + s.Name}
	f.add("state", s.Spec.State, time.Time{})
	f.add("boot", s.Spec.Boot, time.Time{})
	f.add("management", s.Spec.Management, time.Time{})
	if v.Want.Policy.Mode == desired.Observe {
		f.source = "policy"
		f.add("mode", v.Want.Policy.Mode, time.Time{})
	}
	for _, u := range s.Units {
		f.source = "unit:" + u
		v.unitEvidence(f, u)
		v.probeEvidence(f, s, s.Probes, u)
		v.togetherEvidence(f, s, u)
	}
	v.fileEvidence(f, s)
	v.dependencyEvidence(f, s)
	f.source = "host:" + hostName(v.Want, v.Have)
	v.hostEvidence(f)
	f.source = "record"
	v.recordEvidence(f, s)
	f.source = "history"
	acts := slices.DeleteFunc(slices.Clone(history), func(l HistoryLine) bool { return l.Actuator == desired.Gatherer }) // told with the alert
	for _, l := range acts[:min(len(acts), lastSteps)] {
		f.add(l.action(), l.ended(), l.Time.Time)
	}
	return f.list
}

// lastSteps is how many of evenkeel's own last steps are evidence.
const lastSteps = 5

// ended says how a step ended, and why it was done.
func (l HistoryLine) ended() string {
	text := l.outcome()
	if l.Outcome != "" {
		text += " in " + (time.Duration(l.MS) * time.Millisecond).String()
	}
	text += ", because of " + string(l.Reason)
	if d := l.detail(); d != "" {
		text += ": " + d
	}
	return text
}

func (v View) unitEvidence(f *facts, unit string) {
	fact := v.Have.Units[unit]
	if !fact.Known() {
		f.add("unknown", orElse(fact.Err, "not looked at yet"), fact.At.Wall)
		return
	}
	u := fact.Value
	at := func(up time.Duration) time.Time { return wall(u, up) }
	f.add("active", u.Active+" ("+u.Sub+")", orRead(u.ChangedAt, fact.At))
	if ended := u.Active == "inactive" || u.Active == "failed"; ended {
		f.add("result", explained(u.Result, results), at(u.Exited))
	}
	if u.StartLimited() {
		f.add("start limit", "reached: systemd refuses to start it again until that is reset", at(u.Changed))
	}
	if !u.Up() {
		f.add("stopped", stopCause(u), at(u.Exited))
		v.ownStop(f, unit, u)
	}
	if !u.Condition && !u.ConditionAt.IsZero() && !u.Up() {
		f.add("condition", "a Condition= of the unit's own was not met when it was last started", u.ConditionAt)
	}
	if u.Job.ID != 0 {
		f.add("job", fmt.Sprintf("systemd has a %s job for it, number %d", u.Job.Type, u.Job.ID), fact.At.Wall)
	}
	if u.Load != "loaded" {
		f.add("load", u.Load, fact.At.Wall)
	}
	f.add("boot", u.Boot, fact.At.Wall)
	f.add("invocation", u.Invocation, at(u.Entered))
	if u.ExeStale {
		f.add("executable", "replaced or removed since the process started", fact.At.Wall)
	}
	if u.NeedReload {
		f.add("loaded", "older than what lies on disk, by systemd's own word", fact.At.Wall)
	}
	if u.Restarts > 0 {
		f.add("restarts", fmt.Sprintf("%d by systemd itself (Restart=%s)", u.Restarts, u.Restart), fact.At.Wall)
	}
}

// togetherEvidence names what fell sick at about the same time: where that is
// much, nothing is disturbed.
func (v View) togetherEvidence(f *facts, s *desired.Service, unit string) {
	names, probed := v.looked().picture.Together(s, unit)
	if len(names) < 2 {
		return
	}
	f.source = "breaker"
	f.add("sick at once", fmt.Sprintf("%d of %d services that are probed: %s", len(names), probed, strings.Join(names, ", ")), time.Time{})
}

// ownStop says that it was evenkeel itself that stopped a unit.
func (v View) ownStop(f *facts, unit string, u state.Unit) {
	if v.Past == nil {
		return
	}
	if stop, ok := v.Past.Stopped[unit]; ok && stop.Boot == v.Now.Boot && u.Exited <= stop.Up && stop.Follows(v.Past.Started[unit]) {
		f.add("stopped by", "evenkeel's own step", stop.Wall)
	}
}

// results are systemd's words for how a run ended.
var results = map[string]string{
	"success":         "it ended without an error",
	"exit-code":       "a process of it ended with an error code",
	"signal":          "a process of it was killed by a signal",
	"core-dump":       "a process of it crashed and dumped core",
	"oom-kill":        "the kernel or systemd-oomd killed a process of it for lack of memory",
	"timeout":         "a start, stop or reload took longer than its timeout",
	"watchdog":        "it did not answer its watchdog in time",
	"start-limit-hit": "systemd refuses to start it again, there were too many starts",
	"resources":       "systemd could not provide what it takes to run it",
	"protocol":        "it did not tell systemd what its Type= promises",
	"exec-condition":  "its ExecCondition= said no",
}

// stopCauses are the journal's evidence in words.
var stopCauses = map[state.StopCause]string{
	state.StopByJob:  "by a stop job, says the journal: somebody asked systemd for it, or started what conflicts with it",
	state.StopByExit: "by its own exit, says the journal: nobody asked for it",
	state.StopNoSign: "the journal shows no sign of who did it; that counts as a human's wish",
}

func stopCause(u state.Unit) string {
	if u.Stop == state.StopByConflict {
		return fmt.Sprintf("by a stop job, says the journal: because %s was started, which conflicts with it", u.StoppedFor)
	}
	return stopCauses[u.Stop]
}

// explained is a word with what it means.
func explained(word string, meanings map[string]string) string {
	if m := meanings[word]; m != "" {
		return word + ": " + m
	}
	return word
}

// wall is the moment of systemd's monotonic clock by the wall clock; zero where
// it is not known.
func wall(u state.Unit, up time.Duration) time.Time {
	if up == 0 || u.Changed == 0 || u.ChangedAt.IsZero() {
		return time.Time{}
	}
	return u.ChangedAt.Add(up - u.Changed)
}

func orRead(t time.Time, read state.Time) time.Time {
	if t.IsZero() {
		return read.Wall
	}
	return t
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// dependencyEvidence names what it requires where that is not well.
func (v View) dependencyEvidence(f *facts, s *desired.Service) {
	for _, name := range s.Requires {
		dep, ok := v.Want.Service(name)
		if !ok {
			continue
		}
		for _, u := range dep.Units {
			fact := v.Have.Units[u]
			f.source = "unit:" + u
			switch {
			case !fact.Known():
				f.add("unknown", "required, and "+orElse(fact.Err, "not looked at yet"), fact.At.Wall)
			case !fact.Value.Up():
				f.add("active", fact.Value.Active+" ("+fact.Value.Sub+"), and required", orRead(fact.Value.ChangedAt, fact.At))
			}
		}
	}
}

func (v View) hostEvidence(f *facts) {
	h := v.Have.Host
	if !h.Known() {
		f.add("unknown", orElse(h.Err, "not looked at yet"), h.At.Wall)
		return
	}
	system := h.Value.System
	if h.Value.Jobs > 0 && strings.HasSuffix(system, "ing") && system != "running" {
		system += fmt.Sprintf(", %d jobs queued", h.Value.Jobs)
	}
	f.add("system", system, h.At.Wall)
	if h.Value.Packages {
		f.add("package manager", "at work: dpkg or rpm holds its lock", h.At.Wall)
	}
	if h.Value.Stopped {
		f.add("kill switch", "/run/evenkeel/stop exists", h.At.Wall)
	}
}

func (v View) recordEvidence(f *facts, s *desired.Service) {
	if v.Past == nil || !v.Past.Known {
		f.add("past", "not known: no record could be read", time.Time{})
		return
	}
	f.add("distrust", v.Past.Distrust, time.Time{})
	for _, h := range v.remembered(s) {
		f.add(strings.TrimSpace(string(h.Reason)+" "+h.Unit), orElse(h.Detail, "placed"), h.Since.Wall)
	}
	if o := v.Past.Failovers[s.Name]; o.To != "" {
		f.add("failover", o.To+" stands in for it: "+string(o.Phase), o.Since.Wall)
	}
	if n := v.Past.Scales[s.Object()]; n.To > 0 {
		f.add("scale", fmt.Sprintf("%d instances, as a remedy asked for", n.To), n.Since.Wall)
	}
	if w, ok := v.Past.Woken[s.Object()]; ok {
		f.add("state", "runs though it is declared stopped, as a human approved; until it is declared running, or: evenkeel stop "+s.Name, w.Since.Wall)
	}
	if at, ok := v.Past.Released[s.Object()]; ok {
		f.add("released", "by hand", at.Wall)
	}
	if !v.Past.Renewed.IsZero() {
		f.add("version", "evenkeel "+v.Past.Version+" is new on this host", v.Past.Renewed.Wall)
	}
	for _, u := range s.Units {
		if n := v.Past.Flaps[u]; n.Since.Boot == v.Now.Boot && v.Have.Units[u].Value.Restarts > n.Restarts {
			f.add("restarts counted", fmt.Sprintf("%d by systemd itself since then", v.Have.Units[u].Value.Restarts-n.Restarts), n.Since.Wall)
		}
		if r, ok := v.Past.Ran[u]; ok && r.Adopted && r.Invocation != "" {
			f.add("adopted", u+" ran before evenkeel first saw it; what it was started with is not known", time.Time{})
		}
	}
	v.releaseEvidence(f, s)
	var wishes []state.Wish
	for _, w := range v.Past.Wished {
		if w.Object == s.Object() {
			wishes = append(wishes, w)
		}
	}
	slices.SortFunc(wishes, func(a, b state.Wish) int { return a.Since.Wall.Compare(b.Since.Wall) })
	for _, w := range wishes {
		f.add("would have done", bare(w.Action)+", because of "+string(w.Reason), w.Since.Wall)
	}
}
