// Package record keeps state's Entries in a file, so that a restart of the
// controller, a crash of it or of the host loses nothing that was acknowledged.
//
// It is a log and a fold of it: Append writes Entries in one transaction, Past
// is what folding all of them gives, History reads them back. It imports bbolt,
// state and the standard library; nothing of the host is looked at here.
//
// A record that cannot be believed is worse than none, because budgets, holds
// and "this was done already" rest on it. So everything is verified before use,
// with ordinary reads before bbolt maps the file: bbolt walks its pages in
// goroutines of its own, where a damaged page would end the process. What
// fails is set aside, never deleted, and Past.Distrust says why, over restarts,
// until a human accepts it. While it stands the controller observes and tells.
//
// What is noticed: pages that are cut off or overwritten, entries that were
// changed, removed or reordered (each carries a hash over all before it), a
// file that was emptied, deleted, taken from another host or put back from an
// older copy (state.seq, beside it, knows the last sequence number and hash).
//
// What is not noticed: a whole folder put back from an older copy, state.seq
// included, and a root user who recomputes the hashes. state.seq is written
// after each commit but not synced with it, which would double the cost: a
// crash of the controller loses none of it, a power cut may leave it behind by
// what the kernel had not yet written (some 30 s). It can never be ahead.
package record
