// Package livetest proves the postgres actuator on a real PostgreSQL, in a
// disposable host.
package livetest
