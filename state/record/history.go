package record

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/pakashop/evenkeel/state"
)

// Filter says which steps History returns; the zero value means all.
type Filter struct {
	Object string    // "Service/x"; empty: every object
	Since  time.Time // steps that began then or later
	Failed bool      // only steps that ended otherwise than done
	Limit  int       // at most so many; zero: all
}

func (f Filter) wants(l state.Line) bool {
	return (f.Object == "" || f.Object == l.Object) && (!f.Failed || l.Bad())
}

// History yields steps, the newest first. It reads a few entries at a time, so
// that neither memory nor the file grows with how much is read, and entries
// may be appended meanwhile. An error is the last thing it yields.
func (s *Store) History(f Filter) iter.Seq2[state.Line, error] {
	return func(yield func(state.Line, error) bool) {
		r := reader{f: f, backwards: backwards{next: ^uint64(0)}, ended: map[string]*state.Outcome{}}
		if !f.Since.IsZero() {
			r.since = f.Since.UnixNano()
		}
		for n := 0; !r.end; {
			lines, err := s.chunk(&r)
			for _, l := range lines {
				if n++; !yield(l, nil) || n == f.Limit {
					return
				}
			}
			if err != nil {
				yield(state.Line{}, fmt.Errorf("read the record: %w", err))
				return
			}
		}
	}
}

const chunkSize = 256

// reader makes lines of the entries that it walks over.
type reader struct {
	backwards
	f     Filter
	since int64
	ended map[string]*state.Outcome // outcomes whose intents are still to come
}

func (s *Store) chunk(r *reader) ([]state.Line, error) {
	var lines []state.Line
	err := s.walk(&r.backwards, func(row row) error {
		l, ok, err := r.line(row)
		if ok {
			lines = append(lines, l)
		}
		return err
	})
	return lines, err
}

// backwards is a walk over the entries, the newest first.
type backwards struct {
	next uint64 // entries below it are still to be read
	end  bool   // there are none
}

// walk goes over the next few entries.
func (s *Store) walk(w *backwards, each func(row) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.end = true // unless there is more
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketEntries).Cursor()
		k, v := last(c, w.next)
		for n := 0; k != nil; k, v = c.Prev() {
			row, err := readRow(k, v)
			if err != nil {
				return err
			}
			if n++; n > chunkSize {
				w.end = false
				return nil
			}
			w.next = row.seq
			if err := each(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !s.readOnly && s.trouble == nil {
		s.trouble = err
	}
	return err
}

// last is the entry before one with a number.
func last(c *bolt.Cursor, before uint64) (k, v []byte) {
	if k, _ := c.Seek(key(before)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// line takes an entry into account, and returns a line where it is an intent
// that is wanted.
func (r *reader) line(row row) (state.Line, bool, error) {
	if row.wall < r.since {
		return state.Line{}, false, nil
	}
	// Notes are many and have no line: their bulk is not decoded.
	var e struct {
		At      state.Time      `json:"at"`
		Pass    uint64          `json:"pass"`
		Intent  *state.Intent   `json:"intent"`
		Outcome *state.Outcome  `json:"outcome"`
		Note    json.RawMessage `json:"note"`
	}
	if err := json.Unmarshal(row.body, &e); err != nil {
		return state.Line{}, false, fmt.Errorf("%w: entry %d: %w", errDamaged, row.seq, err)
	}
	switch {
	case e.Outcome != nil:
		r.ended[e.Outcome.ID] = e.Outcome
	case e.Intent != nil:
		id := e.Intent.Step.ID
		l := state.NewLine(state.Entry{At: e.At, Pass: e.Pass, Intent: e.Intent}, r.ended[id])
		delete(r.ended, id)
		return l, r.f.wants(l), nil
	}
	return state.Line{}, false, nil
}
