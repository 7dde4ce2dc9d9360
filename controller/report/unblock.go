package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// unblock is what a human can do about one reason: in words, with the command
// that does it, and one that shows more. NAME, UNIT and DECLARED stand for the
// service, its unit, and where it is declared.
type unblock struct{ says, does, shows string }

// unblocking is what lifts each reason, besides time.
var unblocking = map[state.Reason]unblock{
	state.StoreUntrusted:    {"look at what happened to the record, stop evenkeel, and accept the record", "evenkeel check --accept-store", "journalctl -u evenkeel -b"},
	state.KillSwitch:        {"remove the kill switch", "rm /run/evenkeel/stop", ""},
	state.HostStarting:      {"it ends when systemd has started the host", "", "systemctl list-jobs"},
	state.HostStopping:      {"nothing: the host goes down", "", "systemctl list-jobs"},
	state.Protected:         {"nothing: the protected set is a human's business alone", "", ""},
	state.NotAllowed:        {"allow it in /etc/evenkeel/policy.yaml (units, paths)", "", "evenkeel diff"},
	state.Masked:            {"lift the mask, if nobody needs it any more", "systemctl unmask UNIT", ""},
	state.ManualStop:        {"start it by hand", "evenkeel start NAME", ""},
	state.Unobserved:        {"what could not be read is tried again; at once with", "evenkeel reconcile", ""},
	state.TooManySick:       {"find what they have in common", "", "evenkeel status"},
	state.BudgetSpent:       {"mend the cause, then have its limits begin anew", "evenkeel retry NAME", ""},
	state.Backoff:           {"have it tried at once", "evenkeel retry NAME", ""},
	state.PendingRestart:    {"restart it by hand", "evenkeel restart NAME", ""},
	state.PackageManager:    {"it ends when the package manager does", "", "ps -C dpkg,apt,apt-get,rpm,dnf -o pid,etime,args"},
	state.DriftHold:         {"undo the change, or declare it at DECLARED", "", "evenkeel diff"},
	state.SystemdActing:     {"it ends when systemd is done", "", "systemctl list-jobs"},
	state.InProgress:        {"it ends with the step that is under way", "", "evenkeel history NAME"},
	state.Rolling:           {"it ends when the others are done", "", "evenkeel diff"},
	state.Shrunk:            {"bring back what the desired state lost, or raise shrink in /etc/evenkeel/policy.yaml", "", "evenkeel diff"},
	state.Quarantined:       {"push a commit that mends it", "", "evenkeel history Host/HOST"},
	state.SourceRefused:     {"push a commit that can be believed, or mend what the host knows of the branch", "", "journalctl -u evenkeel -b"},
	state.DesiredInvalid:    {"push a commit that mends it", "", "evenkeel validate PATH"},
	state.Interrupted:       {"look whether the step was done", "", "evenkeel history NAME"},
	state.UnitInvalid:       {"mend the unit file", "", "systemd-analyze verify UNIT"},
	state.ForeignDropIn:     {"remove the drop-in, set foreignDropIns: enforce at DECLARED, or accept it", "evenkeel accept NAME", ""},
	state.UnitFileDrift:     {"undo the change, declare it, or set drift: enforce at DECLARED", "", "evenkeel diff"},
	state.FileDrift:         {"undo the change, declare it, or set drift: enforce at DECLARED", "", "evenkeel diff"},
	state.ReleaseDrift:      {"put the declared release there, whole at once, or declare the one that is current at DECLARED", "", "evenkeel diff"},
	state.NotEnabled:        {"set drift: enforce at DECLARED, or enable it", "systemctl enable UNIT", ""},
	state.StuckDeactivating: {"systemd ends it after its TimeoutStopSec=; at once with", "systemctl kill -s KILL UNIT", ""},
	state.StuckActivating:   {"look at what it waits for", "", "systemctl list-jobs"},
	state.Escalated:         {"mend the cause, then have its remedies begin anew", "evenkeel retry NAME", "evenkeel history NAME"},
	state.RemedyWorse:       {"look at what the remedy did, mend the cause, then have its remedies begin anew", "evenkeel retry NAME", "evenkeel history NAME"},
	state.WrongService:      {"find what answers in its place", "", "ss -ltnp"},
	state.Flapping:          {"look at why it ends", "", "systemctl show -p NRestarts,Result,ExecMainStatus UNIT"},
	state.Verifying:         {"", "", "evenkeel history NAME"},
	state.NotReady:          {"look at what its readiness says", "", ""},
}

// endings say what happens when the time of a hold comes, where it is not just
// over.
var endings = map[state.Reason]string{
	state.Escalated:      "it is tried once more at",
	state.RemedyWorse:    "it is tried once more at",
	state.DependencySick: "it is looked at as sick in its own right at",
	state.Verifying:      "whether the remedy helped is decided at",
}

