// Package probes asks again and again whether what runs is well, and turns the
// answers into verdicts by the rules of Kubernetes' kubelet: startup, liveness
// and readiness probes, their delays, periods and thresholds.
//
// A ledger holds the verdict of one probe and knows nothing of time or networks;
// a Prober keeps the times of thousands of them in one agenda; package ask does
// the asking. Where they differ from kubelet they ask more often, never less,
// and what is asked beyond the schedule never counts towards a failure.
package probes
