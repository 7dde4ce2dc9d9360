// Package backtest runs recorded alerts through a changed Runbook.
//
// It lives through the Case of each alert once more, in virtual time, on a host that is
// as declared but for what the record says was seen: whether the alert fired and on what
// ground, what the expressions said that were looked at, what else was not well, what
// humans said, and what was done for other reasons. Each moment is decided by plan.Make
// itself, and by nothing that is like it.
//
// A record tells how things went because of what was done. So a walk ends where the
// Runbook would do something else, or at another time, than was done: what would have
// come of it, nobody knows. It ends, too, where it asks what nobody asked then. Nothing
// is guessed. It is pure.
package backtest
