package git

import (
	"fmt"
	"strings"
)

// RefusedKind says for what kind of reason something is not believed.
type RefusedKind string

// The reasons.
const (
	Rewritten RefusedKind = "Rewritten" // it does not descend from what was believed before
	NoBranch  RefusedKind = "NoBranch"  // the branch, or what was asked for, is not there
	Unsigned  RefusedKind = "Unsigned"  // it bears no signature, or none that is good and of somebody who is trusted
	TooLarge  RefusedKind = "TooLarge"  // it is larger than the limits allow
	Unsafe    RefusedKind = "Unsafe"    // a link, a submodule or an odd name lies in what is read
	NoPath    RefusedKind = "NoPath"    // the folder that is read is not in the commit
	Damaged   RefusedKind = "Damaged"   // what the remote sends is broken
)

// Refused is an error: the remote answers, and what it has must not be believed.
// What was believed before stays in force.
type Refused struct {
	Kind   RefusedKind
	Ref    string // the branch, or what was asked for
	Commit string // in hexadecimal, whole; empty if there is none
	Detail string // what is wrong and how to mend it
}

func (r *Refused) Error() string {
	if r.Commit == "" {
		return fmt.Sprintf("refuse %s: %s", r.Ref, r.Detail)
	}
	return fmt.Sprintf("refuse commit %s of %s: %s", short(r.Commit), r.Ref, r.Detail)
}

// Unreachable is an error: none of the remotes could be asked. It says nothing
// about any commit, and what was believed before stays in force.
type Unreachable struct {
	Causes []Cause // one a remote, in their order
}

// Cause is why one remote could not be asked.
type Cause struct {
	Remote string // without secrets
	Why    string
}

func (u *Unreachable) Error() string {
	var b strings.Builder
	for i, c := range u.Causes {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "ask %s: %s", c.Remote, c.Why)
	}
	return b.String()
}

// short is a commit's ID as people know it.
func short(id string) string { return id[:min(len(id), 12)] }
