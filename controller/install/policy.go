package install

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Host is what a policy says of the host that it is for.
type Host struct {
	Name  string // empty: not known, as in a disk image
	Units []Allowed
}

// Policy is the text of a policy for a host: in mode observe, every field there
// with a line that explains it.
func Policy(h Host) []byte {
	return []byte(fmt.Sprintf(policyText, name(h.Name), units(h.Units)))
}

const policyText = `# What evenkeel may do on this host, whatever desired state asks. Only root may
# change this file, and it never comes from git. It was written by evenkeel
# install, is yours from now on, and is read again whenever it changes. What it
# leads to: evenkeel check, evenkeel diff, evenkeel status.

# observe: look and tell, touch nothing. enforce: act, within all that follows.
mode: observe

# Who this host is. Desired state picks its hosts by these.
%s  # environment: production        # the environment whose overlay applies here
  # labels: {role: app}            # what hosts: ['role="app"'] is matched against

# The units that may be managed at all: * stands for any text, .service may be
# left out. Listed is what was found on this host without the protected set
# (systemd, dbus, ssh, the network, evenkeel), which no line here can open.
%s

# Where files may be written: ** crosses folders. Unit files and drop-ins are
# governed by units, not by this. Nowhere, until a line says so.
# paths: [/etc/pakashop/**, /opt/pakashop/**]

# What is done without asking (auto) and what waits for evenkeel approve
# (approve). Not listed: these are auto, and all other actions are approve.
actions: {start: auto, stop: auto, restart: auto, reload: auto, enable: auto, disable: auto, write: auto, rollback: auto}

# The programs that exec actions may run: none.
# exec: [{argv0: /usr/local/bin/backup, user: backup}]

# Whether a git source must be signed: required or none; and the keys that count.
# signatures: required
# allowedSigners: /etc/evenkeel/allowed_signers

# What all services together may suffer.
budgets:
  disruptive: 10                   # at most so many restarts, stops and the like as repairs …
  per: 10m                         # … in this time
  inFlight: 1                      # disruptive steps at the same time
  # unhealthyShare: 0.55           # more of the services sick than this: the cause is elsewhere, nothing is done

# A new desired state without more than this share of the services is refused.
shrink: 0.3

# Units that are never disturbed, beside the built-in protected set.
# protect: [amazon-ssm-agent.service]
`

func name(host string) string {
	if host == "" {
		return "# host:\n  # name: app-1                    # what reports, overlays and $(host) call it; absent: its own name\n"
	}
	return fmt.Sprintf("host:\n  %-32s # what reports, overlays and $(host) call it\n", "name: "+scalar(host))
}

func units(all []Allowed) string {
	if len(all) == 0 {
		return `# units: ["pakashop-*", nginx.service, "postgresql@*"]`
	}
	var b strings.Builder
	b.WriteString("units:")
	for _, u := range all {
		line := fmt.Sprintf("\n  - %-30s # %s", scalar(u.Glob), comment(u.Comment))
		b.WriteString(strings.TrimRight(line, " #"))
	}
	return b.String()
}

// plain is what stands in YAML without quotes and means itself.
var plain = regexp.MustCompile(`^[A-Za-z][-A-Za-z0-9._]*$`)

// words that YAML takes for something else than text.
var yamlWords = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|y|n)$`)

func scalar(s string) string {
	if plain.MatchString(s) && !yamlWords.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// longestComment keeps a line of the policy on one line of most terminals.
const longestComment = 60

// comment makes text from outside fit to stand at the end of a line.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if utf8.RuneCountInString(s) > longestComment {
		s = string([]rune(s)[:longestComment-1]) + "…"
	}
	return s
}
