// Package crash kills the real binary at every named moment, and changes the
// world between plan and act, inside a disposable host: it holds tests only.
package crash
