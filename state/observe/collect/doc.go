// Package collect reads the metrics of what has no exporter of its own, or none
// that runs here: Redis, PostgreSQL, nginx, Meilisearch, certificates, the host and
// its systemd. What it returns is Prometheus' text, under the names and labels of the
// well-known exporters, so that their rules and dashboards mean here what they mean
// there. docs/metrics.md lists all of them.
//
// One collection is one look: it has a deadline, reads a bounded amount over one
// connection, keeps nothing and leaves nothing running. What it meets is a
// stranger's. A service that says no itself, or where nobody listens, is a reading:
// its _up is 0. Everything else that goes wrong is an error, and nothing follows
// from it.
package collect
