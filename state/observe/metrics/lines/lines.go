// Package lines is what the observer of metrics and its child say to each other: a
// line of JSON at a time, none longer than is allowed. The parent gives orders, the
// child reports. It imports nothing but the vocabulary, so that the parent gets none
// of what the child needs.
package lines

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What a line may come to, with its newline.
const (
	MaxOrder  = 64 << 20 // rules, targets, and what was collected
	MaxReport = 8 << 20  // facts
)

// Order is what the parent says. One of its parts is set.
type Order struct {
	ID        uint64     `json:"id,omitempty"` // a Report with it answers; 0: none does
	Set       *Set       `json:"set,omitempty"`
	Read      *Read      `json:"read,omitempty"`
	Ask       *Ask       `json:"ask,omitempty"`
	Collected *Collected `json:"collected,omitempty"`
}

// Set says what is evaluated from now on, and what is read for it.
type Set struct {
	Rules   []desired.RuleFile `json:"rules"`
	Targets []desired.Target   `json:"targets"`
	Tokens  map[string]string  `json:"tokens,omitempty"`  // for a Prometheus, by the name of the RuleFile
	Refused map[string]string  `json:"refused,omitempty"` // RuleFiles for which there is no token, and why
}

// Read asks for facts as they are now.
type Read struct {
	Alerts  []string `json:"alerts,omitempty"`
	Queries []string `json:"queries,omitempty"`
}

// Ask asks for the result of an expression as text, for people.
type Ask struct {
	Expr      string    `json:"expr"`
	At        time.Time `json:"at,omitzero"` // zero: now
	Exemplars bool      `json:"exemplars,omitempty"`
}

// Collected is what a collector of the parent's says, for a Collect of this ID.
type Collected struct {
	ID   uint64 `json:"id"`
	Text []byte `json:"text,omitempty"`
	Err  string `json:"err,omitempty"`
}

// Report is what the child says.
type Report struct {
	ID      uint64      `json:"id,omitempty"`   // of the Order that it answers; 0: it is news
	Facts   state.Facts `json:"facts,omitzero"` // of their times Up alone counts
	Text    string      `json:"text,omitempty"`
	Err     string      `json:"err,omitempty"`
	Sources []string    `json:"sources"` // to a Set: all that there are now; nil: not all files could be read
	Collect *Collect    `json:"collect,omitempty"`
}

// Collect asks for what a target says that only the parent can read.
type Collect struct {
	ID     uint64         `json:"id"`
	Target desired.Target `json:"target"`
}

// Writer writes one line at a time. It is safe for concurrent use.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes a value as one line.
func (w *Writer) Write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.w.Write(append(b, '\n'))
	return err
}

// ErrLong says that a line is longer than is allowed.
var ErrLong = errors.New("a line is too long")

// Reader reads one line at a time.
type Reader struct {
	r    *bufio.Reader
	most int
}

// NewReader returns a Reader of lines of so many bytes at most.
func NewReader(r io.Reader, most int) *Reader { return &Reader{bufio.NewReaderSize(r, 32<<10), most} }

// Read reads the next line into a value. It holds no more memory than came.
func (r *Reader) Read(into any) error {
	var line []byte
	for {
		part, err := r.r.ReadSlice('\n')
		if len(line)+len(part) > r.most {
			return ErrLong
		}
		if err == nil && line == nil {
			return json.Unmarshal(part, into)
		}
		line = append(line, part...)
		if err == nil {
			return json.Unmarshal(line, into)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
