package controller

import (
	"crypto/rand"
	"encoding/hex"
)

// newTrace returns a trace ID in the form of W3C's and OpenTelemetry's: 16
// random bytes in hexadecimal.
func newTrace() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its contract
	return hex.EncodeToString(b[:])
}
