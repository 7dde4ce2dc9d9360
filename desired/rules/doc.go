// Package rules reads Prometheus' rules and expressions by Prometheus' own parsers, and
// says what is wrong with them and where.
//
// What is right to Prometheus is right here, with bounds: evenkeel evaluates rules on
// the host that it looks after. Nothing else of Prometheus' leaves this package.
package rules
