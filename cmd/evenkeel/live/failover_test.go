package live_test

import (
	"fmt"
	"strings"
	"testing"
)

// A sick backend's place is taken by its standby: nginx asks that one from then
// on, no request is lost on the way, and a human takes it back the same way.
func TestFailover(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "failover")
	const upstream, standby = "/etc/nginx/upstreams/backend.conf", "/etc/nginx/upstreams/backend.standby"
	server := func(port int) string {
		return fmt.Sprintf("upstream backend { server 127.0.0.1:%d; }\n", port)
	}
	site := "server { listen 8000; location / { proxy_pass http://backend; } }\n"
	file := func(path, content string) string {
		return fmt.Sprintf("  - {path: %s, content: %q}", path, content)
	}
	b.sh("rm -f /etc/nginx/sites-enabled/default; sed -i 's|include /etc/nginx/conf.d/|include /etc/nginx/upstreams/*.conf; include /etc/nginx/conf.d/|' /etc/nginx/nginx.conf")
	b.write("/etc/evenkeel/policy.yaml", "mode: enforce\nsignatures: none\nunits: ['*']\npaths: ['/**']\nactions: {failover: auto}\n")
	b.declare("pair",
		service("backend", player("backend", 4001), liveProbe(4001),
			fmt.Sprintf("remedies: [{do: failover, with: {to: backend-b, upstream: %s, standby: %s, drain: 2s}}, {do: escalate}]", upstream, standby)),
		service("backend-b", player("backend-b", 4002), readyProbe(4002), "state: stopped", "boot: disabled"),
		object("nginx", "reload: true", "dependsOn: [{name: backend, kind: order}]", "files:", file(upstream, server(4001)), file(standby, server(4002)), file("/etc/nginx/conf.d/site.conf", site)),
	)
	b.keep()
	b.well("backend", "nginx")
	asked := func() string {
		return b.try(`curl -sS -m 3 127.0.0.1:8000/health`).out
	}
	b.until("nginx asks the backend", func() string {
		if got := asked(); !strings.Contains(got, `"backend"`) {
			return got
		}
		return ""
	})

	b.fault(4001, "unhealthy")
	b.until("the standby is asked", func() string {
		if got := asked(); !strings.Contains(got, `"backend-b"`) {
			return got
		}
		return ""
	})
	b.comes("systemctl show -P ActiveState backend | grep -qx inactive")
	b.reason("backend", "FAIL", "Escalated")
	var did []string
	for _, s := range b.history("") {
		if s.Outcome == "done" {
			did = append(did, s.Actuator+"."+s.Verb+" "+s.Object)
		}
	}
	order := []string{"failover.switch Service/backend", "systemd.start Service/backend-b", "file.write Service/nginx", "systemd.reload Service/nginx", "systemd.stop Service/backend"}
	if got := did[len(did)-len(order):]; strings.Join(got, "; ") != strings.Join(order, "; ") {
		t.Errorf("it did %q, want %q", got, order)
	}
	b.sh("cmp " + upstream + " " + standby)

	b.must(0, "resume", "backend")
	b.until("the backend is asked again", func() string {
		if got := asked(); !strings.Contains(got, `"backend"`) {
			return got
		}
		return ""
	})
	b.comes("systemctl show -P ActiveState backend-b | grep -qx inactive")
	b.well("backend", "nginx")
	b.comes("evenkeel diff") // systemd is done with the stop a moment before evenkeel
}

// A ladder with a rung of each actuator is climbed rung by rung, each once, with
// real Redis and a real program.
func TestARealLadder(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "ladder")
	b.write("/etc/evenkeel/policy.yaml", `mode: enforce
signatures: none
units: ['*']
paths: ['/**']
exec: [{argv0: /usr/local/bin/mend, user: nobody}]
actions: {cache.flush: auto, exec: approve}
`)
	b.sh(`printf '#!/bin/sh\nid -un > /tmp/mended\ncurl -sS -X POST "127.0.0.1:4001/fault?kind=off"\n' > /usr/local/bin/mend; chmod 755 /usr/local/bin/mend; systemctl start redis-server`)
	b.sh(`for i in $(seq 100); do echo SET cache:$i x; echo SET session:$i x; done | redis-cli > /dev/null`)
	b.declare("ladder",
		service("web", player("web", 4001, "ExecStartPost=/bin/sh -c 'test ! -e /run/web.sick || curl -sS -X POST \"127.0.0.1:4001/fault?kind=unhealthy\"'"), liveProbe(4001),
			"remedies: [{do: restart}, {do: cache.flush, with: {cache: pages, maxShare: 60%}, settle: 3s}, {do: exec.run, with: {argv: [/usr/local/bin/mend]}, settle: 3s}, {do: escalate}]"),
		"apiVersion: evenkeel.dev/v1\nkind: Cache\nmetadata: {name: pages}\nspec: {redis: {address: \"127.0.0.1:6379\", patterns: [\"cache:*\"]}}\n",
	)
	b.keep()
	b.well("web")
	b.sh("touch /run/web.sick")
	b.fault(4001, "unhealthy")
	b.reason("web", "HELD", "AwaitingApproval")
	if n := b.sh("redis-cli DBSIZE"); n != "100" {
		t.Errorf("%s keys are left, want the 100 sessions", n)
	}
	var p struct {
		Approvals []struct{ Object, Detail string }
	}
	b.data(&p, "status", "-o", "json")
	if len(p.Approvals) != 1 || p.Approvals[0].Object != "Service/web" {
		t.Fatalf("approvals: %+v", p.Approvals)
	}
	words := strings.Fields(p.Approvals[0].Detail)
	b.must(0, "approve", words[len(words)-1])
	b.well("web")
	if who := b.sh("cat /tmp/mended"); who != "nobody" {
		t.Errorf("it ran as %s", who)
	}
	var did []string
	for _, s := range b.history("web") {
		if s.Reason == "LivenessFailed" {
			did = append(did, s.Actuator+"."+s.Verb+" "+s.Outcome)
		}
	}
	if got := strings.Join(did, "; "); got != "systemd.restart done; cache.flush done; exec.run done" {
		t.Errorf("it did %s", got)
	}
}
