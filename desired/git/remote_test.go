package git

import (
	"strings"
	"testing"
)

func TestRemotes(t *testing.T) {
	for text, want := range map[string]remote{
		"https://example.com/a/b.git":       {url: "https://example.com/a/b.git", scheme: "https", host: "https://example.com"},
		"https://example.com:8443/a":        {url: "https://example.com:8443/a", scheme: "https", host: "https://example.com:8443"},
		"http://127.0.0.1:3000/a":           {url: "http://127.0.0.1:3000/a", scheme: "http", host: "http://127.0.0.1:3000"},
		"http://[::1]:3000/a":               {url: "http://[::1]:3000/a", scheme: "http", host: "http://[::1]:3000"},
		"http://localhost/a":                {url: "http://localhost/a", scheme: "http", host: "http://localhost"},
		"ssh://git@example.com:22/a.git":    {url: "ssh://git@example.com:22/a.git", scheme: "ssh"},
		"git@example.com:estate/config.git": {url: "git@example.com:estate/config.git", scheme: "ssh"},
		"file:///srv/git/a":                 {url: "/srv/git/a", scheme: "file", path: "/srv/git/a"},
		"/srv/git/a":                        {url: "/srv/git/a", scheme: "file", path: "/srv/git/a"},
	} {
		if got, err := parseRemote(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestRemotesThatAreRefused(t *testing.T) {
	for text, why := range map[string]string{
		"":                                   "no URL",
		"estate/config":                      "no URL",
		"example.com:estate/config":          "no URL",
		"-oProxyCommand=touch /tmp/x":        "blank",
		"--upload-pack=touch":                "no URL",
		"ext::sh -c touch% /tmp/x":           "blank",
		"ext::sh":                            "no URL",
		"ssh://-oProxyCommand=x/y":           "a host and a path",
		"ssh://-x@example.com/y":             "begins with -",
		"-x@example.com:y":                   "no URL",
		"git@example.com:-y":                 "no URL",
		"git@-x:y":                           "no URL",
		"git://example.com/a":                `scheme "git"`,
		"ftp://example.com/a":                `scheme "ftp"`,
		"http://example.com/a":               "use https",
		"http://127.0.0.1.example.com/a":     "use https",
		"file://server/a":                    "absolute path",
		"file:a":                             "no URL",
		"https://example.com/a?b=c":          "? or #",
		"https://example.com/a#b":            "? or #",
		"https://example.com":                "a host and a path",
		"https:///a":                         "a host and a path",
		"https://example.com/a\n":            "control character",
		"https://example.com\\@evil.test/a":  "control character",
		"https://hunter2@example.com/a":      "git-token",
		"https://ada:hunter2@example.com/a":  "git-token",
		"ssh://git:hunter2@example.com/a":    "git-ssh-key",
		"ada:hunter2@example.com:a":          "no URL",
		"https://ada:hunter2@example.com:x/": "no URL",
	} {
		_, err := parseRemote(text)
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want one that says %q", text, err, why)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the message shows the secret: %v", text, err)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	good := func() Options {
		return Options{Remotes: []string{"/srv/git/a"}, Branch: "main", Folder: t.TempDir()}
	}
	if _, err := New(good()); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"no remote":                 func(o *Options) { o.Remotes = nil },
		"one bad remote of two":     func(o *Options) { o.Remotes = append(o.Remotes, "git://a/b") },
		"no folder":                 func(o *Options) { o.Folder = "" },
		"a branch like an option":   func(o *Options) { o.Branch = "--upload-pack=x" },
		"a branch with a refspec":   func(o *Options) { o.Branch = "main:refs/heads/x" },
		"a branch with a star":      func(o *Options) { o.Branch = "*" },
		"a branch that leads up":    func(o *Options) { o.Branch = "a/../b" },
		"a branch of the reflog":    func(o *Options) { o.Branch = "main@{1}" },
		"a path out of the tree":    func(o *Options) { o.Path = "../x" },
		"an absolute path":          func(o *Options) { o.Path = "/etc" },
		"a host that is no name":    func(o *Options) { o.Testing = "a/b" },
		"a user whom nobody knows":  func(o *Options) { o.User = "no-such-user" },
		"a branch that is a lock":   func(o *Options) { o.Branch = "main.lock" },
		"a host that is an option":  func(o *Options) { o.Testing = "-x" },
		"a branch with a blank":     func(o *Options) { o.Branch = "a b" },
		"a branch beside another's": func(o *Options) { o.Branch = "/main" },
	} {
		o := good()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
