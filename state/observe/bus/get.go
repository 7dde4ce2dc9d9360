package bus

import (
	"context"
	"sync"
	"time"
)

// Property names one property of one object.
type Property struct {
	Path      string // UnitPath(name), or ManagerPath
	Interface string // Unit, Service, …: see the constants; empty with an empty Name: all of them
	Name      string // empty: all properties of the interface, as a map[string]any
}

// The objects and interfaces of systemd whose properties are read.
const (
	ManagerPath      = managerPath
	ManagerInterface = managerIface
	UnitInterface    = "org.freedesktop.systemd1.Unit"
	ServiceInterface = "org.freedesktop.systemd1.Service"
)

// Reply is the answer to one Property. Value is a string, bool, uint32, int32,
// uint64, int64, []byte, []string, JobRef or []Condition, or a map of these where all were
// asked for; it then leaves out what is of another type.
type Reply struct {
	Value any
	Err   error
}

// question is a call whose answer is awaited together with others. It has one
// string or two as arguments, or an array of them.
type question struct {
	path, iface, member string
	first, second       string
	names               []string
}

func (q question) signature() string {
	switch {
	case q.names != nil:
		return "as"
	case q.second != "":
		return "ss"
	}
	return "s"
}

func (p Property) question() question {
	member := "Get"
	if p.Name == "" {
		member = "GetAll"
	}
	return question{path: p.Path, iface: propsIface, member: member, first: p.Interface, second: p.Name}
}

// ownSerials is where the serials of pipelined readings start, so that they
// never meet godbus' own, which count from one.
const ownSerials = 0x8000_0000

// reader keeps the readings that are under way on one link.
type reader struct {
	window int // bounds what is in flight: the bus refuses more than 128 calls a connection

	mu     sync.Mutex
	next   uint32
	wanted map[uint32]pending
	freed  chan struct{} // closed, and made anew, when half of the window is free
	dead   bool
}

type pending struct {
	batch *batch
	index int
}

type batch struct {
	replies []Reply
	left    int
	moved   time.Time // when the last answer came
	lost    bool      // the connection died before all answers were in
	done    chan struct{}
}

func newReader(inFlight int) *reader {
	return &reader{window: inFlight, wanted: map[uint32]pending{}, freed: make(chan struct{})}
}

// settle gives a pending reading its answer. The caller holds mu.
func (r *reader) settle(serial uint32, a Reply) {
	p, ok := r.wanted[serial]
	if !ok {
		return // the caller gave up on it
	}
	delete(r.wanted, serial)
	if len(r.wanted) == r.window/2 {
		close(r.freed)
		r.freed = make(chan struct{})
	}
	p.batch.replies[p.index] = a
	p.batch.moved = time.Now()
	if p.batch.left--; p.batch.left == 0 {
		close(p.batch.done)
	}
}

// look takes the replies that belong to readings.
func (r *reader) look(m *message) bool {
	if m.reply < ownSerials || m.kind != typeReply && m.kind != typeError {
		return false
	}
	a := answer(m)
	r.mu.Lock()
	r.settle(m.reply, a)
	r.mu.Unlock()
	return true
}

func answer(m *message) Reply {
	if m.kind == typeError {
		e := &Error{Name: string(m.errName)}
		if len(m.sig) > 0 && m.sig[0] == 's' {
			e.Text = string(m.body.string())
		}
		return Reply{Err: e}
	}
	switch string(m.sig) {
	case "":
		return Reply{} // done
	case "v":
		if v, ok := m.body.variant(); ok {
			return Reply{Value: v}
		}
	case "a{sv}":
		if v, ok := m.body.dict(); ok {
			return Reply{Value: v}
		}
	case signatureUnits:
		if v, ok := m.body.units(); ok {
			return Reply{Value: v}
		}
	}
	return Reply{Err: &Error{Name: "org.freedesktop.DBus.Error.InvalidSignature", Text: "an answer of unexpected type"}}
}

// close answers everything that is under way and refuses what comes later.
func (r *reader) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dead = true
	for serial, p := range r.wanted {
		p.batch.lost = true
		r.settle(serial, Reply{Err: disconnected()})
	}
}

// forget gives up on the readings of a batch.
func (r *reader) forget(b *batch, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for serial, p := range r.wanted {
		if p.batch == b {
			r.settle(serial, Reply{Err: err})
		}
	}
}

// ask sends all the questions, many at a time, and waits for all the answers. It
// gives up when no answer came for as long as stall: a thousand units may take
// longer than one answer may. systemd answers in the order of the questions.
func (r *reader) ask(ctx context.Context, w *wire, questions []question, stall time.Duration) ([]Reply, error) {
	b := &batch{replies: make([]Reply, len(questions)), left: len(questions), moved: time.Now(), done: make(chan struct{})}
	if len(questions) == 0 {
		return b.replies, nil
	}
	look := time.NewTicker(stall/4 + 1)
	defer look.Stop()
	err := r.send(ctx, w, b, questions, stall, look.C)
	if err == nil {
		err = r.await(ctx, b, b.done, stall, look.C)
	}
	if err == nil && b.lost {
		err = disconnected()
	}
	if err != nil {
		r.forget(b, err)
		return nil, err
	}
	return b.replies, nil
}

// send writes as many calls at once as the window has room for. It waits until
// half of the window is free and not for each single answer, or every call
// would be a write and a wake-up of its own.
func (r *reader) send(ctx context.Context, w *wire, b *batch, questions []question, stall time.Duration, look <-chan time.Time) error {
	var e encoder
	for sent := 0; sent < len(questions); {
		n, freed, err := r.enlist(b, &e, questions, sent)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := r.await(ctx, b, freed, stall, look); err != nil {
				return err
			}
			continue
		}
		if _, err := w.Write(e.b); err != nil {
			return disconnected()
		}
		e.b = e.b[:0]
		sent += n
	}
	return nil
}

// await waits for a channel to close, while answers keep coming.
func (r *reader) await(ctx context.Context, b *batch, closed <-chan struct{}, stall time.Duration, look <-chan time.Time) error {
	for {
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-look:
			r.mu.Lock()
			still := time.Since(b.moved) >= stall
			r.mu.Unlock()
			if still {
				return context.DeadlineExceeded
			}
		}
	}
}

// enlist writes down the calls from questions[from] on for which there is room. If
// there is none it returns a channel that closes when there is.
func (r *reader) enlist(b *batch, e *encoder, questions []question, from int) (n int, freed chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		return 0, nil, disconnected()
	}
	for ; from+n < len(questions) && len(r.wanted) < r.window; n++ {
		serial := ownSerials + r.next%ownSerials
		r.next++
		r.wanted[serial] = pending{batch: b, index: from + n}
		e.call(serial, questions[from+n])
	}
	return n, r.freed, nil
}
