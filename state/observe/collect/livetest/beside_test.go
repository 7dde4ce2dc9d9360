package livetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/collect"
)

const dsn = "postgres://metrics:hunter2-of-metrics@127.0.0.1:5432/postgres?sslmode=disable"

// estate is what is looked at, and what the exporters need for it.
const estate = `
mkdir -p /etc/nginx/sites-enabled /srv/tls
printf 'server { listen 127.0.0.1:80 default_server; location /stub { stub_status; } location / { return 404; } }' >/etc/nginx/sites-enabled/default
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=pay.example -addext subjectAltName=DNS:pay.example,DNS:www.pay.example \
	-keyout /srv/tls/key.pem -out /srv/tls/cert.pem 2>/dev/null
printf 'server { listen 127.0.0.1:443 ssl; ssl_certificate /srv/tls/cert.pem; ssl_certificate_key /srv/tls/key.pem; }' >/etc/nginx/sites-enabled/tls
systemctl stop 'prometheus-*.service' 2>/dev/null || true
systemctl restart nginx.service redis-server.service postgresql@15-main.service
redis-cli config set maxmemory 64mb >/dev/null
for i in 1 2 3 4 5; do redis-cli set cache:$i x ex 1000 >/dev/null; redis-cli set session:$i x >/dev/null; done
su postgres -c "psql -qc \"CREATE ROLE metrics LOGIN PASSWORD 'hunter2-of-metrics' IN ROLE pg_monitor\""
su postgres -c "psql -qc 'CREATE DATABASE shop'"
for i in 1 2 3; do
	systemd-run --quiet --unit=leak-$i --uid=postgres --setenv=PGAPPNAME=leaker sh -c 'sleep 1000 | psql shop'
done
until su postgres -c "psql -tc \"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaker'\"" | grep -q 3; do sleep 0.1; done
systemd-run --quiet --unit=broken sh -c 'exit 3' || true
until systemctl is-failed --quiet broken.service; do sleep 0.1; done

systemd-run --quiet --unit=beside-redis prometheus-redis-exporter --web.listen-address 127.0.0.1:19121
systemd-run --quiet --unit=beside-postgres --setenv=DATA_SOURCE_NAME='` + dsn + `' prometheus-postgres-exporter --web.listen-address 127.0.0.1:19187
systemd-run --quiet --unit=beside-nginx prometheus-nginx-exporter -web.listen-address 127.0.0.1:19113 -nginx.scrape-uri http://127.0.0.1/stub
systemd-run --quiet --unit=beside-node prometheus-node-exporter --web.listen-address 127.0.0.1:19100 --collector.systemd \
	--collector.systemd.enable-restarts-metrics --collector.systemd.enable-start-time-metrics \
	--collector.filesystem.mount-points-exclude '^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)(\$|/)' \
	--collector.filesystem.fs-types-exclude '^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)\$'
printf 'modules: {tls: {prober: tcp, tcp: {tls: true, tls_config: {insecure_skip_verify: true}}}}' >/srv/tls/blackbox.yml
systemd-run --quiet --unit=beside-blackbox prometheus-blackbox-exporter --web.listen-address 127.0.0.1:19115 --config.file /srv/tls/blackbox.yml
`

// sides are what is compared.
var sides = []struct {
	group    string // of collect.Groups
	exporter string
	target   desired.Target
	// alone are metrics that the exporter of Debian 12 does not have, and why they
	// are reported all the same.
	alone map[string]string
	// still are metrics whose values must be the same on both sides.
	still []string
}{
	{
		group: "Redis", exporter: "http://127.0.0.1:19121/metrics",
		target: desired.Target{Unit: "redis-server.service", Metrics: desired.Metrics{Redis: &desired.Redis{}}},
		alone: map[string]string{
			"redis_max_clients":                "later versions have it",
			"redis_master_link_up":             "this one is no replica",
			"redis_master_last_io_seconds_ago": "this one is no replica",
		},
		still: []string{"redis_up", "redis_memory_max_bytes", "redis_db_keys", "redis_db_keys_expiring", "redis_evicted_keys_total", "redis_keyspace_misses_total", "redis_aof_enabled", "redis_rdb_last_bgsave_status", "redis_start_time_seconds"},
	},
	{
		group: "PostgreSQL", exporter: "http://127.0.0.1:19187/metrics",
		target: desired.Target{Unit: "postgresql@15-main.service", Metrics: desired.Metrics{Postgres: &desired.Postgres{DSN: &desired.Secret{FromCredential: "metrics-dsn"}}}},
		alone: map[string]string{
			"pg_stat_activity_count":           "later versions tell users and applications apart, too",
			"pg_stat_activity_max_tx_duration": "the same",
			"pg_postmaster_start_time_seconds": "later versions have it",
		},
		still: []string{"pg_up", "pg_settings_max_connections", "pg_settings_superuser_reserved_connections", "pg_stat_database_deadlocks"},
	},
	{
		group: "nginx", exporter: "http://127.0.0.1:19113/metrics",
		target: desired.Target{Unit: "nginx.service", Metrics: desired.Metrics{Nginx: &desired.HTTPGet{Port: &desired.Port{Number: 80}, Path: "/stub"}}},
		still:  []string{"nginx_up", "nginx_connections_reading"},
	},
	{
		group: "Host", exporter: "http://127.0.0.1:19100/metrics",
		target: desired.Target{Collector: "node"},
		still:  []string{"node_memory_MemTotal_bytes", "node_boot_time_seconds", "node_filesystem_size_bytes", "node_filesystem_files", "node_filesystem_readonly", "node_vmstat_oom_kill", "node_memory_SwapTotal_bytes"},
	},
	{
		group: "systemd", exporter: "http://127.0.0.1:19100/metrics",
		target: desired.Target{Collector: "systemd"},
		still:  []string{"node_systemd_system_running", "node_systemd_unit_state", "node_systemd_service_restart_total", "node_systemd_unit_start_time_seconds"},
	},
}

