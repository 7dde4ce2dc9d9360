package state

import (
	"maps"
	"time"
)

// Probe is what asking one thing again and again has come to. The rules are
// those of Kubernetes' kubelet: a verdict changes when as many samples in a row
// say so as the probe's thresholds ask for. The samples themselves are not kept:
// nothing is different in a Probe while they all say the same.
//
// A sample that failed on evenkeel's own side (no route, no DNS, a certificate
// that it cannot check) says nothing about what was asked; then the Fact has an
// Err, and Value is what was known before.
type Probe struct {
	Verdict Verdict       `json:"verdict,omitempty"`
	Since   time.Duration `json:"since,omitempty"`   // CLOCK_BOOTTIME of the first of the samples that led to Verdict
	Failing time.Duration `json:"failing,omitempty"` // CLOCK_BOOTTIME of the first of the failures in a row that goes on, also below the threshold; zero: the last sample was no failure
	Class   string        `json:"class,omitempty"`   // of the last failure: see the Classes; empty: nothing fails
	Detail  string        `json:"detail,omitempty"`  // of the last failure, in words that are the same for the same failure

	Invocation string            `json:"invocation,omitempty"` // of the process that was asked; empty: its unit does not run
	Says       map[string]string `json:"says,omitempty"`       // what a readiness body says of what the service depends on, by name
}

// Equal tells whether two are the same in everything.
func (p Probe) Equal(q Probe) bool {
	return p.Verdict == q.Verdict && p.Since == q.Since && p.Failing == q.Failing && p.Class == q.Class &&
		p.Detail == q.Detail && p.Invocation == q.Invocation && maps.Equal(p.Says, q.Says)
}

// Verdict is what the samples of a probe have come to.
type Verdict string

// The verdicts.
const (
	ProbePending Verdict = ""        // not known yet: nothing runs, it has just started, or its startup probe has not succeeded
	ProbeSuccess Verdict = "success" // as many samples in a row succeeded as are asked for
	ProbeFailure Verdict = "failure" // as many failed
)

// Classes say in a word how a sample failed.
const (
	ClassRefused = "refused" // nobody listens
	ClassReset   = "reset"   // the connection was cut
	ClassTimeout = "timeout" // no whole answer in time
	ClassStatus  = "status"  // an answer that says no
	ClassInvalid = "invalid" // an answer that is none: too large, not of the protocol
	ClassWrong   = "wrong"   // something else answers: expectJSON does not match
	ClassExit    = "exit"    // a command ended with another code than 0
)

// Of tells whether the verdict is about the process that runs now.
func (p Probe) Of(u Unit) bool { return p.Invocation != "" && p.Invocation == u.Invocation }
