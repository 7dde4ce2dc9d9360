//go:build !failpoints

package failpoint

// Hit says that the process has come to a named moment.
func Hit(string) {}
