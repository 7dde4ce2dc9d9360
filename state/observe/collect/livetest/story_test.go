package livetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state/observe/collect"
)

func collected(t *testing.T, c *collect.Collector, of desired.Target) string {
	t.Helper()
	text, err := c.Collect(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	parse(t, text)
	return string(text)
}

func has(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\n"+text, "\n"+l) {
			t.Errorf("%s is missing in\n%s", l, text)
		}
	}
}

// sessions: who leaks connections is named, and nobody's password.
func sessions(t *testing.T, c *collect.Collector) {
	text := collected(t, c, sides[1].target)
	has(t, text,
		`pg_stat_activity_count{datname="shop",state="idle",usename="postgres",application_name="leaker"} 3`+"\n",
		`pg_stat_activity_count{datname="shop",state="active",usename="",application_name=""} 0`+"\n",
		"pg_settings_max_connections 100\n")
	// Debian's exporter does not tell who: its sum is the same.
	for _, m := range fetch(t, sides[1].exporter)["pg_stat_activity_count"].GetMetric() {
		if l := m.String(); strings.Contains(l, `value:"shop"`) && strings.Contains(l, `value:"idle"`) && value(m) != 3 {
			t.Errorf("the exporter counts %v", m)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the password shows")
	}
}

// full: all sessions are taken, and who took them shows all the same.
func full(t *testing.T, c *collect.Collector) {
	collected(t, c, sides[1].target)
	sh(t, `systemd-run --quiet --unit=takers --uid=postgres --setenv=PGAPPNAME=taker sh -c '
			for i in $(seq 100); do psql -X shop -c "select pg_sleep(60)" >/dev/null 2>&1 & done; sleep 60'
		for i in $(seq 200); do su postgres -c "psql -XAtc 'select 1'" >/dev/null 2>&1 || exit 0; sleep 0.05; done; exit 1`)
	if text, err := collector(t).Collect(t.Context(), sides[1].target); err != nil || !strings.Contains(string(text), "\npg_up 0\n") {
		t.Errorf("whoever has no session gets none: %v\n%s", err, text)
	}
	has(t, collected(t, c, sides[1].target), "pg_up 1\n", "pg_settings_max_connections 100\n",
		`pg_stat_activity_count{datname="shop",state="active",usename="postgres",application_name="taker"} 9`)
	sh(t, "systemctl stop takers; systemctl restart postgresql@15-main")
}

func certificates(t *testing.T, c *collect.Collector) {
	text := collected(t, c, desired.Target{Metrics: desired.Metrics{Certificates: &desired.Certificates{
		Files: []string{"/srv/tls/cert*.pem", "/srv/tls/none.pem"}, Endpoints: []string{"127.0.0.1:443", "127.0.0.1:444"},
	}}})
	theirs := fetch(t, "http://127.0.0.1:19115/probe?module=tls&target=127.0.0.1:443")
	ours := parse(t, []byte(text))
	a, b := value(ours["probe_ssl_earliest_cert_expiry"].GetMetric()[0]), value(theirs["probe_ssl_earliest_cert_expiry"].GetMetric()[0])
	if a != b {
		t.Errorf("it expires at %v, and blackbox_exporter says %v", a, b)
	}
	if a != value(ours["ssl_cert_not_after"].GetMetric()[0]) || a != value(ours["ssl_file_cert_not_after"].GetMetric()[0]) {
		t.Errorf("the certificate in the file and the one presented are the same:\n%s", text)
	}
	has(t, text, `ssl_probe_success{of="127.0.0.1:443"} 1`, `ssl_probe_success{of="127.0.0.1:444"} 0`, `ssl_probe_success{of="/srv/tls/cert.pem"} 1`, `ssl_probe_success{of="/srv/tls/none.pem"} 0`)
	if !strings.Contains(text, `cn="pay.example",dnsnames=",pay.example,www.pay.example,"`) {
		t.Errorf("whose certificate is it?\n%s", text)
	}
}

// down: what the service says itself is a reading, as with the exporters; what is
// our own affair is an error.
func down(t *testing.T, c *collect.Collector) {
	sh(t, "su postgres -c \"psql -qc \\\"ALTER ROLE metrics PASSWORD 'another'\\\"\"")
	if text, err := collector(t).Collect(t.Context(), sides[1].target); err == nil || !strings.Contains(err.Error(), "does not let in") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password that is wrong: %v\n%s", err, text)
	}
	sh(t, "redis-cli config set requirepass hunter3 >/dev/null")
	if text, err := c.Collect(t.Context(), sides[0].target); err == nil || !strings.Contains(err.Error(), "wants to know who asks") {
		t.Errorf("a Redis with a password: %v\n%s", err, text)
	}
	sh(t, "systemctl stop nginx redis-server postgresql@15-main")
	for i, up := range []string{"redis_up", "pg_up", "nginx_up"} {
		if text := collected(t, c, sides[i].target); strings.Count(text, "\n") != 3 || !strings.Contains(text, "\n"+up+" 0\n") {
			t.Errorf("%s is not there:\n%s", up, text)
		}
		theirs := fetch(t, sides[i].exporter)
		if theirs[up] == nil || value(theirs[up].GetMetric()[0]) != 0 {
			t.Errorf("the exporter says of %s: %v", up, theirs[up])
		}
	}
	text := collected(t, c, desired.Target{Collector: "systemd"})
	has(t, text, `node_systemd_unit_state{name="broken.service",state="failed",type="simple"} 1`, `node_systemd_unit_state{name="nginx.service",state="inactive",type="forking"} 1`, "node_systemd_system_running 0")
	sh(t, "ip link set lo down")
	defer sh(t, "ip link set lo up")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for i := range 3 {
		if text, err := c.Collect(ctx, sides[i].target); err == nil {
			t.Errorf("without a loopback interface:\n%s", text)
		}
	}
}
