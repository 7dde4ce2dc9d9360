package gather

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// Name is what actions call both halves.
const Name = "gather"

// patience is how long one verb may take.
const patience = 10 * time.Second

// reading is one verb: what it is told, and how it reads.
type reading struct {
	verb actuators.Verb
	read func(ctx context.Context, r actuators.Request) (found, error)
}

// found is what a verb returns.
type found struct {
	detail   string // one line for a human
	evidence string
}

// verbs of the plugin.
var verbs = []reading{
	{actuators.Verb{Name: "redis.ttls", Content: true, Args: []string{"declared"}, Help: "Tells how long the keys of a Cache live, which never expire, and what is largest."}, redisTTLs},
	{actuators.Verb{Name: "redis.info", Content: true, Args: []string{"declared"}, Help: "Tells memory, policy, hits and evictions of a Redis."}, redisInfo},
	{actuators.Verb{Name: "postgres.activity", Content: true, Args: []string{"declared"}, Help: "Tells who holds the connections of a PostgreSQL, and who probably leaks them."}, postgresActivity},
	{actuators.Verb{Name: "postgres.slow", Content: true, Args: []string{"declared"}, Help: "Tells the longest running statements of a PostgreSQL, without their literals."}, postgresSlow},
	{actuators.Verb{Name: "logs.search", Content: true, Args: logArgs, Help: "Finds lines of the journal by trace, expression, priority and field."}, logsSearch},
	{actuators.Verb{Name: "http.status", Args: []string{"url", "endpoint"}, Help: "Asks a URL once, and tells how far it came and how long it took."}, httpStatus},
}

var logArgs = []string{"service", "units", "trace", "grep", "since", "priority", "field"}

// Actuator is the half that talks to strangers. It keeps nothing between calls, and is
// safe for concurrent use.
type Actuator struct{ info actuators.Info }

var _ actuators.Actuator = (*Actuator)(nil)

// New returns an Actuator of a version of evenkeel.
func New(version string) *Actuator {
	a := &Actuator{actuators.Info{Name: Name, Version: version}}
	for _, v := range verbs {
		v.verb.Effect = actuators.None
		a.info.Verbs = append(a.info.Verbs, v.verb)
	}
	return a
}

// Info lists the verbs of this half.
func (a *Actuator) Info(context.Context) (actuators.Info, error) { return a.info, nil }

// Apply reads.
func (a *Actuator) Apply(ctx context.Context, r actuators.Request) (actuators.Result, error) {
	if err := a.info.Check(r); err != nil {
		return actuators.Result{}, err
	}
	for _, v := range verbs {
		if v.verb.Name == r.Verb {
			return collect(ctx, r, v.read)
		}
	}
	return actuators.Result{}, actuators.Errorf(actuators.Invalid, "%s: nothing reads that", r.Action)
}

// collect reads within the time there is, and makes a result of it.
func collect(ctx context.Context, r actuators.Request, read func(context.Context, actuators.Request) (found, error)) (actuators.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: nothing was read: %w", r.Action, err)
	}
	f, err := read(ctx, r)
	var known *actuators.Error
	switch {
	case err == nil:
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded): // whose clock is the first to say so
		return actuators.Result{}, actuators.Errorf(actuators.Timeout, "%s: not in time: %w", r.Action, err)
	case errors.As(err, &known):
		return actuators.Result{}, actuators.Errorf(known.Kind, "%s: %w", r.Action, err)
	default:
		return actuators.Result{}, actuators.Errorf(actuators.Unavailable, "%s: %w", r.Action, err)
	}
	return actuators.Result{Detail: fit(mask(f.detail)), Data: map[string]string{"evidence": bounded(f.evidence)}}, nil
}
