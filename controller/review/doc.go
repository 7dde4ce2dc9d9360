// Package review says what a change of desired state does before it is merged: to
// each environment, on every host of it or on one.
//
// Nobody asks a host. The steps come from the one planner, of a host that is made
// up: one on which everything is as the old revision declares (AsDeclared), on
// which what the new one adds does not lie yet (meet). What that host would do is
// what a host in good health would do; each Review says so in a Gap.
//
// It is pure: it makes values of values, and report makes texts of them.
package review
