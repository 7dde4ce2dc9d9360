package controller

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// A Step carries digests, never content: what an actuator is told besides is
// found in what is wanted, when the Step is done.

// content finds what a Step writes.
func (l *loop) content(s state.Step) []byte {
	if s.Action.Actuator != "file" || s.Action.Verb != "write" {
		return nil
	}
	if a, ok := l.past.Asks[s.Ask]; ok && a.Kept != nil {
		_, content, err := l.c.o.Kept(a.Kept.ID)
		if err != nil {
			l.c.o.Log.Warn("a displaced version cannot be read", "id", a.Kept.ID, "error", err)
		}
		return content // without it the digest does not fit, and nothing is written
	}
	if s.Action.Args["link"] != "" {
		return []byte{} // where it leads is all that there is to it
	}
	a, _, ok := l.want.Artifact(s.Action.Target)
	if ok && a.Host {
		return []byte{} // only mode and owner: the content is the host's
	}
	if !ok {
		return nil
	}
	if a.Digest != s.Action.Args["digest"] {
		a, ok = l.want.Content(s.Action.Args["digest"]) // what stands in for it
	}
	if !ok {
		return nil
	}
	return a.Content
}

// resolve finds what an actuator is told of the object that it acts on, as the
// object is now: a Step that was planned for another version of it is refused.
// nil: it is told nothing.
func (l *loop) resolve(s state.Step) func(context.Context) ([]byte, error) {
	want, secret, remote := l.want, l.c.o.Secret, l.c.o.Remote
	switch name := s.Action.Target; actedOn(s.Action) {
	case "cache":
		return func(context.Context) ([]byte, error) {
			o, ok := want.Cache(name)
			if !ok || o.Digest != s.Action.Args["declared"] {
				return nil, changed("Cache", name, ok)
			}
			return json.Marshal(o.Spec)
		}
	case "postgres":
		return func(ctx context.Context) ([]byte, error) {
			o, ok := want.Database(name)
			if !ok || o.Digest != s.Action.Args["declared"] {
				return nil, changed("Database", name, ok)
			}
			return database(ctx, o, secret)
		}
	case "exec":
		user, ok := want.Policy.RunsAs(name)
		return func(context.Context) ([]byte, error) {
			if !ok {
				return nil, actuators.Errorf(actuators.Refused, "policy does not list %s under exec", name)
			}
			return json.Marshal(map[string]string{"user": user})
		}
	case "git":
		return func(ctx context.Context) ([]byte, error) { return gitRemote(ctx, remote) }
	}
	return nil
}

// actedOn is the actuator that is told what an Action acts on: a collector of
// evidence is told what the one that would act is told.
func actedOn(a actuators.Action) string {
	if a.Actuator == desired.Gatherer {
		switch what, _, _ := strings.Cut(a.Verb, "."); what {
		case "redis":
			return "cache"
		case "postgres":
			return "postgres"
		}
	}
	return a.Actuator
}

func changed(kind, name string, found bool) error {
	if !found {
		return actuators.Errorf(actuators.NotFound, "no %s is named %s any more", kind, name)
	}
	return actuators.Errorf(actuators.Conflict, "the %s %s was declared otherwise meanwhile", kind, name)
}

// database is a Database with its secret in place.
func database(ctx context.Context, o *desired.Database, secret Secret) ([]byte, error) {
	if secret == nil {
		return nil, actuators.Errorf(actuators.Unavailable, "the Database %s needs a secret, and nothing here can resolve one", o.Name)
	}
	dsn, err := secret(ctx, o.Spec.Postgres.DSN)
	if err != nil {
		return nil, actuators.Errorf(actuators.Unavailable, "resolve the dsn of the Database %s: %w", o.Name, err)
	}
	return json.Marshal(map[string]any{"postgres": map[string]string{"dsn": dsn}})
}

// gitRemote is where the actuator git reads and pushes.
func gitRemote(ctx context.Context, remote Remote) ([]byte, error) {
	if remote == nil {
		return nil, actuators.Errorf(actuators.Unavailable, "desired state does not come from git here, so nothing can be pushed to it")
	}
	b, err := remote(ctx)
	if err != nil {
		return nil, actuators.Errorf(actuators.Unavailable, "find the git remote and its credentials: %w", err)
	}
	return b, nil
}

// declare says which plugins there are.
func (l *loop) declare() {
	if l.c.o.Plugins == nil {
		return
	}
	if err := l.c.o.Plugins.Declare(l.want.Actuators); err != nil {
		l.c.o.Log.Warn("an actuator cannot be declared", "error", err)
	}
}
