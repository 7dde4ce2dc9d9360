package git

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/pakashop/evenkeel/actuators"
)

// Content is what a request is told besides its Action.
type Content struct {
	Remotes     []string    `json:"remotes"` // in the order in which they are asked
	Author      Author      `json:"author"`
	Credentials Credentials `json:"credentials"`
}

// Author is whose name is in the commits.
type Author struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Credentials are the contents of files, not their paths; empty: there is none.
type Credentials struct {
	SSHKey     string `json:"sshKey"`     // for remotes by ssh
	KnownHosts string `json:"knownHosts"` // which keys they have; empty: what the host's own /etc/ssh says
	Token      string `json:"token"`      // for remotes by https: TOKEN or USER:TOKEN
	SigningKey string `json:"signingKey"` // an SSH key that signs our commits; empty: they are not signed
}

// wish is a request that makes sense.
type wish struct {
	action  actuators.Action
	verb    string
	branch  string
	commit  string // the bad one, or what is pushed
	base    string // the last good one
	expect  string // where the branch must be; empty: nowhere
	at      time.Time
	host    string
	why     string
	key     string
	remotes []remote
	author  Author
	secrets Credentials
}

var (
	wholeHex   = lazily(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	branchForm = lazily(`^[0-9A-Za-z_][0-9A-Za-z._+@=-]*(/[0-9A-Za-z_][0-9A-Za-z._+@=-]*)*$`)
)

// goodBranch is less than git allows.
func goodBranch(name string) bool {
	if len(name) > 200 || !branchForm().MatchString(name) || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasSuffix(part, ".") || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// parse checks a request. Its errors tell nothing of the content.
func (a *Actuator) parse(r actuators.Request) (wish, error) {
	if err := a.info.Check(r); err != nil {
		return wish{}, err
	}
	invalid := func(format string, args ...any) (wish, error) {
		return wish{}, actuators.Errorf(actuators.Invalid, "%s: "+format, append([]any{r.Action}, args...)...)
	}
	w := wish{
		action: r.Action, verb: r.Verb, branch: r.Target, key: r.Key,
		commit: r.Args["commit"], base: r.Args["base"], expect: r.Args["expect"], host: r.Args["host"], why: r.Args["why"],
	}
	switch {
	case !goodBranch(w.branch):
		return invalid("the target must be a branch: letters, digits and . _ + @ = - between slashes")
	case !wholeHex().MatchString(w.commit):
		return invalid("commit must be a whole commit ID")
	case w.verb == "push" && w.expect != "" && (!wholeHex().MatchString(w.expect) || len(w.expect) != len(w.commit)):
		return invalid("expect must be a whole commit ID, or empty for a new branch")
	}
	if w.verb == "revert" {
		at, err := time.Parse(time.RFC3339, r.Args["at"])
		w.at = at
		switch {
		case !wholeHex().MatchString(w.base) || len(w.base) != len(w.commit) || w.base == w.commit:
			return invalid("base must be the whole ID of another commit, the last good one")
		case err != nil || at.Unix() <= 0:
			return invalid("at must be a time like 2026-01-02T15:04:05Z")
		case !oneLine(w.host, 255) || !oneLine(w.key, 255):
			return invalid("a revert needs a host and a key, each of one line")
		case len(w.why) > 1000:
			return invalid("why must be a line")
		}
	}
	var c Content
	d := json.NewDecoder(bytes.NewReader(r.Content))
	d.DisallowUnknownFields()
	if d.Decode(&c) != nil {
		return invalid("its content does not name remotes and credentials")
	}
	if w.remotes, w.author, w.secrets = remotes(c.Remotes), c.Author, c.Credentials; w.remotes == nil {
		return invalid("its content must name remotes: https://, ssh://, user@host:path or file:///, without a password in them")
	}
	if !w.author.plain() {
		return invalid("its content must name an author, with a name and a mail address")
	}
	if strings.ContainsFunc(w.secrets.Token, func(c rune) bool { return unicode.IsControl(c) }) {
		return invalid("its token must be one line")
	}
	return w, nil
}

// oneLine tells whether a text can stand in a line of a commit as it is.
func oneLine(s string, most int) bool {
	return s != "" && len(s) <= most && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// plain tells whether git reads an author as it was written.
func (a Author) plain() bool {
	odd := func(s string) bool { return !oneLine(s, 200) || strings.ContainsAny(s, "<>") }
	return !odd(a.Name) && !odd(a.Email)
}

// lazily is a pattern that is compiled when it is first needed: most starts of the
// program need none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
