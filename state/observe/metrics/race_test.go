//go:build race

package metrics_test

// roomy is how many times the memory a process takes that is built as this one is:
// the race detector shadows it all.
const roomy = 10