func collector(t *testing.T) *collect.Collector {
	conn, err := bus.Dial(t.Context(), bus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return collect.New(collect.Options{
		Units: conn,
		Declared: func() []string {
			return []string{"nginx.service", "redis-server.service", "postgresql@15-main.service"}
		},
		Secret: func(_ context.Context, s desired.Secret) (string, error) {
			if s.FromCredential != "metrics-dsn" {
				return "", fmt.Errorf("there is no credential %s", s.FromCredential)
			}
			return dsn, nil
		},
	})
}

func TestBesideTheExporters(t *testing.T) {
	sh(t, estate)
	c := collector(t)
	for _, s := range sides {
		t.Run(s.group, func(t *testing.T) {
			theirs := fetch(t, s.exporter)
			text, err := c.Collect(t.Context(), s.target)
			if err != nil {
				t.Fatal(err)
			}
			ours := parse(t, text)
			for _, m := range metrics(t, s.group) {
				if s.alone[m.Name] != "" {
					continue
				}
				if ours[m.Name] == nil {
					t.Errorf("%s is in the list, and is not collected", m.Name)
				}
				like(t, m, ours[m.Name], theirs[m.Name])
			}
			for _, name := range s.still {
				same(t, name, ours[name], theirs[name])
			}
		})
	}
	t.Run("sessions", func(t *testing.T) { sessions(t, c) })
	t.Run("certificates", func(t *testing.T) { certificates(t, c) })
	t.Run("a server without room", func(t *testing.T) { full(t, c) })
	t.Run("a server that is not there, or says no", func(t *testing.T) { down(t, c) })
}

func metrics(t *testing.T, group string) []collect.Metric {
	for _, g := range collect.Groups() {
		if g.Title == group {
			return g.Metrics
		}
	}
	t.Fatalf("there is no group %s", group)
	return nil
}

// fetch reads an exporter's page, when it is there.
func fetch(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	for range 200 {
		resp, err := http.Get(url)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, text)
		}
		return parse(t, text)
	}
	t.Fatalf("%s does not answer", url)
	return nil
}

func parse(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

// like compares names, types and labels.
func like(t *testing.T, m collect.Metric, ours, theirs *dto.MetricFamily) {
	switch {
	case theirs == nil:
		t.Errorf("the exporter has no %s", m.Name)
		return
	case ours == nil:
		return
	case ours.GetType() != theirs.GetType():
		t.Errorf("%s is a %s, and the exporter's a %s", m.Name, ours.GetType(), theirs.GetType())
	}
	known := map[string]bool{}
	for _, one := range theirs.GetMetric() {
		for _, l := range one.GetLabel() {
			known[l.GetName()] = true
		}
	}
	for _, l := range m.Labels {
		if !known[l] {
			t.Errorf("the exporter's %s has no label %s, but %v", m.Name, l, slices.Sorted(maps.Keys(known)))
		}
	}
}

// same compares values: each series of ours must be one of theirs. They may have
// more labels, and more series.
func same(t *testing.T, name string, ours, theirs *dto.MetricFamily) {
	compared := 0
	for _, one := range ours.GetMetric() {
		var found *dto.Metric
		for _, other := range theirs.GetMetric() {
			if covers(other, one) {
				found = other
			}
		}
		if found == nil {
			t.Errorf("the exporter has no %s of %v", name, one)
			continue
		}
		compared++
		if a, b := value(one), value(found); math.Abs(a-b) > 1e-3*math.Abs(b) {
			t.Errorf("%s of %v is %v, and the exporter's %v", name, one.GetLabel(), a, b)
		}
	}
	if compared == 0 {
		t.Errorf("no %s was compared", name)
	}
}

func covers(wide, narrow *dto.Metric) bool {
	have := map[string]string{}
	for _, l := range wide.GetLabel() {
		have[l.GetName()] = l.GetValue()
	}
	for _, l := range narrow.GetLabel() {
		if have[l.GetName()] != l.GetValue() {
			return false
		}
	}
	return true
}

func value(m *dto.Metric) float64 {
	switch {
	case m.Gauge != nil:
		return m.GetGauge().GetValue()
	case m.Counter != nil:
		return m.GetCounter().GetValue()
	}
	return m.GetUntyped().GetValue()
}
