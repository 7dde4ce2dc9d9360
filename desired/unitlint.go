package desired

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed directives.txt
var directivesText string

// directives lists, by section, what may stand in it.
var directives = sync.OnceValue(func() map[string]map[string]bool {
	all, into := map[string]map[string]bool{}, []string(nil)
	for line := range strings.Lines(directivesText) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			into = strings.Split(strings.Trim(line, "[]"), ",")
		default:
			for _, key := range strings.Fields(line) {
				for _, section := range into {
					if all[section] == nil {
						all[section] = map[string]bool{}
					}
					all[section][key] = true
				}
			}
		}
	}
	return all
})

// LintUnit says what is wrong with the content of a unit file, and with
// dropIn, of a fragment of one: what systemd would refuse, what it would pass
// over in silence, and what does not do what its writer means.
func LintUnit(unit UnitName, file UnitFile, dropIn bool) []Finding {
	l := linter{unit: unit, file: file, own: title(unit.Suffix)}
	l.sections()
	l.keys()
	l.commands()
	if !dropIn {
		l.complete()
	}
	slices.SortStableFunc(l.found, func(a, b Finding) int { return a.Line - b.Line })
	return l.found
}

type linter struct {
	unit  UnitName
	file  UnitFile
	own   string // the section that gives this type of unit its name
	found []Finding
}

func (l *linter) fail(line, col int, format string, args ...any) {
	l.found = append(l.found, at(line, col, false, format, args...))
}

func (l *linter) warn(line, col int, format string, args ...any) {
	l.found = append(l.found, at(line, col, true, format, args...))
}

func (l *linter) knows(section string) bool {
	return section == "Unit" || section == "Install" || section == l.own
}

func (l *linter) sections() {
	for _, s := range l.file.Sections {
		if l.knows(s.Name) || strings.HasPrefix(s.Name, "X-") {
			continue
		}
		if directives()[s.Name] != nil {
			l.fail(s.Line, 1, "[%s] has no meaning in a %s unit; systemd would pass over it", s.Name, l.unit.Suffix)
			continue
		}
		l.fail(s.Line, 1, "unknown section [%s]%s", shorten(s.Name), DidYouMean(s.Name, []string{"Unit", "Install", l.own}))
	}
}

// compatible are directives that systemd still reads where they no longer belong.
var compatible = []string{"StartLimitInterval", "StartLimitBurst", "StartLimitAction", "FailureAction", "SuccessAction", "RebootArgument"}

func (l *linter) keys() {
	for _, d := range l.file.Directives {
		known := directives()[d.Section]
		switch {
		case !l.knows(d.Section) || strings.HasPrefix(d.Key, "X-"):
		case known[d.Key] && d.Section == l.own && slices.Contains(compatible, d.Key):
			l.warn(d.Line, d.Col, "%s= belongs in [Unit]; systemd reads it in [%s] only for old units' sake", d.Key, d.Section)
		case known[d.Key]:
		default:
			l.unknownKey(d)
		}
	}
}

func (l *linter) unknownKey(d Directive) {
	for _, section := range []string{"Unit", l.own, "Install"} {
		if directives()[section][d.Key] {
			l.fail(d.Line, d.Col, "%s= belongs in [%s]; in [%s] systemd passes over it", d.Key, section, d.Section)
			return
		}
	}
	var all []string
	for key := range directives()[d.Section] {
		all = append(all, key)
	}
	slices.Sort(all)
	l.warn(d.Line, d.Col, "unknown directive %s= in [%s], systemd may pass over it%s", shorten(d.Key), d.Section, DidYouMean(d.Key, all))
}

var commandKeys = []string{"ExecStart", "ExecStartPre", "ExecStartPost", "ExecCondition", "ExecReload", "ExecStop", "ExecStopPre", "ExecStopPost"}

// commands checks the programs: systemd drops a line whose program it cannot
// name, and then the unit does something else than what is written.
func (l *linter) commands() {
	for _, d := range l.file.Directives {
		if d.Section != l.own || d.Value == "" || !strings.HasPrefix(d.Key, "Exec") || !slices.Contains(commandKeys, d.Key) {
			continue
		}
		p := Program(d.Value)
		switch {
		case p == "":
			l.fail(d.Line, d.Col, "%s= names no program", d.Key)
		case strings.HasSuffix(p, "/"):
			l.fail(d.Line, d.Col, "%s=%s names a folder, not a program", d.Key, shorten(p))
		case strings.Contains(p, "/") && !path.IsAbs(p) && p[0] != '%' && p[0] != '$':
			l.fail(d.Line, d.Col, "%s=%s: the program's path must be absolute", d.Key, shorten(p))
		}
	}
}

