package engine

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"

	"github.com/pakashop/evenkeel/desired"
)

// place is by what targets are told apart: the labels job and instance.
type place struct{ job, instance string }

func (p place) String() string { return p.job + " at " + p.instance }

// scraper reads targets with Prometheus' own, and remembers how the last reading of
// each went.
type scraper struct {
	opt      Options
	db       appendable
	manager  *scrape.Manager
	sets     chan map[string][]*targetgroup.Group
	gathered *gathered
	wg       sync.WaitGroup

	// mu guards what follows.
	mu       sync.Mutex
	targets  map[place]desired.Target
	readings map[place]reading
}

// reading is how the last reading of a target went.
type reading struct {
	at    time.Time // when it began
	up    bool
	fault string    // why what it said is nothing to go by although it was read
	bad   time.Time // when the last one was noted that was nothing to go by; zero: none was
	well  time.Time // of the samples from which on all was well; zero: it is not
}

// appendable is what a scraper needs of the series.
type appendable interface {
	AppenderV2(context.Context) storage.AppenderV2
}

func newScraper(o Options, db appendable) (*scraper, error) {
	s := &scraper{
		opt: o, db: db, sets: make(chan map[string][]*targetgroup.Group),
		targets: map[place]desired.Target{}, readings: map[place]reading{},
	}
	s.gathered = newGathered(o)
	m, err := scrape.NewManager(&scrape.Options{
		DiscoveryReloadOnStartup: true, DiscoveryReloadInterval: model.Duration(time.Second),
		HTTPClientOptions: []promconfig.HTTPClientOption{promconfig.WithDialContextFunc(s.gathered.dial)},
	}, o.Log, nil, nil, s, prometheus.NewRegistry())
	if err != nil {
		s.gathered.close()
		return nil, fmt.Errorf("read metrics: %w", err)
	}
	s.manager = m
	s.wg.Go(func() { _ = m.Run(s.sets) })
	return s, nil
}

func (s *scraper) close() {
	s.manager.Stop()
	s.gathered.close()
	s.wg.Wait()
}

// set says what is read from now on.
func (s *scraper) set(targets []desired.Target) error {
	is := make(map[place]desired.Target, len(targets))
	for _, t := range targets {
		is[place{t.Job, t.Instance}] = t
	}
	s.mu.Lock()
	same := reflect.DeepEqual(is, s.targets)
	s.mu.Unlock()
	if same {
		return nil
	}
	text, groups, wrong := configOf(targets, s.gathered.set(targets))
	c, err := config.Load(text, slog.New(slog.DiscardHandler))
	if err != nil {
		return fmt.Errorf("say what is read: %w", err)
	}
	if err := s.manager.ApplyConfig(c); err != nil {
		return fmt.Errorf("say what is read: %w", err)
	}
	s.mu.Lock()
	for p, t := range s.targets {
		if !reflect.DeepEqual(is[p], t) {
			delete(s.readings, p)
		}
	}
	s.targets = is
	s.mu.Unlock()
	s.sets <- groups
	return wrong
}

// condition is how a target stood at some moment.
type condition struct {
	target desired.Target
	known  bool      // it is a target
	at     time.Time // when its last reading began; zero: there was none
	why    string    // why what it said last is nothing to go by; empty: it is
}

// conditions are those of all targets now.
func (s *scraper) conditions() map[place]condition {
	now := time.Now()
	s.mu.Lock()
	out := make(map[place]condition, len(s.targets))
	failed := false
	for p, t := range s.targets {
		r := s.readings[p]
		c := condition{target: t, known: true, at: r.at}
		switch age := now.Sub(r.at); {
		case r.at.IsZero():
			c.why = p.String() + " was not read yet"
		case !r.up:
			c.why, failed = p.String()+" cannot be read", true
		case age > 2*t.Interval.Std()+s.opt.slack:
			c.why = fmt.Sprintf("%s was not read for %s", p, age.Round(time.Second))
		case r.fault != "":
			c.why = p.String() + " " + r.fault
		}
		out[p] = c
	}
	s.mu.Unlock()
	if failed {
		s.say(out)
	}
	return out
}

// say adds why readings failed.
func (s *scraper) say(all map[place]condition) {
	for _, list := range s.manager.TargetsActive() {
		for _, t := range list {
			p := place{t.GetValue("job"), t.GetValue("instance")}
			if err := t.LastError(); err != nil && all[p].why == p.String()+" cannot be read" {
				c := all[p]
				c.why += ": " + brief(err.Error(), 200)
				all[p] = c
			}
		}
	}
}

// brief is the beginning of a text, in one line.
func brief(text string, most int) string {
	if len(text) > most {
		text = text[:most] + "…"
	}
	out := []rune(text)
	for i, r := range out {
		if r < ' ' || r == 0x7f {
			out[i] = ' '
		}
	}
	return string(out)
}

// named are the targets that the selectors of an expression name by a label that
// tells targets apart: it rests on them even where they never said a thing.
func (s *scraper) named(e parser.Expr) map[place]bool {
	out := map[place]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range selectors(e) {
		for p, t := range s.targets {
			by := false
			for _, m := range v.LabelMatchers {
				value, ok := labelOf(t, m.Name)
				if !ok || m.Matches("") && value != "" && m.Type != labels.MatchEqual {
					continue // it is no label of a target, or leaves nearly all of them
				}
				if by = m.Matches(value); !by {
					break
				}
			}
			if by {
				out[p] = true
			}
		}
	}
	return out
}

// labelOf is a label that the series of a target get.
func (s *scraper) labelOf(p place, name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.targets[p]
	if !ok {
		return "", false
	}
	value, _ := labelOf(t, name)
	return value, true
}

func labelOf(t desired.Target, name string) (string, bool) {
	switch name {
	case "job":
		return t.Job, true
	case "instance":
		return t.Instance, true
	}
	value, ok := t.Labels[name]
	return value, ok
}
