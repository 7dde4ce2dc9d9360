package git

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// remote is where a repository lies.
type remote struct {
	url    string // as git reads it
	scheme string // https, ssh or file: what git may speak
	site   string // https: scheme, host and port, to which alone a token goes
	folder string // file: where it lies
	shown  string // to people
}

func (r remote) String() string { return r.shown }

var (
	hostForm = lazily(`^[0-9A-Za-z][0-9A-Za-z.-]*$|^\[[0-9A-Fa-f:.]+\]$`)
	userForm = lazily(`^[0-9A-Za-z_][0-9A-Za-z_.-]*$`)
	scpForm  = lazily(`^([^@/:]+)@([^:/]+):([^:].*)$`)
)

// remotes reads URLs; nil: one of them is none that is used here, or there is none.
func remotes(urls []string) []remote {
	var all []remote
	for _, text := range urls {
		r, ok := parseRemote(text)
		if !ok {
			return nil
		}
		all = append(all, r)
	}
	return all
}

func parseRemote(text string) (remote, bool) {
	if len(text) > 2000 || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
		return remote{}, false
	}
	if m := scpForm().FindStringSubmatch(text); m != nil && !strings.Contains(text, "://") {
		return remote{url: text, scheme: "ssh", shown: text}, userForm().MatchString(m[1]) && hostForm().MatchString(m[2]) && m[3][0] != '-'
	}
	if path.IsAbs(text) {
		text = "file://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" {
		return remote{}, false
	}
	_, secret := u.User.Password()
	r := remote{url: text, scheme: u.Scheme, shown: text}
	switch u.Scheme {
	case "https":
		r.site = "https://" + u.Host
		return r, u.User == nil && hostForm().MatchString(bare(u)) && len(u.Path) > 1
	case "ssh":
		return r, !secret && (u.User == nil || userForm().MatchString(u.User.Username())) && hostForm().MatchString(bare(u)) && len(u.Path) > 1
	case "file":
		r.folder = u.Path
		return r, u.Host == "" && u.User == nil && path.IsAbs(u.Path) && path.Clean(u.Path) == u.Path && u.Path != "/"
	}
	return remote{}, false
}

// bare is the host of a URL as it stands there.
func bare(u *url.URL) string {
	host := u.Host
	if port := u.Port(); port != "" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return host
}
