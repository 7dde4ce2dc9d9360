package git

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// remote is one place that has the branch.
type remote struct {
	url    string // as git gets it; it has no secrets in it
	scheme string // what git calls the protocol: https, http, ssh or file
	host   string // scheme://host:port, of http and https
	path   string // of a repository on this host
}

func (r remote) String() string { return r.url }

// scpLike is user@host:path, as git knows it beside URLs.
var scpLike = lazily(`^[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^-:][^:]*$`)

// parseRemote accepts what git may be pointed at. Anything else is refused, and
// the message does not show what might be a password.
func parseRemote(text string) (remote, error) {
	for _, r := range text {
		if r <= ' ' || r == 0x7f || r == '\\' {
			return remote{}, errors.New("the git remote has a blank or a control character in it")
		}
	}
	if filepath.IsAbs(text) {
		return remote{url: text, scheme: "file", path: text}, nil
	}
	if scpLike().MatchString(text) {
		return remote{url: text, scheme: "ssh"}, nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Opaque != "" {
		return remote{}, errors.New("the git remote is no URL: give https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH or /PATH")
	}
	r := remote{url: text, scheme: u.Scheme}
	if u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
		return remote{}, fmt.Errorf("the git remote on %s has a ? or # in it: such URLs are not followed", u.Hostname())
	}
	switch r.scheme {
	case "file":
		if u.Host != "" || u.User != nil || !filepath.IsAbs(u.Path) {
			return remote{}, errors.New("a git remote of file:// must be an absolute path on this host: file:///PATH")
		}
		r.url, r.path = u.Path, u.Path
		return r, nil
	case "ssh":
		if _, secret := u.User.Password(); secret {
			return remote{}, fmt.Errorf("the git remote on %s has a password in its URL: put a key into the credential git-ssh-key instead", u.Hostname())
		}
		if strings.HasPrefix(u.User.Username(), "-") {
			return remote{}, fmt.Errorf("the git remote on %s has a user that begins with -", u.Hostname())
		}
	case "https", "http":
		if u.User != nil {
			return remote{}, fmt.Errorf("the git remote on %s has a user or a password in its URL: put USER:TOKEN into the credential git-token instead", u.Hostname())
		}
		if r.scheme == "http" && !loopback(u.Hostname()) {
			return remote{}, fmt.Errorf("the git remote on %s is asked over http, which anybody on the way can change: use https", u.Hostname())
		}
		r.host = u.Scheme + "://" + u.Host
	default:
		return remote{}, fmt.Errorf("the git remote has the scheme %q: only https, ssh and file are followed", plain(r.scheme, 32))
	}
	if h := u.Hostname(); h == "" || strings.HasPrefix(h, "-") || len(u.Path) < 2 {
		return remote{}, fmt.Errorf("the git remote must name a host and a path: %s://HOST/PATH", r.scheme)
	}
	return r, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
