package read

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pakashop/evenkeel/desired"
)

// each calls do with 0 to n-1, a few at a time, and waits for all.
func each(n int, do func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), 8, n)
	if workers <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				do(i)
			}
		})
	}
	wait.Wait()
}

// guarded does something with strangers' input. A defect that it brings to light
// is told of that input, and stops nothing else.
func guarded(doc *document, do func() Problems) (problems Problems) {
	defer func() {
		if r := recover(); r != nil {
			problems = Problems{{
				Pos:     desired.Pos{File: doc.file.shown, Line: doc.first, Col: 1},
				Message: fmt.Sprintf("this document brought a defect of evenkeel to light, please report it: %v", r),
			}}
		}
	}()
	return do()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
