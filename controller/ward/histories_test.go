package ward_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var (
	histories = flag.Int("histories", 3000, "how many random histories are lived through")
	from      = flag.Uint64("from", 0, "the seed of the first of them")
	oneSeed   = flag.Int64("seed", -1, "live through this one alone, and tell everything")
)

// perEstate is how many histories an estate has.
const perEstate = 16

// Whatever befalls the services of a host, and whoever has a hand in it, evenkeel
// keeps its promises; and when it is over, what can be healed is well.
func TestHistories(t *testing.T) {
	if *oneSeed >= 0 {
		w := newWard(newEstate(uint64(*oneSeed) / perEstate))
		w.say = func(format string, args ...any) { t.Logf(format, args...) }
		if err := w.live(uint64(*oneSeed)); err != nil {
			t.Errorf("seed %d: %v", *oneSeed, err)
		}
		return
	}
	l := lives{next: *from - *from%perEstate}
	l.end = l.next + uint64(*histories)
	began := time.Now()
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(l.some)
	}
	wg.Wait()
	if l.failure != nil {
		t.Fatalf("seed %d: %v\nwhat happened:\n%s\nonce more: go test ./controller/ward -run TestHistories -seed %d", l.worst, l.failure, retell(l.worst), l.worst)
	}
	t.Logf("%d histories, %d events, %d plans, %s", *histories, l.events, l.plans, time.Since(began).Round(time.Millisecond))
}

// lives are histories that several workers share.
type lives struct {
	mu            sync.Mutex
	next, end     uint64
	events, plans int
	worst         uint64 // the first seed that failed, with
	failure       error
}

// some lives through histories until there are none left, or one has failed.
func (l *lives) some() {
	for {
		l.mu.Lock()
		first := l.next
		l.next += perEstate
		over := first >= l.end || l.failure != nil
		l.mu.Unlock()
		if over {
			return
		}
		w := newWard(newEstate(first / perEstate))
		for seed := first; seed < min(first+perEstate, l.end); seed++ {
			l.lived(w, seed, w.live(seed))
		}
	}
}

func (l *lives) lived(w *ward, seed uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events += w.events
	l.plans += w.passes
	if err != nil && (l.failure == nil || seed < l.worst) {
		l.worst, l.failure = seed, err
	}
}

// retell lives through a history once more, and tells its end.
func retell(seed uint64) string {
	w := newWard(newEstate(seed / perEstate))
	var lines []string
	w.say = func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	_ = w.live(seed)
	return strings.Join(lines[max(0, len(lines)-80):], "\n")
}

func TestMain(m *testing.M) {
	flag.Parse()
	debug.SetGCPercent(800) // there is next to nothing that lives on
	os.Exit(m.Run())
}

// A history that fails can be lived through once more: with one seed, the same
// happens, whatever was before it.
func TestOneSeedOneHistory(t *testing.T) {
	for n := range uint64(20) {
		e := newEstate(n)
		w := newWard(e)
		for seed := n * perEstate; seed < (n+1)*perEstate; seed++ {
			if err := w.live(seed); err != nil {
				t.Fatal(err)
			}
			fresh := newWard(newEstate(n))
			if err := fresh.live(seed); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(w.entries, fresh.entries, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("seed %d:\n%s", seed, d)
			}
		}
	}
}
