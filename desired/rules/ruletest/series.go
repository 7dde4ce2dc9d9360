package ruletest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
)

// promQL reads expressions and series as promtool does.
var promQL = parser.NewParser(parser.Options{})

// bench is a database with an engine, into which series are put as time passes.
type bench struct {
	db     *tsdb.DB
	dir    string
	engine *promql.Engine
	series []*series
}

// series are the samples of one metric that are still to come.
type series struct {
	metric  labels.Labels
	samples []point
}

type point struct {
	t int64 // in milliseconds
	v parser.SequenceValue
}

// newBench reads the series and opens an empty database.
func newBench(g *group, every time.Duration) (*bench, error) {
	b := &bench{}
	if err := b.load(g); err != nil {
		return nil, err
	}
	opts := tsdb.DefaultOptions()
	opts.MinBlockDuration = (24 * time.Hour).Milliseconds() // all of it stays appendable
	opts.MaxBlockDuration = opts.MinBlockDuration
	opts.RetentionDuration = 0
	var err error
	if b.dir, err = os.MkdirTemp("", "evenkeel-rules"); err != nil {
		return nil, fmt.Errorf("make a folder for series: %w", err)
	}
	if b.db, err = tsdb.Open(b.dir, nil, nil, opts, tsdb.NewDBStats()); err != nil {
		return nil, errors.Join(fmt.Errorf("open a database for series: %w", err), os.RemoveAll(b.dir))
	}
	b.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples: 10_000, Timeout: 100 * time.Second, // promtool's
		NoStepSubqueryIntervalFn: func(int64) int64 { return every.Milliseconds() },
		EnableAtModifier:         true, EnableNegativeOffset: true,
	})
	return b, nil
}

func (b *bench) close() error {
	return errors.Join(b.engine.Close(), b.db.Close(), os.RemoveAll(b.dir))
}

// load reads the series as lines, which is what they are to promtool: one that is empty
// ends them, and of two with the same labels the later one counts.
func (b *bench) load(g *group) error {
	from := time.Unix(0, 0).UTC()
	if !g.Start.IsZero() {
		from = g.Start.Time
	}
	var text strings.Builder
	for _, in := range g.InputSeries {
		fmt.Fprintf(&text, "  %v %v\n", in.Series, in.Values)
	}
	by := map[uint64]*series{}
	for line := range strings.SplitSeq(strings.TrimRight(text.String(), "\n"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			break
		}
		metric, values, err := promQL.ParseSeriesDesc(line)
		if err != nil {
			return fmt.Errorf("input_series: %s: %w", line, err)
		}
		one := by[metric.Hash()]
		if one == nil {
			one = &series{metric: metric}
			by[metric.Hash()] = one
			b.series = append(b.series, one)
		}
		one.samples = points(values, from, g.Interval)
	}
	return nil
}

// points are the values with their times; one that is left out is none.
func points(values []parser.SequenceValue, from time.Time, every model.Duration) []point {
	all := make([]point, 0, len(values))
	for i, v := range values {
		if !v.Omitted {
			all = append(all, point{from.Add(time.Duration(i) * time.Duration(every)).UnixMilli(), v})
		}
	}
	return all
}

// until puts what there is up to a time into the database.
func (b *bench) until(ctx context.Context, t time.Time) error {
	app := b.db.AppenderV2(ctx)
	for _, s := range b.series {
		n := 0
		for ; n < len(s.samples) && s.samples[n].t <= t.UnixMilli(); n++ {
			p := s.samples[n]
			if _, err := app.Append(0, s.metric, 0, p.t, p.v.Value, nil, p.v.Histogram, storage.AppendV2Options{}); err != nil {
				return errors.Join(fmt.Errorf("input_series: %s: %w", s.metric, err), app.Rollback())
			}
		}
		s.samples = s.samples[n:]
	}
	return app.Commit()
}

// ask evaluates an expression.
func (b *bench) ask(ctx context.Context, expr string, t time.Time) (promql.Vector, error) {
	q, err := b.engine.NewInstantQuery(ctx, b.db, nil, expr, t)
	if err != nil {
		return nil, err
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, res.Err
	}
	switch v := res.Value.(type) {
	case promql.Vector:
		return v, nil
	case promql.Scalar:
		return promql.Vector{{T: v.T, F: v.V}}, nil
	}
	return nil, errors.New("the result is no vector and no number")
}
