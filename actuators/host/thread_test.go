package host

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel kills a plugin when the thread that started it ends, so all must
// be started by one that does not end while others come and go.
func TestAllPluginsAreStartedByOneThread(t *testing.T) {
	th := newThread()
	defer th.close()
	var first int
	th.do(func() { first = unix.Gettid() })
	for range 100 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(runtime.LockOSThread) // a goroutine that ends locked takes its thread with it
		}
		var now int
		th.do(func() { now = unix.Gettid() })
		wg.Wait()
		if now != first {
			t.Fatalf("started by thread %d and then by %d", first, now)
		}
	}
}
