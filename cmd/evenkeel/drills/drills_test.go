package drills_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
)

// A queue that jams when it is told to, and is mended by a restart; its rule is hasty.
const drilledQueue = `apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: queue}
spec:
  unitFile:
    content: |
      [Service]
      ExecStart=/usr/bin/python3 /usr/local/lib/queue.py

      [Install]
      WantedBy=multi-user.target
  files:
    - path: /usr/local/lib/queue.py
      content: |
        import http.server
        depth = 0
        class Queue(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                global depth
                if self.path == "/jam":
                    depth = 50
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(("queue_depth %d\nqueue_workers 4\n" % depth).encode())
        http.server.HTTPServer(("127.0.0.1", 9101), Queue).serve_forever()
  ports: {http: 9101}
  readinessProbe: {httpGet: {path: /metrics, port: http}, periodSeconds: 1}
  metrics: {httpGet: {path: /metrics, port: http}, interval: 1s}
---
apiVersion: evenkeel.dev/v1
kind: AlertRules
metadata: {name: queue}
spec:
  groups:
    - name: queue
      interval: 1s
      rules: [{alert: QueueJammed, expr: queue_depth > 10, for: 2s, labels: {severity: P2}, annotations: {impact: orders wait, action: restart the queue}}]
---
`

// jammed is a runbook for it.
const jammed = `apiVersion: evenkeel.dev/v1
kind: Runbook
metadata: {name: jammed}
spec:
  match: ['alertname="QueueJammed"']
  steps:
    - {gather: metrics.query, with: {expr: queue_depth}}
    - {do: restart, settle: 1s, verify: {expr: queue_depth < 10, within: 30s}}
  drill: {cause: {command: [/usr/bin/curl, -fsS, "http://127.0.0.1:9101/jam"]}}
`

// drillJSON is what drill -o json says, as far as it is looked at.
type drillJSON struct {
	OK                         bool
	Outcome, Detail, Object    string
	Caused, Fired, Over        string
	DetectMS, RemedyMS, OverMS int64
	Verify                     []struct {
		Rung               int
		CannotFail         string
		Sound, Caused, End *struct{ Known, Yes bool }
	}
	Rungs []struct{ Action, Outcome, Evidence string }
	Waits []struct{ Reason string }
}

