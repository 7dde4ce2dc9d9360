package controller

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What actuators are told is what is wanted at the last moment, and nothing
// where that is no longer what the Step was planned for.
func TestWhatActuatorsAreTold(t *testing.T) {
	want := &desired.Set{
		Policy:    desired.Policy{Exec: []desired.PolicyExec{{Argv0: "/bin/a", User: "backup"}, {Argv0: "/bin/b"}}},
		Caches:    []desired.Cache{{Name: "pages", Digest: "d1", Spec: desired.CacheSpec{Redis: &desired.RedisCache{Address: "127.0.0.1:6379", Patterns: []string{"cache:*"}}}}},
		Databases: []desired.Database{{Name: "main", Digest: "d2", Spec: desired.DatabaseSpec{Postgres: &desired.PostgresDB{DSN: desired.Secret{FromCredential: "pg-dsn"}}}}},
	}
	secret := func(_ context.Context, s desired.Secret) (string, error) {
		if s.FromCredential != "pg-dsn" {
			return "", errors.New("no such credential")
		}
		return "postgres://u:hunter2@h/d", nil
	}
	broken := func(context.Context, desired.Secret) (string, error) { return "", errors.New("no credential pg-dsn") }
	tests := map[string]struct {
		action actuators.Action
		secret Secret
		remote Remote
		told   string
		kind   actuators.Kind
		says   string // nothing: there is no error
	}{
		"a cache":             {action: actuators.Action{Actuator: "cache", Target: "pages", Args: map[string]string{"declared": "d1"}}, told: `{"redis":{"address":"127.0.0.1:6379","patterns":["cache:*"]}}`},
		"a cache, changed":    {action: actuators.Action{Actuator: "cache", Target: "pages", Args: map[string]string{"declared": "d0"}}, kind: actuators.Conflict, says: "the Cache pages was declared otherwise meanwhile"},
		"a cache, unplanned":  {action: actuators.Action{Actuator: "cache", Target: "pages"}, kind: actuators.Conflict, says: "otherwise"},
		"a cache, gone":       {action: actuators.Action{Actuator: "cache", Target: "gone", Args: map[string]string{"declared": "d1"}}, kind: actuators.NotFound, says: "no Cache is named gone any more"},
		"a cache, read":       {action: actuators.Action{Actuator: "gather", Verb: "redis.ttls", Target: "pages", Args: map[string]string{"declared": "d1"}}, told: `{"redis":{"address":"127.0.0.1:6379","patterns":["cache:*"]}}`},
		"read, unplanned":     {action: actuators.Action{Actuator: "gather", Verb: "redis.info", Target: "pages"}, kind: actuators.Conflict, says: "otherwise"},
		"a database, read":    {action: actuators.Action{Actuator: "gather", Verb: "postgres.slow", Target: "main", Args: map[string]string{"declared": "d2"}}, secret: secret, told: `{"postgres":{"dsn":"postgres://u:hunter2@h/d"}}`},
		"a database":          {action: actuators.Action{Actuator: "postgres", Target: "main", Args: map[string]string{"declared": "d2"}}, secret: secret, told: `{"postgres":{"dsn":"postgres://u:hunter2@h/d"}}`},
		"a database, changed": {action: actuators.Action{Actuator: "postgres", Target: "main", Args: map[string]string{"declared": "d1"}}, secret: secret, kind: actuators.Conflict, says: "otherwise"},
		"nobody to resolve":   {action: actuators.Action{Actuator: "postgres", Target: "main", Args: map[string]string{"declared": "d2"}}, kind: actuators.Unavailable, says: "the Database main needs a secret, and nothing here can resolve one"},
		"a secret not found":  {action: actuators.Action{Actuator: "postgres", Target: "main", Args: map[string]string{"declared": "d2"}}, secret: broken, kind: actuators.Unavailable, says: "resolve the dsn of the Database main: no credential pg-dsn"},
		"a program":           {action: actuators.Action{Actuator: "exec", Target: "/bin/a"}, told: `{"user":"backup"}`},
		"a program's nobody":  {action: actuators.Action{Actuator: "exec", Target: "/bin/b"}, told: `{"user":"nobody"}`},
		"a git remote":        {action: actuators.Action{Actuator: "git", Verb: "revert", Target: "main"}, remote: func(context.Context) ([]byte, error) { return []byte(`{"remotes":["r"]}`), nil }, told: `{"remotes":["r"]}`},
		"no git remote":       {action: actuators.Action{Actuator: "git", Verb: "push", Target: "main"}, kind: actuators.Unavailable, says: "desired state does not come from git here"},
		"a credential, bad":   {action: actuators.Action{Actuator: "git", Verb: "push", Target: "main"}, remote: func(context.Context) ([]byte, error) { return nil, errors.New("open to everybody") }, kind: actuators.Unavailable, says: "find the git remote and its credentials: open to everybody"},
		"a program, unlisted": {action: actuators.Action{Actuator: "exec", Target: "/bin/sh"}, kind: actuators.Refused, says: "policy does not list /bin/sh under exec"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			l := &loop{want: want, c: &Controller{o: Options{Secret: tt.secret, Remote: tt.remote}}}
			resolve := l.resolve(state.Step{Action: tt.action})
			if resolve == nil {
				t.Fatal("it is told nothing")
			}
			told, err := resolve(t.Context())
			switch {
			case tt.says == "" && (err != nil || string(told) != tt.told):
				t.Errorf("told %s, %v; want %s", told, err, tt.told)
			case tt.says != "" && (err == nil || actuators.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("%v: %v; want %v that says %q", actuators.KindOf(err), err, tt.kind, tt.says)
			}
		})
	}
	l := &loop{want: want, c: &Controller{}}
	for _, a := range []actuators.Action{{Actuator: "systemd", Verb: "start"}, {Actuator: "motd", Verb: "set"}} {
		if l.resolve(state.Step{Action: a}) != nil {
			t.Errorf("%s is told something", a)
		}
	}
}
