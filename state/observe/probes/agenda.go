package probes

import "container/heap"

// agenda holds the rows that wait to be asked, the first one due first.
type agenda []*row

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].due().Before(a[j].due()) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i, j
}

// Push is for package heap.
func (a *agenda) Push(x any) {
	r := x.(*row)
	r.place = len(*a)
	*a = append(*a, r)
}

// Pop is for package heap.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	r := (*a)[last]
	(*a)[last] = nil
	*a = (*a)[:last]
	r.place = absent
	return r
}

// put enters a row, or moves it to where it belongs now.
func (a *agenda) put(r *row) {
	if r.place == absent {
		heap.Push(a, r)
		return
	}
	heap.Fix(a, r.place)
}

// take removes a row, if it is there.
func (a *agenda) take(r *row) {
	if r.place != absent {
		heap.Remove(a, r.place)
	}
}