// estate is a folder of desired state.
func estate(t *testing.T, objects string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.yaml"), []byte(objects), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// drills runs a drill on this machine, which boots a host for it.
func drills(t *testing.T, want int, args ...string) (d drillJSON) {
	t.Helper()
	var out, talk bytes.Buffer
	cmd := exec.Command(binary, append([]string{"drill", "-o", "json"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &talk
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != want || json.Unmarshal(out.Bytes(), &d) != nil {
		t.Fatalf("drill %q: exit %d, want %d; %v\n%s%s", args, code, want, err, out.String(), talk.String())
	}
	return d
}

// asking is the same runbook, whose step waits for a human.
var asking = strings.Replace(jammed, "{do: restart,", "{do: restart, approve: always,", 1)

// A runbook that works: its alert is caused and fires, the runbook remedies it when it is
// let go, the verification says no before and yes after, and all of it is told.
func TestASoundRunbook(t *testing.T) {
	t.Parallel()
	d := drills(t, 0, "jammed", estate(t, drilledQueue+asking), "--yes")
	if !d.OK || d.Outcome != "asDeclared" || d.Object != "Service/queue" || d.Caused == "" || d.Over == "" || d.DetectMS < 2000 || d.OverMS <= 0 {
		t.Errorf("it says %+v", d)
	}
	if v := d.Verify; len(v) != 1 || v[0].Rung != 2 || !v[0].Sound.Yes || !v[0].Caused.Known || v[0].Caused.Yes || !v[0].End.Yes {
		t.Errorf("the verification says %+v", v)
	}
	if r := d.Rungs; len(r) != 2 || !strings.Contains(r[0].Evidence, "50") || r[1].Action != "systemd.restart queue.service" || r[1].Outcome != "done" {
		t.Errorf("it did %+v", r)
	}
}

// layer is a folder to lay over the machine's root, with one more folder in it.
func layer(t *testing.T, folder string) (dir, in string) {
	t.Helper()
	dir = t.TempDir()
	in = filepath.Join(dir, folder)
	if err := os.MkdirAll(in, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // it becomes the host's root folder
		t.Fatal(err)
	}
	return dir, in
}

// What waits for a human ends the drill; the past of the machine, on whose record
// nothing could be done, is none of the clone's.
func TestARunbookThatWaitsForAHuman(t *testing.T) {
	t.Parallel()
	past, in := layer(t, "var/lib/evenkeel")
	if err := os.WriteFile(filepath.Join(in, "evenkeel.db"), []byte("no record"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := drills(t, 1, "jammed", estate(t, drilledQueue+asking), "--layer", past)
	if d.OK || d.Outcome != "waits" || len(d.Waits) == 0 || d.Waits[len(d.Waits)-1].Reason != "AwaitingApproval" {
		t.Errorf("it says %+v", d)
	}
}

// What verifies is a number that is always so: nothing in its text says it, the drill does.
func TestAVerificationThatCannotFail(t *testing.T) {
	t.Parallel()
	d := drills(t, 1, "jammed", estate(t, drilledQueue+strings.Replace(jammed, "queue_depth < 10", "queue_workers > 1", 1)))
	if v := d.Verify; d.OK || d.Outcome != "cannotFail" || len(v) != 1 || !v[0].Sound.Yes || !v[0].Caused.Yes || v[0].CannotFail == "" {
		t.Errorf("it says %+v", d)
	}
	if len(d.Rungs) > 0 {
		t.Errorf("it did %+v, and it would have proved nothing", d.Rungs)
	}
}

// What is said to be the cause causes nothing.
func TestAnAlertThatDoesNotFire(t *testing.T) {
	t.Parallel()
	d := drills(t, 1, "jammed", estate(t, drilledQueue+jammed), "--cause", "true", "--within", "5s")
	if d.OK || d.Outcome != "notFired" || d.Fired != "" || len(d.Rungs) > 0 {
		t.Errorf("it says %+v", d)
	}
}

// hasty makes the rules of the two runbooks below fire within seconds: a test need not
// wait for what an operator may.
const hasty = `
	sed -i 's/for: 1m/for: 4s/; s/interval: 15s/interval: 1s/; s/lag_seconds > 60/lag_seconds > 3/' alerts/rules/meilisearch-index-lag.yaml alerts/rules/redis-memory.yaml
	sed -i 's/lag_seconds < 60/lag_seconds < 3/; s/settle: 10s/settle: 2s/' alerts/meilisearch-index-lag.yaml
	sed -i 's/^  metrics: {\(redis\|meilisearch\): {\(.*\)}}$/  metrics: {\1: {\2}, interval: 1s}/' platform.yaml`

// Two of the example's runbooks, by the causes that they say themselves, and by the
// policy that lies beside them.
func TestTheExamplesDrills(t *testing.T) {
	t.Parallel()
	packages, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	programs, to := layer(t, "usr/local/lib/pakashop")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../../examples/pakashop")); err != nil {
		t.Fatal(err)
	}
	line := exec.Command("sh", "-ec", hasty)
	if line.Dir = dir; line.Run() != nil {
		t.Fatal("the example has another form than this test knows")
	}
	if err := build(to+"/", "../../../examples", "./pakashop/service", "./pakashop/meilisearch"); err != nil {
		t.Fatal(err)
	}
	for name, did := range map[string]string{"meilisearch-index-lag": "systemd.restart meilisearch.service", "redis-memory": "cache.flush"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := drills(t, 0, name, dir, "--policy", filepath.Join(dir, "policy.example"), "--layer", programs, "--layer", packages)
			if n := len(d.Rungs); n < 3 || !strings.HasPrefix(d.Rungs[n-1].Action, did) || d.Rungs[0].Evidence == "" {
				t.Errorf("it did %+v", d.Rungs)
			}
		})
	}
}
