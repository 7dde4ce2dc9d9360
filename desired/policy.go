package desired

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// Policy is what the host allows, whatever git asks. It is read from the host,
// never from git. The zero value allows nothing.
type Policy struct {
	Mode           string            `json:"mode,omitempty" enum:"observe,enforce"`
	Host           Host              `json:"host,omitzero"`
	Units          []string          `json:"units,omitempty"` // globs over unit names, .service implied
	Paths          []string          `json:"paths,omitempty"` // globs; ** crosses folders
	Exec           []PolicyExec      `json:"exec,omitempty"`
	Actions        map[string]string `json:"actions,omitempty"` // ACTUATOR.VERB or short name → auto, approve
	Signatures     string            `json:"signatures,omitempty" enum:"required,none"`
	AllowedSigners string            `json:"allowedSigners,omitempty"`
	Budgets        Budgets           `json:"budgets,omitzero"`
	Shrink         float64           `json:"shrink,omitempty"`
	Protect        []string          `json:"protect,omitempty"`
	Credentials    []string          `json:"credentials,omitempty"` // folders of fromCredential
	Identity       string            `json:"identity,omitempty"`    // the age identity that decrypts *.age
}

// Host is who this host is.
type Host struct {
	Name        string            `json:"name,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// PolicyExec is a program that exec actions may run.
type PolicyExec struct {
	Argv0 string `json:"argv0"`
	User  string `json:"user,omitempty"`
}

// Budgets bounds what all services together may suffer.
type Budgets struct {
	Disruptive     int      `json:"disruptive,omitempty"`     // remedial disruptive steps…
	Per            Duration `json:"per,omitempty"`            // …in this time
	UnhealthyShare float64  `json:"unhealthyShare,omitempty"` // more sick than this: nothing is done
	InFlight       int      `json:"inFlight,omitempty"`       // disruptive steps at a time
}

// Modes and words that several places compare with.
const (
	Observe = "observe"
	Repair  = "repair"
	Enforce = "enforce"
	Warn    = "warn"
	Ignore  = "ignore"

	Running = "running"
	Stopped = "stopped"
	Ignored = "ignored"

	Enabled  = "enabled"
	Disabled = "disabled"
	Masked   = "masked"

	Now    = "now"
	Window = "window"
	Manual = "manual"

	OnRemoveRelease = "release"
	OnRemoveStop    = "stop"
	OnRemoveDelete  = "delete"

	Auto    = "auto"
	Approve = "approve"
)

// autoActions need no approval unless policy says otherwise.
var autoActions = []string{
	"systemd.start", "systemd.stop", "systemd.restart", "systemd.reload", "systemd.enable", "systemd.disable",
	"systemd.mask", "systemd.unmask", "systemd.daemon-reload", "systemd.reset-failed", "file.write", "file.remove", "notify.send",
}

// BuiltInPolicy is in force where the host has no policy file and desired
// state is a local folder: everything but the protected set.
func BuiltInPolicy() Policy {
	p := Policy{Mode: Enforce, Units: []string{"*"}, Paths: []string{"/**"}, Signatures: "none"}
	p.SetDefaults()
	return p
}

// SetDefaults fills the fields that a policy file left out: mode observe, no
// units, no paths, signatures required.
func (p *Policy) SetDefaults() {
	if p.Mode == "" {
		p.Mode = Observe
	}
	if p.Signatures == "" {
		p.Signatures = "required"
	}
	if p.Budgets.Disruptive == 0 {
		p.Budgets.Disruptive = 10
	}
	if p.Budgets.Per == 0 {
		p.Budgets.Per = Duration(10 * 60 * 1e9)
	}
	if p.Budgets.UnhealthyShare == 0 {
		p.Budgets.UnhealthyShare = 0.55
	}
	if p.Budgets.InFlight == 0 {
		p.Budgets.InFlight = 1
	}
	if p.Shrink == 0 {
		p.Shrink = 0.3
	}
}

// protected is never disturbed, whatever anybody declares: evenkeel itself,
// what systemd needs to work, and the ways by which a human gets in.
var protected = []string{
	"evenkeel*", "systemd-*", "dbus*", "init.scope", "-.mount", "-.slice", "system.slice", "user.slice", "user@*", "user-*", "session-*",
	"ssh", "ssh.service", "ssh.socket", "ssh@*", "sshd*", "getty@*", "serial-getty@*", "console-getty.service",
	"NetworkManager*", "networking.service", "network*.target", "network-manager.service", "ifup@*", "wpa_supplicant*", "dhcpcd*", "dhclient*", "wickedd*", "netplan*",
	"nftables.service", "iptables*", "firewalld.service", "ufw.service",
	"*.target", "*.mount", "*.swap", "*.device", "*.slice", "*.scope",
}

// Protected tells whether a unit belongs to the protected set.
func (p Policy) Protected(unit string) bool {
	return matchUnit(protected, unit) || matchUnit(p.Protect, unit)
}

// AllowsUnit tells whether policy lets evenkeel manage a unit.
func (p Policy) AllowsUnit(unit string) bool { return matchUnit(p.Units, unit) }

// AllowsPath tells whether policy lets evenkeel write a file. The path must be
// absolute and clean. Files that make evenkeel or a login what it is are never
// allowed, nor is what units and systemd itself are made of: those are
// governed by Units.
func (p Policy) AllowsPath(file string) bool {
	if !path.IsAbs(file) || path.Clean(file) != file {
		return false
	}
	for _, f := range forbiddenPaths {
		if file == f || strings.HasPrefix(file, f+"/") {
			return false
		}
	}
	return slices.ContainsFunc(p.Paths, func(g string) bool { return MatchPath(g, file) })
}

var forbiddenPaths = []string{
	"/etc/evenkeel", "/var/lib/evenkeel", "/run/evenkeel", "/usr/lib/evenkeel",
	"/etc/systemd", "/run/systemd", "/usr/lib/systemd", "/lib/systemd",
	"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh", "/root/.ssh", "/etc/pam.d",
	"/etc/ld.so.preload", "/proc", "/sys", "/dev", "/boot",
}

// Approval tells whether an action, by its full name ACTUATOR.VERB, is auto or
// waits to be approved. Policy may name it in full or by its actuator or verb
// alone.
func (p Policy) Approval(action string) string {
	actuator, verb, _ := strings.Cut(action, ".")
	if action == "git.revert" {
		return p.strictest(action, "git.push", verb, "push", actuator)
	}
	for _, name := range []string{action, verb, actuator} {
		if a, ok := p.Actions[name]; ok {
			return a
		}
	}
	if actuator == Gatherer || slices.Contains(autoActions, action) {
		return Auto
	}
	return Approve
}

// strictest is what policy says of an action that is also another one: a revert
// is a push. It is auto only where it is named, and nothing that is named says
// otherwise.
func (p Policy) strictest(names ...string) string {
	said := Approve
	for _, name := range names {
		if a, ok := p.Actions[name]; ok {
			if a != Auto {
				return Approve
			}
			said = Auto
		}
	}
	return said
}

// RunsAs tells whether policy lists a program, by its absolute path, and who
// runs it: nobody where the entry names no user.
func (p Policy) RunsAs(argv0 string) (user string, ok bool) {
	for _, e := range p.Exec {
		if e.Argv0 == argv0 && path.IsAbs(argv0) && path.Clean(argv0) == argv0 {
			return cmp.Or(e.User, "nobody"), true
		}
	}
	return "", false
}

func matchUnit(globs []string, unit string) bool {
	short, service := strings.CutSuffix(unit, ".service")
	for _, g := range globs {
		if matchGlob(g, unit) || service && !strings.HasSuffix(g, "*") && matchGlob(g, short) {
			return true
		}
	}
	return false
}

// matchGlob is path.Match, quick for what nearly all globs are: a name, or one
// with a star at an end. It is asked some fifty times a unit and pass.
func matchGlob(glob, unit string) bool {
	if glob != "" && unit != "" && glob[0] != unit[0] && strings.IndexByte(`*?[\`, glob[0]) < 0 {
		return false
	}
	switch strings.IndexAny(glob, `*?[\`) {
	case -1:
		return glob == unit
	case len(glob) - 1:
		if glob[len(glob)-1] == '*' {
			return strings.HasPrefix(unit, glob[:len(glob)-1])
		}
	case 0:
		if rest := glob[1:]; glob[0] == '*' && !strings.ContainsAny(rest, `*?[\`) {
			return strings.HasSuffix(unit, rest)
		}
	}
	ok, _ := path.Match(glob, unit)
	return ok
}

// MatchPath matches an absolute path against a glob: * within a folder, ** over
// any number of them.
func MatchPath(glob, file string) bool {
	return matchParts(strings.Split(glob, "/"), strings.Split(file, "/"))
}

func matchParts(glob, file []string) bool {
	for len(glob) > 0 {
		if glob[0] == "**" {
			if len(glob) == 1 {
				return len(file) > 0
			}
			for i := range file {
				if matchParts(glob[1:], file[i:]) {
					return true
				}
			}
			return false
		}
		if len(file) == 0 {
			return false
		}
		if ok, err := path.Match(glob[0], file[0]); err != nil || !ok {
			return false
		}
		glob, file = glob[1:], file[1:]
	}
	return len(file) == 0
}
