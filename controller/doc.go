// Package controller is the loop: it holds what is wanted, what was seen and
// what was done, and turns them into acts.
//
//	git ──► desired ──┐  want                what should be true
//	                  ├──► plan ──► act ──► record
//	host ─► observe ──┘  have   ▲             │   what was done
//	                            └──── past ◄──┘
//
// One goroutine owns want, have and past; everything else sends it values (see
// message in loop.go). A pass merges new facts, makes the Plan, writes down what
// must be remembered, and releases the Steps that are ready. Nothing is queued
// from one pass to the next: what is not under way is planned again.
//
// The package composes; it reads no YAML, speaks no D-Bus and writes no file.
// Whatever does is handed in through Options, so that the whole controller runs
// in a test against a simulated host as it runs against a real one.
package controller
