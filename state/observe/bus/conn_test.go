package bus

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deaf is a socket that accepts and never says a word, as PID 1 is while it is
// stopped.
func deaf(t *testing.T) (path string, accepted *atomic.Int32) {
	t.Helper()
	path, accepted = filepath.Join(t.TempDir(), "s"), &atomic.Int32{}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			t.Cleanup(func() { c.Close() })
		}
	}()
	return path, accepted
}

func TestDialToSomebodyWhoNeverAnswers(t *testing.T) {
	path, _ := deaf(t)
	_, err := Dial(t.Context(), Options{Timeout: 50 * time.Millisecond, SystemSocket: path, PrivateSocket: path})
	if !errors.Is(err, ErrNoServer) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, Options{SystemSocket: path, PrivateSocket: path}); !errors.Is(err, ErrNoServer) {
		t.Errorf("the caller's own deadline: %v", err)
	}
}

func TestDialToNobody(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	_, err := Dial(t.Context(), Options{SystemSocket: none, PrivateSocket: none})
	if !errors.Is(err, ErrNoServer) || errors.Is(err, ErrDisconnected) {
		t.Errorf("%v", err)
	}
}

// After a failure nobody dials for a while, however often they call.
func TestDiallingBacksOff(t *testing.T) {
	path, accepted := deaf(t)
	c := &Conn{opts: Options{Timeout: 10 * time.Millisecond, SystemSocket: path, PrivateSocket: path}.withDefaults(), dial: make(chan struct{}, 1), failures: 20}
	c.watchers.Store(&[]*watcher{})
	for range 100 {
		if _, err := c.Get(t.Context(), []Property{{ManagerPath, ManagerInterface, "Version"}}); !errors.Is(err, ErrNoServer) {
			t.Fatal(err)
		}
	}
	if n := accepted.Load(); n > 2 { // both ways, once
		t.Errorf("dialled %d times", n)
	}
}

// A systemd that is stopped reads nothing: whoever writes is let go, and the
// half-written connection ended.
func TestWritingToSomebodyWhoNeverReads(t *testing.T) {
	path, _ := deaf(t)
	sock, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(sock, 20*time.Millisecond, nil)
	w.framed = true
	for err == nil {
		_, err = w.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := w.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after that: %v", err)
	}
}

// Readings that nobody answers are given up, and their late answers dropped.
func TestReadingsThatStall(t *testing.T) {
	path, _ := deaf(t)
	sock, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	r, w := newReader(4), newWire(sock, time.Second, nil)
	w.framed = true
	questions := make([]question, 10) // more than fit in the window
	if _, err := r.ask(t.Context(), w, questions, 20*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if len(r.wanted) != 0 {
		t.Errorf("%d readings are still wanted", len(r.wanted))
	}
	r.look(&message{kind: typeReply, reply: ownSerials})
	r.close()
	if _, err := r.ask(t.Context(), w, questions, time.Second); !errors.Is(err, ErrDisconnected) {
		t.Errorf("on a dead link: %v", err)
	}
}

// The reply to a StartUnit and the signal that its job is gone may come in one
// breath: the caller must not miss it.
func TestJobBook(t *testing.T) {
	j := newJobBook()
	j.begin()
	j.onNew("/1")
	j.onRemoved("/1", "done")
	j.begin() // another call is under way
	result, own := j.end("/1")
	if r := <-result; r != "done" || !own {
		t.Errorf("%q, own %v", r, own)
	}
	result, own = j.end("/2")
	if own {
		t.Error("a job that was queued before the call is somebody else's")
	}
	second := func() chan string { j.begin(); r, _ := j.end("/2"); return r }()
	j.onRemoved("/2", "failed")
	if a, b := <-result, <-second; a != "failed" || b != "failed" {
		t.Errorf("%q, %q", a, b)
	}
	j.begin()
	result, _ = j.end("/3")
	j.forget("/3", result)
	j.onRemoved("/3", "done")
	j.onRemoved("/4", "done")
	if len(j.born)+len(j.removed)+len(j.waiting) != 0 {
		t.Errorf("kept for nobody: %+v", j)
	}
}
