// Package alertmanager takes what an Alertmanager sends to a webhook, and brings it as
// one source of alerts.
//
// An Alertmanager tells what it has when that changes, and again after its
// repeat_interval; it is never asked. So the source is unknown until something came,
// and an alert that is no longer repeated is shown and is no ground for anything: it
// is over when the Alertmanager says so, and not before.
package alertmanager
