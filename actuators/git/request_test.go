package git

import (
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

func TestRequests(t *testing.T) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	c := told("https://git.example.com/shop.git")
	with := func(change func(*actuators.Request)) actuators.Request {
		r := revert(c, a, b)
		change(&r)
		return r
	}
	arg := func(name, value string) actuators.Request {
		return with(func(r *actuators.Request) { r.Args[name] = value })
	}
	as := func(name, mail string) actuators.Request {
		c := c
		c.Author = Author{name, mail}
		return revert(c, a, b)
	}
	for name, tt := range map[string]struct {
		request actuators.Request
		says    string // nothing: it is good
	}{
		"all of it":              {request: with(func(*actuators.Request) {})},
		"no reason":              {request: arg("why", "")},
		"a reason of two lines":  {request: arg("why", "one\ntwo")},
		"a branch with a slash":  {request: with(func(r *actuators.Request) { r.Target = "testing/app-1" })},
		"a push":                 {request: request("push", "staging", c, "commit", a, "expect", b)},
		"a push, new":            {request: request("push", "staging", c, "commit", a)},
		"no branch":              {with(func(r *actuators.Request) { r.Target = "" }), "the target must be a branch"},
		"a branch like a flag":   {with(func(r *actuators.Request) { r.Target = "--mirror" }), "the target must be a branch"},
		"a pattern of branches":  {with(func(r *actuators.Request) { r.Target = "rel*" }), "the target must be a branch"},
		"a branch with a way":    {with(func(r *actuators.Request) { r.Target = "a/../b" }), "the target must be a branch"},
		"a lock":                 {with(func(r *actuators.Request) { r.Target = "a.lock" }), "the target must be a branch"},
		"a short commit":         {arg("commit", "bbbbbbb"), "commit must be a whole commit ID"},
		"a name":                 {arg("commit", "HEAD"), "commit must be a whole commit ID"},
		"a flag":                 {arg("base", "--all"), "base must be"},
		"no base":                {arg("base", ""), "base must be"},
		"a base of another kind": {arg("base", strings.Repeat("a", 64)), "base must be"},
		"the same":               {arg("base", b), "base must be"},
		"no time":                {arg("at", ""), "at must be a time"},
		"a time in words":        {arg("at", "now"), "at must be a time"},
		"no host":                {arg("host", ""), "needs a host and a key"},
		"a host of two lines":    {arg("host", "a\nEvenkeel-Key: b"), "needs a host and a key"},
		"no key":                 {with(func(r *actuators.Request) { r.Key = "" }), "needs a host and a key"},
		"a key of two lines":     {with(func(r *actuators.Request) { r.Key = "a\nb" }), "needs a host and a key"},
		"a long reason":          {arg("why", strings.Repeat("x", 1001)), "why must be a line"},
		"more than it knows":     {arg("force", "1"), "unknown argument"},
		"a short expectation":    {request("push", "staging", c, "commit", a, "expect", "b"), "expect must be"},
		"no author":              {as("", ""), "must name an author"},
		"an author of two lines": {as("x\ntree", "x"), "must name an author"},
		"an author in brackets":  {as("x> 1 +0000", "x"), "must name an author"},
		"no content":             {with(func(r *actuators.Request) { r.Content = []byte("canary") }), "its content does not name remotes"},
		"more content":           {with(func(r *actuators.Request) { r.Content = []byte(`{"remote":"canary"}`) }), "its content does not name remotes"},
		"no remote":              {revert(told(), a, b), "must name remotes"},
		"a token of two lines": {with(func(r *actuators.Request) {
			r.Content = []byte(`{"remotes":["https://h/x"],"author":{"name":"a","email":"b"},"credentials":{"token":"canary\nhost=evil"}}`)
		}), "its token must be one line"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New("1").parse(tt.request)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (err == nil || actuators.KindOf(err) != actuators.Invalid || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v: %v, want that it says %q", actuators.KindOf(err), err, tt.says)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("it tells the content: %v", err)
			}
		})
	}
}

func TestRemotes(t *testing.T) {
	for text, want := range map[string]string{
		"https://git.example.com/shop.git":       "https https://git.example.com",
		"https://git.example.com:8443/a/b":       "https https://git.example.com:8443",
		"ssh://git@git.example.com:2222/shop":    "ssh",
		"ssh://git.example.com/shop":             "ssh",
		"git@git.example.com:pakashop/shop.git":  "ssh",
		"file:///srv/git/shop.git":               "file",
		"/srv/git/shop.git":                      "file",
		"http://git.example.com/shop.git":        "",
		"git://git.example.com/shop.git":         "",
		"ext::sh -c id":                          "",
		"https://u:canary@git.example.com/x":     "",
		"https://canary@git.example.com/x":       "",
		"ssh://u:canary@git.example.com/x":       "",
		"https://git.example.com/x?token=canary": "",
		"https://git.example.com/":               "",
		"https://-x/y":                           "",
		"ssh://-oProxyCommand=id/x":              "",
		"-oProxyCommand=id@h:x":                  "",
		"git@-oProxyCommand=id:x":                "",
		"git@h:-x":                               "",
		"file://host/x":                          "",
		"file:///":                               "",
		"file:///a/../b":                         "",
		"../shop.git":                            "",
		"--upload-pack=id":                       "",
		"":                                       "",
		"https://git.example.com/a\nb":           "",
		"https://git.example.com/a b":            "",
		"/srv/a\"b\\;c.git":                      "file",
	} {
		r, ok := parseRemote(text)
		got := strings.TrimSpace(r.scheme + " " + r.site)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
