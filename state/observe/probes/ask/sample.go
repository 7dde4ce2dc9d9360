package ask

import (
	"time"

	"github.com/pakashop/evenkeel/state"
)

// Sample is what came of asking once.
type Sample struct {
	Class  string            // how it failed: one of state's Classes; empty: it did not
	Detail string            // in words that are the same for the same failure
	Words  string            // more about it, which may be others each time
	Err    string            // why nothing is known: it failed on our own side
	Says   map[string]string // what a readiness body says of dependencies, by name

	Untrusted bool      // with Err: nothing else is wrong than its certificate
	Expires   time.Time // when the certificate that was verified does; zero: there was none
}

// Good tells a sample that is known to have succeeded.
func (s Sample) Good() bool { return s.Class == "" && s.Err == "" }

// failed is a failure of what was asked.
func failed(class, detail string) Sample { return Sample{Class: class, Detail: detail} }

// unknown is a failure on our own side.
func unknown(why string) Sample { return Sample{Err: why} }

// untrusted is a certificate that this host cannot verify.
func untrusted(why string) Sample { return Sample{Err: "TLS: " + why, Untrusted: true} }

// late is what every way to ask says when there was no whole answer in time.
func late(of string, in string) Sample {
	return failed(state.ClassTimeout, "no whole answer from "+of+" within "+in)
}
