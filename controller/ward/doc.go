// Package ward tries the decision alone, as fast as it can be tried: random
// estates whose services fall sick for hidden causes, in virtual time, under an
// evenkeel that is nothing but plan.Make and a fold over its entries. There are
// no goroutines and no I/O, so that a million histories take minutes.
//
// What is simulated: units as systemd tells of them, processes that die, hang,
// crash again and again, or answer for something else; sickness by what a service
// needs, declared or not; probes with kubelet's thresholds; eyes that fail, are
// late, or are all blind at once; humans who stop, mask, suspend and restart; the
// death of evenkeel at any moment; reboots and clocks that are set. What is done
// is held against the truth, which the Plan never sees, and the record against
// the promises of controller/audit.
//
// All of it is tests:
//
//	go test ./controller/ward -run TestHistories -histories 1000000
//	go test ./controller/ward -run TestHistories -seed 4711
//
// The loop itself, with its goroutines and the real actuators, is tried on
// rehearse/sim instead, a thousandth as often.
package ward