// unblocks says what would let evenkeel act, and which commands help, those that
// look beside those that act.
func (v View) unblocks(s *desired.Service, w Why) (says, commands []string) {
	says, commands = []string{}, []string{}
	add := func(list *[]string, text string) {
		if text != "" && !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, h := range v.holdsOf(s) {
		if h.Info && h.Reason == state.Verifying {
			continue // it is well
		}
		if h.Until != nil {
			add(&says, fmt.Sprintf("%s %s", orElse(endings[h.Reason], string(h.Reason)+" ends by itself at"), At(h.Until.Wall)))
		}
		text, run := v.unblock(s, h, w.Declared)
		add(&says, text)
		for _, c := range run {
			add(&commands, c)
		}
	}
	for _, h := range v.remembered(s) {
		if h.Reason == state.Suspended {
			if u := h.Until(v.Now); u != nil {
				add(&says, fmt.Sprintf("%s ends by itself at %s", h.Reason, At(u.Wall)))
			}
			c := resume(s, h.Object)
			add(&says, "end the suspension: "+c)
			add(&commands, c)
		}
	}
	for _, c := range append(v.asks(s), v.looking(s)...) {
		add(&commands, c)
	}
	return says, commands
}

// asks are commands that ask again what its failed probes asked.
func (v View) asks(s *desired.Service) []string {
	var out []string
	for i := range s.Probes {
		q := &s.Probes[i]
		if p, why := v.probe(q); (p.Verdict == state.ProbeFailure || why != "" && why != notProbed) && len(out) < 3 {
			out = append(out, asking(q.Probe))
		}
	}
	return out
}

// unblock is what lifts one hold, with the commands for it.
func (v View) unblock(s *desired.Service, h state.Held, declared string) (says string, run []string) {
	switch h.Reason {
	case state.AwaitingApproval, state.NewVersion:
		for _, id := range h.Steps {
			run = append(run, "evenkeel approve "+id)
		}
		return "let it go: " + strings.Join(run, "; "), run
	case state.DependencySick:
		return v.mend(s, h)
	case state.ObserveOnly:
		return v.act(s, declared), []string{"evenkeel diff"}
	case state.Escalated:
		if v.Past != nil && v.Past.Failovers[s.Name].To != "" {
			c := resume(s, s.Object())
			return "mend it, then take it back: " + c, []string{c}
		}
	case state.Suspended:
		if v.Past != nil && !v.Past.Released[s.Object()].IsZero() {
			c := resume(s, s.Object())
			return "take it back into evenkeel's hands: " + c, []string{c}
		}
		return "", nil // what a human placed is remembered
	}
	unit := orElse(h.Unit, s.Units[0])
	fill := func(text string, put func(string) string) string {
		return strings.NewReplacer("NAME", put(s.Name), "UNIT", put(unit), "DECLARED", declared).Replace(text)
	}
	u := unblocking[h.Reason]
	says = fill(u.says, func(s string) string { return s })
	if u.does != "" {
		says += ": " + fill(u.does, word)
	}
	return says, []string{fill(u.does, word), fill(u.shows, word)}
}

// act says what would end observing.
func (v View) act(s *desired.Service, declared string) string {
	var parts []string
	if v.Want.Policy.Mode == desired.Observe {
		parts = append(parts, "mode: enforce in /etc/evenkeel/policy.yaml")
	}
	if m := s.Spec.Management; m != "" && m != desired.Enforce {
		parts = append(parts, "management: enforce at "+declared)
	}
	return "let evenkeel act: " + strings.Join(parts, ", ")
}

// mend says which of the things that a service needs come first, and what follows
// for it.
func (v View) mend(s *desired.Service, h state.Held) (says string, run []string) {
	roots := v.picture.Roots(s.Name)
	for _, name := range roots {
		run = append(run, "evenkeel why "+word(strings.TrimPrefix(v.ref(name), "Service/")))
	}
	if len(roots) == 0 {
		return "nothing: what it depends on is well again, and it may recover by itself", nil
	}
	says = "mend what it depends on: " + strings.Join(roots, ", ")
	switch {
	case slices.ContainsFunc(h.Wishes, func(w state.Wish) bool { return w.Action.Verb == "start" }):
		return says + "; once that is well it is started", run
	case h.Info:
		return says + "; once that is well it recovers by itself", run
	}
	return fmt.Sprintf("%s; once that is well it has %s to recover by itself, and only then is it restarted", says, desired.Duration(plan.Patience(s))), run
}

func resume(s *desired.Service, object string) string {
	if object == s.Object() {
		return "evenkeel resume " + word(s.Name)
	}
	return "evenkeel resume host"
}

// looking are the commands that show what systemd and the journal know: of the
// units that are not well, of the first one where all are; at most of three.
func (v View) looking(s *desired.Service) []string {
	sick := make(map[string]time.Time) // since when
	for _, h := range v.picture.Of(s.Name) {
		if h.Unfit != "" || h.Reason != "" {
			sick[h.Unit] = v.failedSince(s.Name, h)
		}
	}
	var ill []string
	for _, u := range s.Units {
		_, is := sick[u]
		if f := v.Have.Units[u]; is || !f.Known() || !f.Value.Up() {
			ill = append(ill, u)
		}
	}
	if len(ill) == 0 {
		ill = s.Units
	}
	var out []string
	for _, u := range ill[:min(len(ill), 3)] {
		since := "-b"
		if at := latest(v.Have.Units[u].Value.ChangedAt, sick[u]); !at.IsZero() {
			since = `--since "` + at.UTC().Format("2006-01-02 15:04:05") + ` UTC"`
		}
		out = append(out, "systemctl status "+word(u), "journalctl -u "+word(u)+" "+since)
	}
	return out
}

// word makes one word of a name for a shell.
func word(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
