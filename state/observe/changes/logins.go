package changes

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// gates are the programs that let people in, or let them be somebody else.
var gates = []string{"sshd", "sshd-session", "sudo", "su", "login", "systemd-logind"}

// Logins knows who came in, and who ran what as somebody else: sshd, login, su,
// sudo, and the sessions of logind.
func Logins() Source {
	return Source{"login", func(ctx context.Context, w Window) ([]Change, error) {
		var matches []string
		for _, g := range gates {
			matches = append(matches, "_COMM="+g)
		}
		entries, err := journal(ctx, w, matches...)
		return logins(entries), err
	}}
}

// genuine tells whether an entry is really of such a program: anybody can name
// a process sudo, but not put it at its path.
func (e entry) genuine() bool {
	if e.Exe == "" {
		return e.UID == "0" // it ended before journald could look
	}
	dir, base := filepath.Split(string(e.Exe))
	return slices.Contains(gates, base) && slices.ContainsFunc([]string{"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/", "/usr/lib/", "/lib/", "/usr/libexec/"}, func(p string) bool {
		return strings.HasPrefix(dir, p)
	})
}

// How the programs word it; nothing else that they say is a change.
var (
	sshLogin  = lazily(`^Accepted (\S+) for (\S+) from (\S+) port`)
	sudoRan   = lazily(`^\s*(\S+) : (?:(.*?) ; )?TTY=(\S+) ; PWD=.* ; USER=(\S+) ;(?: .* ;)? COMMAND=(.*)$`)
	suBecame  = lazily(`^(FAILED SU )?\(to (\S+)\) (\S+) on (\S+)`)
	atConsole = lazily(`(?i)^(?:ROOT )?LOGIN +ON '?(?:/dev/)?([\w/.-]+)'?(?: BY (\S+))?`)
)

// sessionStarted is logind's message of a new session.
const sessionStarted = "8d45620c1a4348dbb17410da57c60c66"

func logins(entries []entry) []Change {
	var rows []Change
	cameIn := map[string]time.Time{} // when a user was last said to come in
	for _, e := range entries {
		if !e.genuine() {
			continue
		}
		c, ok := login(e)
		if !ok || e.MessageID == sessionStarted && e.time().Sub(cameIn[c.Actor]) < sessionFollows {
			continue // the session of a login that has its row
		}
		if e.MessageID == "" && e.Comm != "sudo" {
			cameIn[c.Actor] = e.time()
		}
		c.Time = e.time()
		rows = append(rows, c)
	}
	return rows
}

// sessionFollows is how soon after a login its session begins.
const sessionFollows = 10 * time.Second

// login makes a row of one entry.
func login(e entry) (Change, bool) {
	text := string(e.Message)
	switch e.Comm {
	case "sshd", "sshd-session":
		if m := sshLogin().FindStringSubmatch(text); m != nil {
			return Change{Object: m[2], What: "came in by ssh from " + m[3] + " with " + m[1], Actor: m[2]}, true
		}
	case "sudo":
		if m := sudoRan().FindStringSubmatch(text); m != nil {
			verb := "ran "
			if m[2] != "" {
				verb = "was refused (" + m[2] + "): "
			}
			return Change{Object: m[4], What: shorten(verb + m[5]), Actor: m[1]}, true
		}
	case "su":
		if m := suBecame().FindStringSubmatch(text); m != nil {
			what := "became " + m[2] + " on " + m[4]
			if m[1] != "" {
				what = "failed to become " + m[2] + " on " + m[4]
			}
			return Change{Object: m[2], What: what, Actor: m[3]}, true
		}
	case "login":
		if m := atConsole().FindStringSubmatch(text); m != nil {
			user := m[2]
			if user == "" {
				user = "root"
			}
			return Change{Object: user, What: "came in at " + m[1], Actor: user}, true
		}
	case "systemd-logind":
		if e.MessageID == sessionStarted && e.User != "" {
			return Change{Object: string(e.User), What: "a session began", Actor: string(e.User)}, true
		}
	}
	return Change{}, false
}
