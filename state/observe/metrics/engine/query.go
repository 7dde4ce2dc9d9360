package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pakashop/evenkeel/state"
)

// Facts are the alerts of sources, and what expressions come to, as they are now.
func (e *Engine) Facts(ctx context.Context, sources, queries []string) state.Facts {
	var out state.Facts
	if len(sources) > 0 {
		out.Alerts = e.facts(sources)
	}
	for _, q := range queries {
		out.Add(state.Facts{Queries: map[string]state.Fact[state.QueryResult]{q: e.result(ctx, q)}})
	}
	return out
}

// result is what an expression says. It is dated with the oldest reading that it
// rests on; where it rests on none, or on a target that cannot be read, it is unknown.
func (e *Engine) result(ctx context.Context, text string) state.Fact[state.QueryResult] {
	f := state.Fact[state.QueryResult]{At: state.Time{Up: boottime()}}
	value, at, err := e.known(ctx, text)
	if err != nil {
		f.Err = brief(err.Error(), 300)
		return f
	}
	f.At = up(at)
	f.Value.Says = say(value, maxSays)
	switch v := value.(type) {
	case promql.Scalar:
		f.Value.Yes = v.V != 0
	case promql.Vector:
		f.Value.Yes = len(v) > 0
	}
	return f
}

var errNaN = errors.New("it comes to no number")

// known is the result of an expression whose data are all there.
func (e *Engine) known(ctx context.Context, text string) (parser.Value, time.Time, error) {
	expr, err := e.check(text)
	if err != nil {
		return nil, time.Time{}, err
	}
	if why := sightless(expr); why != "" {
		return nil, time.Time{}, errors.New(why)
	}
	began := time.Now()
	before := e.scraper.conditions()
	s := newSeen()
	value, err := e.exec(withSeen(ctx, s), text, began)
	if err != nil {
		return nil, time.Time{}, err
	}
	e.scraper.meanwhile(before, began, began)
	e.mu.Lock()
	places := maps.Clone(s.places)
	maps.Copy(places, e.scraper.named(expr))
	for name := range s.others {
		for _, r := range e.records[name] {
			e.rests(r, places, map[*rule]bool{})
		}
	}
	poor := e.recordedPoorly(s.others)
	at := e.oldest(s, before)
	e.mu.Unlock()
	if why := distinct(append(failing(places, before), poor...)); len(why) > 0 {
		return nil, time.Time{}, errors.New(strings.Join(why, "; "))
	}
	if at.IsZero() {
		return nil, time.Time{}, errors.New("no target that is read says anything of it")
	}
	switch v := value.(type) {
	case promql.Scalar:
		if math.IsNaN(v.V) {
			return nil, time.Time{}, errNaN
		}
	case promql.Vector:
		for _, one := range v {
			if one.H == nil && math.IsNaN(one.F) {
				return nil, time.Time{}, errNaN
			}
		}
	default:
		return nil, time.Time{}, fmt.Errorf("its result is a %s", v.Type())
	}
	return value, at, nil
}

// check reads an expression, and refuses one that looks back too far.
func (e *Engine) check(text string) (parser.Expr, error) {
	expr, err := e.parser.ParseExpr(text)
	if err == nil {
		err = affordable(expr)
	}
	return expr, err
}

// exec evaluates an expression at one moment.
func (e *Engine) exec(ctx context.Context, text string, at time.Time) (parser.Value, error) {
	q, err := e.promql.NewInstantQuery(ctx, watched{e.db, e.isRecorded}, nil, text, at)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	r := q.Exec(ctx)
	if r.Err != nil {
		return nil, r.Err
	}
	switch v := r.Value.(type) { // of the query's own memory
	case promql.Vector:
		return append(promql.Vector(nil), v...), nil
	case promql.Matrix:
		return nil, errors.New("its result is a range; ask for what it comes to")
	}
	return r.Value, nil
}
