package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What is kept, and what a query may cost.
const (
	retention    = 3 * time.Hour
	blocks       = 30 * time.Minute // what is older than one and a half of them leaves memory
	maxBlocks    = 256 << 20
	maxSegment   = 16 << 20
	maxSamples   = 1_000_000
	maxQuery     = 10 * time.Second
	maxRange     = 24 * time.Hour
	maxExemplars = 2000
	lookback     = 5 * time.Minute
)

// Options are the parts of an Engine. Dir is required.
type Options struct {
	Dir string
	// Collect says what a target says that is not read over HTTP; nil: such a
	// target cannot be read.
	Collect func(context.Context, desired.Target) ([]byte, error)
	// News is told the sources of alerts that may have changed, and must not block.
	// nil: nobody is.
	News func(sources []string)
	Log  *slog.Logger // nil: nothing is logged

	slack    time.Duration // beyond two intervals, how old a reading may be; default 10 s
	interval time.Duration // of groups that have none, and of what is asked of a Prometheus; default 15 s
}

// Engine reads targets and evaluates rules. It is safe for concurrent use.
type Engine struct {
	opt     Options
	ctx     context.Context
	cancel  context.CancelFunc
	db      *tsdb.DB
	promql  *promql.Engine
	parser  parser.Parser
	scraper *scraper
	wg      sync.WaitGroup

	setting sync.Mutex // held while Set runs

	// mu guards what follows.
	mu      sync.Mutex
	files   map[string]*file // by name
	sources map[string]*source
	records map[string][]*rule // recording rules, by what they record
	memory  memory

	recorded atomic.Pointer[map[string]bool] // the keys of records
}

// New opens the series in a folder, and evaluates nothing yet. Series that cannot
// be read are begun anew: they are worth less than what comes.
func New(o Options) (*Engine, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.News == nil {
		o.News = func([]string) {}
	}
	if o.slack == 0 {
		o.slack = 10 * time.Second
	}
	if o.interval == 0 {
		o.interval = 15 * time.Second
	}
	series := filepath.Join(o.Dir, "series")
	db, err := open(series, o.Log)
	if err != nil {
		o.Log.Warn("the series that were kept cannot be read, and are begun anew", "error", err)
		if err := os.RemoveAll(series); err != nil {
			return nil, fmt.Errorf("remove series: %w", err)
		}
		if db, err = open(series, o.Log); err != nil {
			return nil, fmt.Errorf("open series: %w", err)
		}
	}
	e := &Engine{
		opt: o, db: db, parser: parser.NewParser(parser.Options{}),
		files: map[string]*file{}, sources: map[string]*source{}, records: map[string][]*rule{},
		memory: remembered(filepath.Join(o.Dir, "alerts.json"), o.Log),
	}
	e.recorded.Store(&map[string]bool{})
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.promql = promql.NewEngine(promql.EngineOpts{
		Logger: o.Log, MaxSamples: maxSamples, Timeout: maxQuery, LookbackDelta: lookback,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: e.parser,
		NoStepSubqueryIntervalFn: func(int64) int64 { return o.interval.Milliseconds() },
	})
	if e.scraper, err = newScraper(o, db); err != nil {
		e.cancel()
		_ = db.Close()
		return nil, err
	}
	e.wg.Go(e.watch)
	return e, nil
}

func open(dir string, log *slog.Logger) (*tsdb.DB, error) {
	o := tsdb.DefaultOptions()
	o.RetentionDuration, o.MaxBytes = retention.Milliseconds(), maxBlocks
	o.MinBlockDuration, o.MaxBlockDuration = blocks.Milliseconds(), blocks.Milliseconds()
	o.WALSegmentSize, o.MaxBlockChunkSegmentSize = maxSegment, maxSegment
	o.WALCompression = compression.Snappy
	o.NoLockfile = true // evenkeel has a lock of its own, and the folder has no path that the child could walk
	o.StripeSize, o.HeadChunksWriteQueueSize = 512, 0
	o.EnableExemplarStorage, o.MaxExemplars = true, maxExemplars
	return tsdb.Open(dir, log, prometheus.NewRegistry(), o, nil)
}

// Close stops all of it, and waits.
func (e *Engine) Close() error {
	e.setting.Lock()
	defer e.setting.Unlock()
	e.cancel()
	e.scraper.close()
	e.mu.Lock()
	files := e.files
	e.files = map[string]*file{}
	e.mu.Unlock()
	for _, f := range files {
		f.close()
	}
	e.wg.Wait()
	_ = e.promql.Close()
	return e.db.Close()
}

// Set says what is evaluated from now on, and what is read for it. What stays the
// same goes on undisturbed. A file of rules that is wrong is an unknown fact, and the
// others hold. It returns the sources that there are now; none, not even an empty
// list, where a file could not be read.
func (e *Engine) Set(rules []desired.RuleFile, targets []desired.Target, tokens, refused map[string]string) ([]string, error) {
	e.setting.Lock()
	defer e.setting.Unlock()
	err := e.scraper.set(targets)
	return e.setRules(rules, tokens, refused), err
}

// watch looks now and then whether something fell silent: that a rule is no longer
// evaluated, or a target no longer read, no evaluation tells.
func (e *Engine) watch() {
	tick := time.NewTicker(e.opt.interval)
	defer tick.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return
		case <-tick.C:
			e.news(nil)
		}
	}
}

// up is an instant of this process on the clock that it shares with its parent.
func up(t time.Time) state.Time { return state.Time{Up: boottime() - time.Since(t)} }

// validation is how names are judged: as Prometheus does.
const validation = model.UTF8Validation