// Program is the first word of a command, without the prefixes that change how
// it is run, and without quotes.
func Program(command string) string {
	s := strings.TrimLeft(command, "-@:+! \t")
	if s == "" {
		return ""
	}
	if q := s[0]; q == '"' || q == '\'' {
		word, _, _ := strings.Cut(s[1:], string(q))
		return word
	}
	word, _, _ := strings.Cut(strings.ReplaceAll(s, "\t", " "), " ")
	return word
}

// complete repeats the checks by which systemd refuses a whole unit.
func (l *linter) complete() {
	if !l.file.Has(l.own) && l.own != "Service" {
		l.fail(1, 1, "has no [%s] section", l.own)
		return
	}
	switch l.own {
	case "Service":
		l.service()
	case "Timer":
		l.anyOf("starts nothing: it needs", "OnCalendar", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec")
	case "Path":
		l.anyOf("watches nothing: it needs", "PathChanged", "PathModified", "PathExists", "PathExistsGlob", "DirectoryNotEmpty")
	case "Socket":
		l.anyOf("listens to nothing: it needs", "ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO",
			"ListenSpecial", "ListenNetlink", "ListenMessageQueue", "ListenUSBFunction")
	}
}

func (l *linter) anyOf(what string, keys ...string) {
	for _, k := range keys {
		if len(l.file.Values(l.own, k)) > 0 || k == "OnActiveSec" && (l.file.Value(l.own, "OnClockChange") != "" || l.file.Value(l.own, "OnTimezoneChange") != "") {
			return
		}
	}
	l.fail(l.headLine(), 1, "%s one of %s=", what, strings.Join(keys, "=, "))
}

func (l *linter) headLine() int {
	for _, s := range l.file.Sections {
		if s.Name == l.own {
			return s.Line
		}
	}
	return 1
}

// service holds a service to systemd's service_verify.
func (l *linter) service() {
	start, stop := l.file.Values("Service", "ExecStart"), l.file.Values("Service", "ExecStop")
	typ := l.file.Value("Service", "Type")
	oneshot := typ == "oneshot" || typ == "" && len(start) == 0
	remain := truth(l.file.Value("Service", "RemainAfterExit"))
	success := l.file.Value("Unit", "SuccessAction") + l.file.Value("Service", "SuccessAction")
	acts := success != "" && success != "none"
	line := l.headLine()
	switch {
	case len(start) == 0 && len(stop) == 0 && !acts:
		l.fail(line, 1, "a service needs ExecStart=; systemd refuses to load it")
	case len(start) == 0 && !oneshot:
		l.fail(line, 1, "a service of Type=%s needs ExecStart=; only Type=oneshot may do without", typ)
	case len(start) == 0 && !remain && !acts:
		l.fail(line, 1, "a service without ExecStart= needs RemainAfterExit=yes")
	case len(start) > 1 && !oneshot:
		l.fail(start[1].Line, start[1].Col, "ExecStart= stands twice, which only Type=oneshot allows; write an empty ExecStart= before the second to replace the first")
	}
	if r := l.file.Value("Service", "Restart"); oneshot && (r == "always" || r == "on-success") {
		l.fail(line, 1, "Restart=%s cannot stand in a Type=oneshot service; systemd refuses to load it", r)
	}
	if typ == "dbus" && l.file.Value("Service", "BusName") == "" {
		l.fail(line, 1, "a service of Type=dbus needs BusName=")
	}
	for _, d := range l.file.Values("Service", "Type") {
		if !slices.Contains(serviceTypes, d.Value) {
			l.warn(d.Line, d.Col, "unknown Type=%s%s", shorten(d.Value), DidYouMean(d.Value, serviceTypes))
		}
	}
}

var serviceTypes = []string{"simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"}

// InstallOf reads from a unit's file and its drop-ins what planning must know.
func InstallOf(parts ...UnitFile) *Install {
	in := &Install{}
	for _, p := range parts {
		for _, d := range p.Directives {
			switch {
			case d.Section == "Service" && d.Key == "Type":
				in.Type = d.Value
			case d.Section == "Service" && d.Key == "RemainAfterExit":
				in.Remain = truth(d.Value)
			case d.Section == "Install" && d.Value != "":
				in.Present = in.Present || slices.Contains([]string{"WantedBy", "RequiredBy", "UpheldBy", "Also", "Alias"}, d.Key)
				if d.Key == "Alias" {
					in.Aliases = append(in.Aliases, strings.Fields(d.Value)...)
				}
			}
		}
	}
	return in
}

// truth reads a boolean as systemd does.
func truth(s string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, lower(s))
}

func title(s string) string { return string(s[0]-'a'+'A') + s[1:] }

func at(line, col int, warning bool, format string, args ...any) Finding {
	return Finding{Line: line, Col: col, Warning: warning, Message: fmt.Sprintf(format, args...)}
}
