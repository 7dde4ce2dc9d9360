// Package state holds what is true and what was done, as plain data: Fact and
// World for the host as it was seen, Step and Plan for what should change, Past
// for what evenkeel did before.
//
// It imports the actuator contract (a Step carries an Action) and the standard
// library, because everything here is compared, stored, sent over the socket
// and replayed. Its only functions of weight are Merge (facts into a World),
// Fold (entries into a Past) and Time.Since (a safe age); deciding is plan's.
package state
