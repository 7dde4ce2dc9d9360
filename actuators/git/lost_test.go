package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

// Lost acknowledgements: the server carries the push out, and the connection ends
// before it can say so. So many of them, and there is one revert each time.
const (
	lostByHTTP = 50
	lostByPipe = 952
)

// pushed is a git-receive-pack that does its work and dies before it says so.
// Until somebody takes the file down away, its upload-pack does not answer.
const pushed = `#!/bin/sh
git receive-pack --http-backend-info-refs "$1" || exit
git receive-pack --stateless-rpc "$1" >/dev/null
test -e "$1/forgetful" && touch "$1/down"
kill -9 $$
`

const read = `#!/bin/sh
test -e "$1/down" && exit 1
exec git upload-pack "$1"
`

// checkOnce holds a branch to one revert, and the request to what it must say when
// it is sent again.
func checkOnce(t *testing.T, s server, a *Actuator, r actuators.Request, bad string) {
	t.Helper()
	got := s.git("log", "--format=%H %P %(trailers:key=Evenkeel-Key,valueonly)", bad+"..production")
	id, rest, _ := strings.Cut(got, " ")
	if rest != bad+" "+r.Key {
		t.Fatalf("after %s there is %q", bad, got)
	}
	if res := apply(t, a, r); res.Changed || res.Data["commit"] != id {
		t.Fatalf("again: %+v, want that it finds %s", res, id)
	}
	if at := s.at("production"); at != id {
		t.Fatalf("the branch is at %s", at)
	}
}

// By HTTP a connection that was used before is one that libcurl tries again: then
// the push comes twice, and is refused the second time.
func TestALostAcknowledgementByHTTP(t *testing.T) {
	var wg sync.WaitGroup
	for _, reused := range []bool{false, true} {
		s, bad, r := forgetful(t)
		w := serve(t, s.dir, "")
		w.Config.SetKeepAlivesEnabled(reused)
		wg.Go(func() {
			a := w.actuator()
			r.Content = revert(told(w.URL+"/shop.git"), bad, bad).Content
			for i := range lostByHTTP / 2 {
				s.put("production", bad)
				r.Key = fmt.Sprintf("key-%d", i)
				w.cut.Store(1)
				res, err := a.Apply(t.Context(), r)
				if left := w.cut.Swap(0); err != nil || !res.Changed || left > 0 || (left < 0) != reused {
					t.Errorf("%+v, %v, cut %d", res, err, 1-left)
					return
				}
				checkOnce(t, s, a, r, bad)
			}
		})
	}
	wg.Wait()
}

// forgetful is a server that does no more than it must, and a request to it.
func forgetful(t *testing.T) (s server, bad string, r actuators.Request) {
	t.Helper()
	s, good := newServer(t)
	bad = s.commit("production", "ada", "Bad", "unit", "bad")
	s.git("config", "uploadpack.allowFilter", "false")
	s.git("config", "receive.autogc", "false")
	s.git("config", "core.fsync", "none")
	return s, bad, revert(told(s.url()), good, bad)
}

func TestLostAcknowledgements(t *testing.T) {
	const workers = 4
	var wg sync.WaitGroup
	for worker := range workers {
		s, bad, r := forgetful(t)
		for name, text := range map[string]string{"pushed": pushed, "read": read, "shop.git/forgetful": ""} {
			if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		wg.Go(func() { loseMany(t, s, worker, lostByPipe/workers, bad, r) })
	}
	wg.Wait()
}

// loseMany has a push not acknowledged, and the remote gone, so many times.
func loseMany(t *testing.T, s server, worker, times int, bad string, r actuators.Request) {
	a := New("1")
	a.extra = fmt.Sprintf("[remote \"origin\"]\n\treceivepack = %s/pushed\n\tuploadpack = %s/read\n", s.dir, s.dir)
	for i := range times {
		s.put("production", bad)
		r.Key = fmt.Sprintf("key-%d-%d", worker, i)
		if res, err := a.Apply(t.Context(), r); err == nil || actuators.KindOf(err) != actuators.Unknown {
			t.Errorf("%+v, %v: %v, want that it is unknown", res, actuators.KindOf(err), err)
			return
		}
		if err := os.Remove(filepath.Join(s.repo, "down")); err != nil {
			t.Error(err)
			return
		}
		checkOnce(t, s, a, r, bad)
	}
}

// A push of the other verb is no different.
func TestALostAcknowledgementOfAPush(t *testing.T) {
	s, bad, _ := forgetful(t)
	good := s.git("rev-parse", bad+"^")
	s.git("update-ref", "refs/heads/staging", good)
	for name, text := range map[string]string{"pushed": pushed, "read": read} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a := New("1")
	a.extra = fmt.Sprintf("[remote \"origin\"]\n\treceivepack = %s/pushed\n\tuploadpack = %s/read\n", s.dir, s.dir)
	r := request("push", "staging", told(s.url()), "commit", bad, "expect", good)
	if res := apply(t, a, r); !res.Changed || res.Detail != "moved staging from "+good[:12]+" to "+bad[:12]+"; the acknowledgement was lost" {
		t.Errorf("%+v", res)
	}
	if err := os.WriteFile(filepath.Join(s.repo, "forgetful"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.put("staging", good)
	fails(t, a, r, actuators.Unknown, "what came of it cannot be seen")
	if err := os.Remove(filepath.Join(s.repo, "down")); err != nil {
		t.Fatal(err)
	}
	if res := apply(t, a, r); res.Changed || s.at("staging") != bad {
		t.Errorf("again: %+v", res)
	}
}
