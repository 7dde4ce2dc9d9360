package cache

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// flush is a request; content is that of the Cache object.
func flush(content string, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: Name, Verb: "flush", Target: "pages"}, Content: []byte(content)}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

const (
	pages = `{"redis":{"address":"127.0.0.1:6379","patterns":["cache:*","tmp:*"]}}`
	whole = `{"redis":{"address":"127.0.0.1:6379","whole":true}}`
	web   = `{"nginx":{"path":"/var/cache/nginx"}}`
)

func TestRequests(t *testing.T) {
	tests := map[string]struct {
		request actuators.Request
		kind    actuators.Kind
		says    string // nothing: it is good
	}{
		"all that is declared":          {request: flush(pages)},
		"part of it":                    {request: flush(pages, "pattern", "tmp:a*", "idle", "10m", "noTTL", "true", "maxShare", "0.5%", "declared", "x")},
		"whole":                         {request: flush(whole)},
		"any pattern of a whole":        {request: flush(whole, "pattern", "*")},
		"nginx":                         {request: flush(web, "path", "/var/cache/nginx", "idle", "24h")},
		"no content":                    {flush(""), actuators.Invalid, "content is no Cache"},
		"another content":               {flush(`{"redis":{"address":"x","patern":[]}}`), actuators.Invalid, "unknown field"},
		"neither":                       {flush(`{}`), actuators.Invalid, "either a redis or an nginx"},
		"both":                          {flush(`{"redis":{},"nginx":{}}`), actuators.Invalid, "either a redis or an nginx"},
		"nothing declared":              {flush(`{"redis":{"address":"x"}}`), actuators.Invalid, "neither patterns nor whole"},
		"outside of what is declared":   {flush(pages, "pattern", "session:*"), actuators.Refused, `"session:*" is not within those that the Cache declares: cache:* tmp:*`},
		"everything":                    {flush(pages, "pattern", "*"), actuators.Refused, "is not within"},
		"a bad pattern":                 {flush(pages, "pattern", "cache:["), actuators.Invalid, "is no pattern"},
		"a bad share":                   {flush(pages, "maxShare", "20"), actuators.Invalid, "want a share like 20%"},
		"no share":                      {flush(pages, "maxShare", "0%"), actuators.Invalid, "want a share like 20%"},
		"more than all":                 {flush(pages, "maxShare", "101%"), actuators.Invalid, "want a share like 20%"},
		"a share in other words":        {flush(pages, "maxShare", "1e2%"), actuators.Invalid, "want a share like 20%"},
		"a bad duration":                {flush(pages, "idle", "-1m"), actuators.Invalid, "want a duration"},
		"a bad flag":                    {flush(pages, "noTTL", "yes"), actuators.Invalid, "want true or false"},
		"a path of a redis":             {flush(pages, "path", "/x"), actuators.Invalid, "a redis has no path"},
		"nginx by pattern":              {flush(web, "path", "/var/cache/nginx", "pattern", "*"), actuators.Invalid, "neither names nor a TTL"},
		"another folder than was shown": {flush(web, "path", "/var/cache/other"), actuators.Invalid, "the object's folder is /var/cache/nginx"},
		"a folder that was not shown":   {flush(web), actuators.Invalid, "the object's folder is"},
		"a folder with ways out":        {flush(`{"nginx":{"path":"/var/cache/../lib"}}`, "path", "/var/cache/../lib"), actuators.Invalid, "absolute and plain"},
		"the root":                      {flush(`{"nginx":{"path":"/"}}`, "path", "/"), actuators.Invalid, "absolute and plain"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New("1").parse(tt.request)
			switch {
			case tt.says == "" && err != nil:
				t.Error(err)
			case tt.says != "" && (err == nil || actuators.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v (%v), want %v that says %q", err, actuators.KindOf(err), tt.kind, tt.says)
			}
		})
	}
	w, err := New("1").parse(flush(pages))
	if err != nil || w.share != 20 || w.idle != 0 {
		t.Errorf("the defaults are %+v, %v", w, err)
	}
	if w, _ := New("1").parse(flush(pages, "idle", "90m0s")); w.idle != 90*time.Minute {
		t.Errorf("idle is %v", w.idle)
	}
}

func TestTheShare(t *testing.T) {
	tests := []struct {
		share share
		f     found
		says  string // nothing: it is allowed
	}{
		{20, found{200, 1000, "keys"}, ""},
		{20, found{201, 1000, "keys"}, "201 of 1,000 keys match, which is more than maxShare 20%"},
		{20, found{1, 4, "keys"}, "1 of 4 keys match"},
		{100, found{4, 4, "keys"}, ""},
		{0.5, found{6, 1000, "keys"}, "more than maxShare 0.5%"},
		{100, found{most, 2 * most, "keys"}, ""},
		{100, found{most + 1, 2 * most, "keys"}, "1,000,001 of 2,000,000 keys match, and no more than 1,000,000 go at once"},
		{100, found{2 * most, 2 * most, "keys"}, ""}, // all of it
		{20, found{0, 0, "keys"}, ""},
	}
	for _, tt := range tests {
		err := tt.share.allows(tt.f)
		if tt.says == "" && err != nil || tt.says != "" && (err == nil || actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%v of %v: %v, want %q", tt.share, tt.f, err, tt.says)
		}
	}
}
