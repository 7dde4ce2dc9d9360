package adopt

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Finding is what about a unit invites trouble.
type Finding struct {
	Unit   string
	Weight int      // of the worst of it: the worse, the higher; 100 at most
	Texts  []string // the worst first
}

func (f Finding) String() string { return f.Unit + ": " + strings.Join(f.Texts, "; ") }

// Lint judges the named units, the worst first. No secret is in what it says.
func Lint(h *Host, units []string) []Finding {
	var all []Finding
	for _, id := range units {
		l := linter{host: h, unit: h.unit(id), file: h.loaded(h.unit(id))}
		if l.unit.Load != "loaded" || !strings.HasSuffix(id, ".service") {
			continue
		}
		if l.service(); len(l.flaws) > 0 {
			all = append(all, l.finding())
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(b.Weight-a.Weight, len(b.Texts)-len(a.Texts), strings.Compare(a.Unit, b.Unit))
	})
	return all
}

type linter struct {
	host  *Host
	unit  state.Unit
	file  desired.UnitFile
	flaws []flaw
}

type flaw struct {
	weight int
	text   string
}

func (l *linter) add(weight int, format string, args ...any) {
	l.flaws = append(l.flaws, flaw{weight, fmt.Sprintf(format, args...)})
}

func (l *linter) finding() Finding {
	slices.SortStableFunc(l.flaws, func(a, b flaw) int { return b.weight - a.weight })
	f := Finding{Unit: l.unit.ID, Weight: l.flaws[0].weight}
	for _, one := range l.flaws {
		f.Texts = append(f.Texts, one.text)
	}
	return f
}

// service holds a service against the rules, each with its weight.
func (l *linter) service() {
	l.programs()
	l.secrets()
	if l.value("KillMode") == "none" {
		l.add(70, "KillMode=none leaves processes behind when it stops")
	}
	stays := l.staysUp()
	if l.asRoot() {
		weight := 60
		if !stays {
			weight = 20
		}
		l.add(weight, "runs as root (set User= or DynamicUser=yes, unless it must)")
	}
	if stays && cmp.Or(l.unit.Restart, l.value("Restart"), "no") == "no" {
		l.add(50, "no Restart=, so that it stays dead after a crash (set Restart=on-failure)")
	}
	if l.unit.Type == "forking" && l.value("PIDFile") == "" {
		l.add(30, "Type=forking without PIDFile=, so that systemd guesses its main process")
	}
	if e := l.host.Exposure[l.unit.ID]; e >= exposed {
		l.add(int(e), "exposure %.1f of 10 (systemd-analyze security)", e)
	}
}

// exposed is the score from which systemd-analyze says UNSAFE.
const exposed = 9.0

func (l *linter) value(key string) string { return l.file.Value("Service", key) }

// openPaths are the folders into which every user may write.
var openPaths = []string{"/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "/run/lock/"}

// programs finds programs that anybody may replace. A private /tmp is another one.
func (l *linter) programs() {
	for _, p := range programsOf(l.file) {
		inOpen := slices.ContainsFunc(openPaths, func(dir string) bool { return strings.HasPrefix(p, dir) })
		if inOpen || l.host.Open[p] {
			l.add(100, "starts %s, which every user can replace (move it to /usr/local/bin or /opt)", p)
		}
	}
}

var execKeys = []string{"ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop", "ExecStopPost", "ExecCondition"}

func programsOf(file desired.UnitFile) []string {
	var out []string
	for _, key := range execKeys {
		for _, d := range file.Values("Service", key) {
			if p := desired.Program(d.Value); path.IsAbs(p) && !slices.Contains(out, p) {
				out = append(out, path.Clean(p))
			}
		}
	}
	return out
}

// Programs lists, sorted, the absolute paths of what the units start.
func Programs(h *Host, units []string) []string {
	var out []string
	for _, id := range units {
		out = append(out, programsOf(h.loaded(h.unit(id)))...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

var (
	secretName = regexp.MustCompile(`(?i)(^|_)(PASS|PASSWD|PASSWORD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|SECRET_?KEY|ACCESS_?KEY|CREDENTIALS?)(_|$)|PASSWORD$`)
	secretURL  = regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^/@\s:]*:[^/@\s]+@`)
	secretFlag = regexp.MustCompile(`(?i)--?[a-z-]*(password|passwd|token|secret|api-?key)[= ]+[^\s$%-]`)
)

// secrets finds secrets where every user of the host can read them. Only the
// names of variables are told.
func (l *linter) secrets() {
	for _, d := range l.file.Values("Service", "Environment") {
		for _, a := range assignments(d.Value) {
			name, value, _ := strings.Cut(a, "=")
			if value != "" && !strings.Contains(value, "/run/") && (secretName.MatchString(name) || secretURL.MatchString(value)) {
				l.add(90, "a secret in Environment=%s, which every user can read and which is in this folder now (use LoadCredential=, or EnvironmentFile= of mode 0600)", name)
			}
		}
	}
	for _, key := range execKeys {
		for _, d := range l.file.Values("Service", key) {
			if secretFlag.MatchString(d.Value) || secretURL.MatchString(d.Value) {
				l.add(90, "a secret in %s=, which every user can read and which is in this folder now (use LoadCredential=, or EnvironmentFile= of mode 0600)", key)
			}
		}
	}
}

// assignments takes the value of Environment= apart: words, or quoted ones.
func assignments(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		word := ""
		if q := s[0]; q == '"' || q == '\'' {
			word, s, _ = strings.Cut(s[1:], string(q))
		} else {
			word, s, _ = strings.Cut(s, " ")
		}
		out = append(out, word)
	}
	return out
}

// asRoot tells an administrator's own service that runs with all of root's
// rights. What packages bring is theirs to judge.
func (l *linter) asRoot() bool {
	if strings.HasPrefix(l.unit.Fragment, "/usr/lib/") || strings.HasPrefix(l.unit.Fragment, "/lib/") || strings.HasPrefix(l.unit.Fragment, "/run/systemd/generator") {
		return false
	}
	user := l.value("User")
	return (user == "" || user == "root" || user == "0") && l.value("CapabilityBoundingSet") == "" &&
		!slices.Contains([]string{"yes", "true", "1", "on"}, strings.ToLower(l.value("DynamicUser")))
}

// staysUp tells a service that is there to stay: nothing starts it for one piece
// of work.
func (l *linter) staysUp() bool {
	return l.unit.Type != "oneshot" && !slices.ContainsFunc(l.unit.TriggeredBy, func(t string) bool { return !strings.HasSuffix(t, ".socket") })
}
