package cache

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// spec is a Cache object, as far as this package knows it. A field that it does
// not know is an error: it might be a bound.
type spec struct {
	Redis *redisSpec `json:"redis"`
	Nginx *nginxSpec `json:"nginx"`
}

type redisSpec struct {
	Address  string   `json:"address"`
	DB       int      `json:"db"`
	Patterns []string `json:"patterns"`
	Whole    bool     `json:"whole"`
}

type nginxSpec struct {
	Path string `json:"path"`
}

// wish is a request that makes sense.
type wish struct {
	spec    spec
	share   share
	pattern string        // empty: all that the object declares
	idle    time.Duration // zero: however young
	noTTL   bool          // only what never expires
}

// parse checks a request, but not whether the host can do it.
func (a *Actuator) parse(r actuators.Request) (wish, error) {
	if err := a.info.Check(r); err != nil {
		return wish{}, err
	}
	w := wish{share: fifth, pattern: r.Args["pattern"]}
	d := json.NewDecoder(bytes.NewReader(r.Content))
	d.DisallowUnknownFields()
	if err := d.Decode(&w.spec); err != nil {
		return wish{}, actuators.Errorf(actuators.Invalid, "%s: its content is no Cache: %w", r.Action, err)
	}
	if text, ok := r.Args["maxShare"]; ok {
		if w.share, ok = parseShare(text); !ok {
			return wish{}, actuators.Errorf(actuators.Invalid, "%s: maxShare %q: want a share like 20%%", r.Action, text)
		}
	}
	if text, ok := r.Args["idle"]; ok {
		var err error
		if w.idle, err = time.ParseDuration(text); err != nil || w.idle <= 0 {
			return wish{}, actuators.Errorf(actuators.Invalid, "%s: idle %q: want a duration like 10m", r.Action, text)
		}
	}
	switch r.Args["noTTL"] {
	case "", "false":
	case "true":
		w.noTTL = true
	default:
		return wish{}, actuators.Errorf(actuators.Invalid, "%s: noTTL %q: want true or false", r.Action, r.Args["noTTL"])
	}
	if err := w.fits(r); err != nil {
		return wish{}, err
	}
	return w, nil
}

// fits checks the arguments against what the object declares.
func (w wish) fits(r actuators.Request) error {
	redis, nginx := w.spec.Redis, w.spec.Nginx
	switch {
	case (redis == nil) == (nginx == nil):
		return actuators.Errorf(actuators.Invalid, "%s: a Cache is either a redis or an nginx", r.Action)
	case redis != nil && r.Args["path"] != "":
		return actuators.Errorf(actuators.Invalid, "%s: a redis has no path", r.Action)
	case redis != nil:
		return w.fitsRedis(r)
	case w.pattern != "" || w.noTTL:
		return actuators.Errorf(actuators.Invalid, "%s: what nginx has cached has neither names nor a TTL to go by; use idle, or maxShare=100%% for all of it", r.Action)
	case r.Args["path"] != nginx.Path:
		// Policy was held against the argument; the folder must be that one.
		return actuators.Errorf(actuators.Invalid, "%s: the object's folder is %s", r.Action, nginx.Path)
	case !path.IsAbs(nginx.Path) || path.Clean(nginx.Path) != nginx.Path || nginx.Path == "/":
		return actuators.Errorf(actuators.Invalid, "%s: the folder must be absolute and plain", r.Action)
	}
	return nil
}

func (w wish) fitsRedis(r actuators.Request) error {
	s := w.spec.Redis
	if len(s.Patterns) == 0 && !s.Whole {
		return actuators.Errorf(actuators.Invalid, "%s: the object declares neither patterns nor whole: true", r.Action)
	}
	for _, p := range append(s.Patterns[:len(s.Patterns):len(s.Patterns)], w.pattern) {
		if !goodGlob(p) {
			return actuators.Errorf(actuators.Invalid, "%s: %q is no pattern: a [ without its ], a \\ at the end, or longer than %d", r.Action, p, maxGlob)
		}
	}
	if w.pattern == "" || s.Whole {
		return nil
	}
	for _, p := range s.Patterns {
		if covers(p, w.pattern) {
			return nil
		}
	}
	return actuators.Errorf(actuators.Refused, "%s: the pattern %q is not within those that the Cache declares: %s", r.Action, w.pattern, strings.Join(s.Patterns, " "))
}

// globs are the patterns whose keys are asked for; none stands for all keys.
func (w wish) globs() []string {
	switch {
	case w.pattern != "":
		return []string{w.pattern}
	case len(w.spec.Redis.Patterns) > 0:
		return w.spec.Redis.Patterns
	}
	return nil
}

// all tells a flush of everything that there is.
func (w wish) all() bool { return len(w.globs()) == 0 && w.idle == 0 && !w.noTTL }

// open reaches the cache.
func (w wish) open() (store, error) {
	if w.spec.Redis != nil {
		return openRedis(w), nil
	}
	return openNginx(w)
}
