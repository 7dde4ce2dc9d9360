// Package outside asks public URLs how they are, once, as somebody would who knows
// nothing of the hosts behind them: no systemd, no controller, no record.
//
// How one is asked, and what its answer is worth, package ask says, so that an
// outsider and the controller never judge the same answer in two ways. Here is only
// what comes of having but one look: a failure is tried again before it counts.
package outside
