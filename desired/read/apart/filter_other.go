//go:build !amd64 && !arm64

package apart

// filter does nothing on machines whose calls nobody has written down.
func filter() error { return nil }
