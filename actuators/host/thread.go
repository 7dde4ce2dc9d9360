package host

import "runtime"

// thread is one OS thread that lives as long as the host. All plugins are
// started from it: the kernel kills a child with Pdeathsig when the *thread*
// that started it ends, and Go's threads come and go.
type thread struct {
	work chan func()
	done chan struct{}
}

func newThread() *thread {
	t := &thread{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range t.work {
			f()
		}
	}()
	return t
}

// do runs f on the thread and waits for it.
func (t *thread) do(f func()) {
	done := make(chan struct{})
	t.work <- func() { defer close(done); f() }
	<-done
}

// close ends the thread. There must be no do after it.
func (t *thread) close() {
	close(t.work)
	<-t.done
}
