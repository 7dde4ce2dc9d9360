// Package live accepts the real binary on real disposable hosts, as a user would
// from outside: it holds tests only.
package live
