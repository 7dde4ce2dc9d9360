package bus

import (
	"slices"
	"strconv"
	"sync"
	"testing"
)

func TestDirtySetIsAUnion(t *testing.T) {
	d := newDirtySet()
	if names, all := d.take(); len(names) != 0 || all {
		t.Errorf("empty: %v, %v", names, all)
	}
	for range 3 {
		d.add("b")
		d.add("a")
	}
	<-d.wake
	if names, all := d.take(); !slices.Equal(names, []string{"a", "b"}) || all {
		t.Errorf("%v, %v", names, all)
	}
	d.add("a")
	d.addAll()
	if names, all := d.take(); len(names) != 0 || !all {
		t.Errorf("all outweighs names: %v, %v", names, all)
	}
	d.add("c")
	if names, all := d.take(); !slices.Equal(names, []string{"c"}) || all {
		t.Errorf("all lasts once: %v, %v", names, all)
	}
}

// However slow the reader, every name that was added is taken at the end, and
// nobody who adds ever waits.
func TestDirtySetLosesNothing(t *testing.T) {
	d := newDirtySet()
	seen := map[string]bool{}
	stop, stopped := make(chan struct{}), make(chan struct{})
	gather := func() {
		names, _ := d.take()
		for _, n := range names {
			seen[n] = true
		}
	}
	go func() {
		defer close(stopped)
		for {
			select {
			case <-d.wake:
				gather()
			case <-stop:
				gather()
				return
			}
		}
	}()
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 1000 {
				d.add(strconv.Itoa(w*1000 + i))
			}
		})
	}
	writers.Wait()
	close(stop)
	<-stopped
	if len(seen) != 8000 {
		t.Errorf("%d of 8000 names arrived", len(seen))
	}
}
