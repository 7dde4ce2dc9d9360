package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/pakashop/evenkeel/desired"
	hooks "github.com/pakashop/evenkeel/desired/git/hint"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/alertmanager"
	"github.com/pakashop/evenkeel/state/observe/secrets"
)

// webhookFlags say where what strangers send is taken.
type webhookFlags struct {
	addr string
	ttl  time.Duration
}

func (w *webhookFlags) add(f *pflag.FlagSet) {
	f.StringVar(&w.addr, "webhook", "", "take at this address push webhooks of --git (POST /hook, signed), and an Alertmanager's alerts (POST /alertmanager, with a token)")
	f.DurationVar(&w.ttl, "alertmanager-ttl", alertmanager.DefaultTTL, "how long an alert of an Alertmanager holds that it does not repeat: longer than its repeat_interval")
}

func (w *webhookFlags) check(changed func(name string) bool) error {
	switch {
	case w.addr == "" && changed("alertmanager-ttl"):
		return errors.New("--alertmanager-ttl says something of --webhook, and there is none")
	case w.ttl < time.Minute:
		return fmt.Errorf("--alertmanager-ttl %s: at least 1m", w.ttl)
	}
	return nil
}

// webhooks are what strangers may send: to each its own handler.
type webhooks struct {
	flags  webhookFlags
	hook   *hooks.Hook // nil: no branch is followed
	token  func(context.Context) (string, error)
	alerts *alertmanager.Source
}

// webhooks makes the part that takes alerts; what takes hints of a branch comes later.
func (w webhookFlags) webhooks(now func() state.Time, past *state.Past, known *secrets.Reader) *webhooks {
	h := &webhooks{flags: w, token: func(ctx context.Context) (string, error) {
		return known.Value(ctx, desired.Secret{FromCredential: alertmanager.Credential})
	}}
	h.alerts = alertmanager.New(alertmanager.Options{
		Now: now, TTL: w.ttl, Former: formerAlerts(past),
		Open: func(ctx context.Context) bool { return h.noToken(ctx) == nil },
	})
	return h
}

var _ observe.Alerts = (*alertmanager.Source)(nil)

// noToken says why no Alertmanager is believed; nil: one is.
func (h *webhooks) noToken(ctx context.Context) error {
	token, err := h.token(ctx)
	if err == nil && strings.TrimSpace(token) == "" {
		err = fmt.Errorf("the credential %s is empty", alertmanager.Credential)
	}
	return err
}

// serve takes what is sent until ctx ends. Without any secret it does not begin.
func (h *webhooks) serve(ctx context.Context) error {
	paths, err := h.paths(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer stop()
	if h.hook != nil {
		run.Go(func() { h.hook.Run(ctx) })
	}
	return hooks.Serve(ctx, h.flags.addr, byPath(paths))
}

// paths are what is taken where, of those for which there is a secret now.
func (h *webhooks) paths(ctx context.Context) (map[string]http.Handler, error) {
	noToken := h.noToken(ctx)
	noSecret := errors.New("no branch is followed by --git")
	if h.hook != nil {
		noSecret = h.hook.Ready()
	}
	if noToken != nil && noSecret != nil {
		return nil, fmt.Errorf("webhooks are taken from those only who know a secret; write one as the credential %s for those of a git server, or as %s for an Alertmanager's (such as /etc/evenkeel/credentials/%s), and the same where the webhook is set up: %w",
			hooks.Credential, alertmanager.Credential, alertmanager.Credential, errors.Join(noSecret, noToken))
	}
	paths := make(map[string]http.Handler)
	if noSecret == nil {
		paths[hooks.Path] = h.hook
	}
	if noToken == nil {
		paths[alertmanager.Path] = alertmanager.Handler(h.token, h.alerts)
	}
	return paths, nil
}

// byPath hands a request on by its path, as it was sent: nothing of it is cleaned, and
// nobody is sent elsewhere.
func byPath(paths map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h, ok := paths[r.URL.Path]; ok {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		http.Error(w, strings.ToLower(http.StatusText(http.StatusNotFound)), http.StatusNotFound)
	})
}

// formerAlerts are those of an Alertmanager whose Cases were open when evenkeel ended.
func formerAlerts(past *state.Past) []state.ActiveAlert {
	var out []state.ActiveAlert
	for _, c := range past.Cases {
		name, id, ok := strings.Cut(c.Unit, "/")
		if c.Alert != alertmanager.Name || !ok {
			continue
		}
		labels := map[string]string{"alertname": name}
		if service, ok := strings.CutPrefix(c.Object, "Service/"); ok {
			labels["service"] = service // the Case goes on where it was
		}
		out = append(out, state.ActiveAlert{ID: id, Name: name, Firing: true, Since: c.Opened.Wall, Labels: labels})
	}
	return out
}
