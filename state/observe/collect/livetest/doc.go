// Package livetest proves the collectors on a real host, beside the exporters whose
// names they use: Debian's redis_exporter, postgres_exporter, nginx-prometheus-exporter,
// node_exporter and blackbox_exporter look at the same Redis, PostgreSQL, nginx,
// systemd and certificate, and each metric must be there under the same name, with
// the same type and labels, and where it holds still with the same value. In
// Meilisearch's place, of which there is no package, stands a program of the example's
// that speaks as much of its API. There are tests only, which boot a disposable host.
package livetest
