// Package ruletest runs unit tests of rules, as files of Prometheus' promtool hold them.
//
// Series are put into a time-series database in a temporary folder, and rules are
// evaluated over them by Prometheus' own engine. What promtool calls a failure is one
// here; a test holds both side by side.
package ruletest
