package git

import (
	"os"
	"testing"
)

// What it costs to ask a remote that has nothing new, as each minute does.
func BenchmarkNothingNew(b *testing.B) {
	o := newOrigin(b)
	o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	m := mirror(b, o.options())
	fetched(b, m)
	for b.Loop() {
		fetched(b, m)
	}
}

// What it costs to bring one more commit.
func BenchmarkOneCommit(b *testing.B) {
	o := newOrigin(b)
	first := o.commit(map[string]string{"a.yaml": "1"})
	o.push("main")
	m := mirror(b, o.options())
	fetched(b, m)
	for b.Loop() {
		b.StopTimer()
		o.commit(map[string]string{"a.yaml": os.Getenv("USER")})
		o.push("main")
		b.StartTimer()
		fetched(b, m, first)
	}
}
