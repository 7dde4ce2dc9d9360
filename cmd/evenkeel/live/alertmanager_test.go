package live_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// alertBoard is `alerts -o json`, as far as it is looked at.
type alertBoard struct {
	Alerts []struct {
		ID, Name, State, Object, Source string
		Suppressed                      *struct{ By, Detail string }
	}
	Unknown []struct{ Source, Detail string }
	Quiet   []string
}

// told is what is said of the alerts, in a line.
func (a alertBoard) told() string {
	var parts []string
	for _, one := range a.Alerts {
		text := one.Name + " " + one.State + " " + one.Object
		if one.Suppressed != nil {
			text += " by " + one.Suppressed.By
		}
		parts = append(parts, text)
	}
	for _, u := range a.Unknown {
		parts = append(parts, "unknown "+u.Source)
	}
	for _, q := range a.Quiet {
		parts = append(parts, "quiet "+q)
	}
	return strings.Join(parts, ", ")
}

// alertsAre waits until the alerts are so, and returns them.
func (b box) alertsAre(want string) (board alertBoard) {
	b.Helper()
	b.until("the alerts are: "+want, func() string {
		board = alertBoard{}
		b.data(&board, "alerts", "-o", "json")
		if got := board.told(); got != want {
			return "they are: " + got
		}
		return ""
	})
	return board
}

// A real Alertmanager tells of an alert that fires and is resolved, and a human
// silences it meanwhile.
func TestAnAlertmanager(t *testing.T) {
	t.Parallel()
	layer, err := rehearse.Layer("alertmanager")
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, hosttest.Boot(t, rehearse.Options{
		Name: "alertmanager", Layers: []string{layer}, Binds: []rehearse.Bind{{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}},
	}))
	b.declare("redis", service("redis", sleeper()))
	b.write("/etc/evenkeel/credentials/alertmanager-token", "T0KEN\n")
	b.sh("chmod 600 /etc/evenkeel/credentials/alertmanager-token")
	b.write("/run/systemd/system/evenkeel.service", strings.Replace(keeperUnit, "--resync", "--webhook 127.0.0.1:9009 --resync", 1))
	b.sh("systemctl daemon-reload && systemctl start evenkeel")
	b.well("redis")
	b.alertsAre("unknown alertmanager")

	// Strangers are not believed, and there is no branch to be hinted at.
	for path, want := range map[string]string{"/alertmanager": "401", "/hook": "404"} {
		if code := b.sh("curl -sS -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer T0KEM' -d '{}' 127.0.0.1:9009" + path); code != want {
			t.Errorf("%s answers with %s, want %s", path, code, want)
		}
	}
	b.alertsAre("unknown alertmanager")

	b.write("/root/alertmanager.yml", `route: {receiver: evenkeel, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers:
  - name: evenkeel
    webhook_configs:
      - url: http://127.0.0.1:9009/alertmanager
        http_config: {authorization: {credentials: T0KEN}}
`)
	const amtool = "amtool --alertmanager.url=http://127.0.0.1:9093 "
	b.sh("systemd-run -q -u alertmanager /usr/bin/prometheus-alertmanager --config.file=/root/alertmanager.yml --storage.path=/root/alertmanager --web.listen-address=127.0.0.1:9093 --cluster.listen-address=")
	b.comes(amtool + "cluster show")
	b.sh(amtool + "alert add RedisMemory service=redis severity=critical --annotation=impact='keys are evicted soon'")
	fires := b.alertsAre("RedisMemory firing Service/redis")
	b.says(0, "keys are evicted soon", "alerts", "RedisMemory")
	b.says(0, "alerts: 1 firing, 0 pending, 0 suppressed", "status")

	b.says(0, fmt.Sprintf("silenced now: RedisMemory %s, firing", fires.Alerts[0].ID), "silence", "alertname=RedisMemory", "--for", "1h", "--reason", "it is being moved")
	silenced := b.alertsAre("RedisMemory firing Service/redis by silence")
	if detail := silenced.Alerts[0].Suppressed.Detail; !strings.Contains(detail, "it is being moved") {
		t.Errorf("it is suppressed by: %s", detail)
	}
	var list struct{ Silences []struct{ ID, Reason string } }
	b.data(&list, "silence", "list", "-o", "json")
	if len(list.Silences) != 1 || list.Silences[0].Reason != "it is being moved" {
		t.Fatalf("silenced are %+v", list)
	}
	b.must(2, "silence", "alertname=RedisMemory")
	b.must(2, "silence", "alertname=~.*", "--for", "1h")
	b.must(4, "silence", "expire", "0000")
	b.must(0, "silence", "expire", list.Silences[0].ID)
	b.alertsAre("RedisMemory firing Service/redis")
	b.says(0, "no longer silenced", "changes")

	b.sh(amtool + "alert add RedisMemory service=redis severity=critical --end=2026-01-01T00:00:00Z")
	over := b.alertsAre("quiet alertmanager")
	if !slices.Equal(over.Quiet, []string{"alertmanager"}) {
		t.Errorf("quiet: %q", over.Quiet)
	}
	b.says(0, "quiet    alertmanager", "alerts", "--all")
}
