// Package plan decides: from what should be true, what was seen and what was
// done it makes the one Plan of the whole host.
//
// Make is a pure function. It reads no clock and no file, starts nothing and
// remembers nothing; whoever calls it twice with the same values gets the same
// Plan. The dry run prints that Plan, the loop executes it, tests and
// simulations replay it. So nothing in this package's closure may do I/O, and a
// test holds it to that.
//
// A service is planned in the order: files, links, reload, state, process; a
// file of this package each. Every wish passes one gate (gate.go), which turns
// it into a Step or into Held entries that say why not.
package plan
