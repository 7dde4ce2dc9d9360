// Package livetest proves the cache actuator on a real Redis and a real nginx,
// in a disposable host.
package livetest
