package engine

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
)

// AppenderV2 is for the scraper, which takes one for each reading.
func (s *scraper) AppenderV2(ctx context.Context) storage.AppenderV2 {
	return &appender{AppenderV2: s.db.AppenderV2(ctx), s: s}
}

// appender writes what a reading brought, and notes how it went: of what was read
// Prometheus reports to its own series last of all.
type appender struct {
	storage.AppenderV2
	s *scraper

	samples, numbers float64
	reported         bool
	of               place
	is               reading
	dated            time.Time // as its samples are
	read             float64   // samples that the target told
}

// reportSuffix is on the metric families of Prometheus' own series, which no target
// can name.
const reportSuffix = "\xff"

// Append is for the scraper.
func (a *appender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AppendV2Options) (storage.SeriesRef, error) {
	switch name, own := strings.CutSuffix(o.MetricFamilyName, reportSuffix); {
	case own:
		a.report(name, ls, t, v)
	case h != nil || fh != nil:
		a.samples++
		a.numbers++
	case !value.IsStaleNaN(v):
		a.samples++
		if !math.IsNaN(v) {
			a.numbers++
		}
	}
	return a.AppenderV2.Append(ref, ls, st, t, v, h, fh, o)
}

// report hears what Prometheus says of the reading.
func (a *appender) report(name string, ls labels.Labels, t int64, v float64) {
	switch name {
	case "up":
		a.reported = !value.IsStaleNaN(v)
		a.of = place{ls.Get("job"), ls.Get("instance")}
		// The sample is dated with when the reading began, give or take the two
		// milliseconds by which Prometheus sets it straight. The clock on the wall
		// may be set meanwhile, and then it began some time before.
		now := time.Now()
		age := now.Round(0).Sub(time.UnixMilli(t)) + 3*time.Millisecond
		if age < 0 || age > maxPatient+time.Second {
			age = maxPatient
		}
		a.is.up, a.is.at, a.dated = v == 1, now.Add(-age), time.UnixMilli(t)
	case "scrape_samples_scraped":
		a.read = v
	}
}

// Commit is for the scraper. That a reading is bad is noted before anybody can see
// what it said, and that it is good only afterwards.
func (a *appender) Commit() error {
	switch {
	case a.read > a.samples:
		a.is.fault = "says two things of the same series"
	case a.samples > 0 && a.numbers == 0:
		a.is.fault = "says nothing that is a number"
	}
	bad := a.reported && (!a.is.up || a.is.fault != "")
	if bad {
		a.note()
	}
	if err := a.AppenderV2.Commit(); err != nil {
		return err
	}
	if a.reported && !bad {
		a.note()
	}
	return nil
}

// note has it known how the reading went.
func (a *appender) note() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	if _, ok := a.s.targets[a.of]; !ok {
		return
	}
	switch was := a.s.readings[a.of]; {
	case !a.is.up || a.is.fault != "":
		a.is.bad = time.Now()
	case was.well.IsZero():
		a.is.bad, a.is.well = was.bad, a.dated
	default:
		a.is.bad, a.is.well = was.bad, was.well
	}
	a.s.readings[a.of] = a.is
}
