//go:build race

package controller_test

// slower is how much more a history costs with the race detector. So many fewer are
// lived through with it: what it looks for is in each of them.
const slower = 6
