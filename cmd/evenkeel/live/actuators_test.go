package live_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// motd builds the plugin of the examples, and returns it with its checksum.
func motd(t *testing.T) (program []byte, sum string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "motd")
	build := exec.Command("go", "build", "-o", out, ".")
	build.Dir = "../../../examples/actuator"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build examples/actuator: %v\n%s", err, text)
	}
	program, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(program)
	return program, hex.EncodeToString(h[:])
}

const motdPath = "/usr/lib/evenkeel/actuators/motd"

func actuatorObject(name, sum, more string) string {
	return "apiVersion: evenkeel.dev/v1\nkind: Actuator\nmetadata: {name: " + name + "}\nspec: {path: " + motdPath + ", sha256: \"" + sum + "\"" + more + "}\n"
}

// verbs lists what `evenkeel actuators` says of one actuator.
func (b box) verbs(actuator string) string {
	b.Helper()
	var list struct {
		Actuators []struct {
			Name  string
			Verbs []struct{ Name string }
		}
	}
	b.data(&list, "actuators", "-o", "json")
	for _, a := range list.Actuators {
		if a.Name == actuator {
			var names []string
			for _, v := range a.Verbs {
				names = append(names, v.Name)
			}
			return strings.Join(names, " ")
		}
	}
	return "(not listed)"
}

// pluginProcesses lists the plugin processes of the controller.
const pluginProcesses = `pgrep -P $(systemctl show -P MainPID evenkeel) -a || true`

// Operators' plugins come, go and change with what is declared, each on its own;
// none is started before it is needed.
func TestActuatorsAsDeclared(t *testing.T) {
	t.Parallel()
	b := boot(t, "actuators")
	program, sum := motd(t)
	b.write(motdPath, string(program))
	b.sh("chmod 755 " + motdPath + " && mkdir -p /etc/motd.d")
	b.declare("first", service("first", sleeper()))
	b.declare("motd", actuatorObject("motd", sum, ""))
	b.write(policyFile, "mode: enforce\nunits: [first]\n")
	b.must(0, "install")
	b.sh("systemctl daemon-reload && systemctl enable -q --now evenkeel")
	b.well("first")

	if got := b.sh(pluginProcesses); got != "" {
		b.Errorf("started before it was needed: %s", got)
	}
	for actuator, want := range map[string]string{
		"motd": "set clear", "cache": "flush", "postgres": "terminate", "exec": "run", "file": "write remove", "git": "revert push",
	} {
		if got := b.verbs(actuator); got != want {
			b.Errorf("%s can %q, want %q", actuator, got, want)
		}
	}
	first := b.sh(pluginProcesses)
	if strings.Count(first, "\n") != 0 || !strings.Contains(first, motdPath) {
		b.Errorf("after its verbs were asked for there runs: %q", first)
	}
	if got := b.sh("cat /proc/" + strings.Fields(first)[0] + "/cgroup"); !strings.Contains(got, "/evenkeel.service/evenkeel-plugin-motd-") {
		b.Errorf("the plugin is in the cgroup %s", got)
	}

	// Another config is another process; the first one ends.
	b.declare("motd", actuatorObject("motd", sum, ", user: nobody"))
	b.until("the plugin runs as nobody", func() string {
		b.verbs("motd")
		if got := b.sh(pluginProcesses); strings.Count(got, "\n") != 0 || got == "" {
			return got
		}
		return b.sh("ps -o user= -p $(pgrep -P $(systemctl show -P MainPID evenkeel)) | grep -vx nobody || true")
	})

	// What was replaced on disk is not run, and the rest goes on.
	b.declare("motd", actuatorObject("other", strings.Repeat("ab", 32), ""))
	b.until("the one that is no longer declared has ended", func() string { return b.sh(pluginProcesses) })
	b.until("the new one is listed, and does not say what it can do", func() string {
		if got := b.verbs("other"); got != "" {
			return got
		}
		return ""
	})
	b.log("evenkeel", "has the checksum "+sum)
	if got := b.verbs("motd"); got != "(not listed)" {
		b.Errorf("what is no longer declared can %q", got)
	}
	b.sh("systemctl kill -s KILL first")
	b.well("first")

	b.must(0, "uninstall", "--yes")
	b.sh("! test -e /run/evenkeel && ! test -e /var/lib/evenkeel && systemctl is-active -q first")
}

// furnish is a host with Redis and PostgreSQL, something to flush in the one and
// a role for evenkeel in the other.
const furnish = `set -e
systemctl start redis-server postgresql@15-main
runuser -u postgres -- psql -q <<END
CREATE DATABASE shop;
CREATE ROLE keel LOGIN PASSWORD 'canary-hunter2' IN ROLE pg_read_all_stats, pg_signal_backend;
CREATE ROLE app LOGIN PASSWORD 'app';
END
mkdir -p /etc/evenkeel/credentials
chmod 700 /etc/evenkeel/credentials
(umask 077; echo 'postgres://keel:canary-hunter2@127.0.0.1/shop' >/etc/evenkeel/credentials/pg-dsn)
for i in $(seq 900); do echo "set session:$i x"; done | redis-cli >/dev/null
cat >/usr/local/bin/well <<'END'
#!/bin/sh
case $1 in
pages) [ "$(redis-cli exists cache:poison)" = 0 ] ;;
crowded) [ "$(redis-cli exists crowd:poison)" = 0 ] ;;
shop) [ "$(psql -XAtc "select count(*) from pg_stat_activity where usename = 'app'" postgres)" -lt 5 ] ;;
files) [ ! -e /var/lib/mend/broken ] ;;
esac
END
cat >/usr/local/bin/mend <<'END'
#!/bin/sh
echo "$(id -un) $1" >>/var/lib/mend/mended
rm -f /var/lib/mend/broken
END
chmod 755 /usr/local/bin/well /usr/local/bin/mend
install -d -o backup /var/lib/mend
`

const remedyPolicy = `mode: enforce
units: ["well-*"]
exec: [{argv0: /usr/local/bin/well, user: postgres}, {argv0: /usr/local/bin/mend, user: backup}]
actions: {cache.flush: auto, postgres.terminate: auto, exec.run: auto}
`

// sickBy is a service that is well as long as a program says so, with one remedy.
func sickBy(what, remedy string) string {
	return service("well-"+what, sleeper(), "livenessProbe: {exec: {command: [/usr/local/bin/well, "+what+"]}, periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 2}",
		"remedies: ["+remedy+", {do: escalate}]")
}

// Sick services are healed by the plugins that their remedies name, on real
// servers, under the unit that install writes, and no service is restarted. What
// is too much is refused with its counts, and touches nothing.
func TestRemediesByPlugins(t *testing.T) {
	t.Parallel()
	layer, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	b := newBox(t, hosttest.Boot(t, rehearse.Options{
		Name: "remedies", Layers: []string{layer}, Binds: []rehearse.Bind{{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}},
	}))
	b.write("/root/furnish", furnish)
	b.sh("sh /root/furnish")
	b.write(policyFile, remedyPolicy)
	b.declare("all",
		"apiVersion: evenkeel.dev/v1\nkind: Cache\nmetadata: {name: pages}\nspec: {redis: {address: \"127.0.0.1:6379\", patterns: [\"cache:*\"]}}\n",
		"apiVersion: evenkeel.dev/v1\nkind: Cache\nmetadata: {name: crowd}\nspec: {redis: {address: \"127.0.0.1:6379\", patterns: [\"crowd:*\"]}}\n",
		"apiVersion: evenkeel.dev/v1\nkind: Database\nmetadata: {name: main}\nspec: {postgres: {dsn: {fromCredential: pg-dsn}}}\n",
		sickBy("pages", "{do: cache.flush, with: {cache: pages}}"),
		sickBy("crowded", "{do: cache.flush, with: {cache: crowd}}"),
		sickBy("shop", "{do: postgres.terminate, with: {database: main, over: 1s, application: leaky}}"),
		sickBy("files", "{do: exec.run, with: {argv: [/usr/local/bin/mend, \"a  b\"]}}"))
	b.must(0, "install")
	b.sh("systemctl daemon-reload && systemctl enable -q --now evenkeel")
	b.well("well-pages", "well-crowded", "well-shop", "well-files")

	b.heals("well-pages", "redis-cli mset cache:poison 1 cache:a 1 cache:b 1", "cache.flush LivenessFailed", "test $(redis-cli dbsize) = 900")
	leak := "for i in 1 2 3 4 5 6; do systemd-run -q --unit=leak-$i -E PGPASSWORD=app -E PGAPPNAME=leaky sh -c 'sleep infinity | psql -q -h 127.0.0.1 -U app shop'; done"
	b.heals("well-shop", leak, "postgres.terminate LivenessFailed", `test $(runuser -u postgres -- psql -XAtc "select count(*) from pg_stat_activity where application_name = 'leaky'") = 0`)
	b.heals("well-files", "touch /var/lib/mend/broken", "exec.run LivenessFailed", "grep -x 'backup a  b' /var/lib/mend/mended")

	before := b.history("well-crowded")
	b.sh("for i in $(seq 300); do echo \"set crowd:$i x\"; done | redis-cli >/dev/null; redis-cli set crowd:poison 1")
	b.until("it is refused", func() string {
		for _, s := range b.since(before, "well-crowded") {
			if s.Outcome == "refused" && strings.Contains(s.Detail, "301 of 1,201 keys match, which is more than maxShare 20%") {
				return ""
			}
		}
		return strings.Join(verbs(b.since(before, "well-crowded")), ", ")
	})
	b.sh("test $(redis-cli dbsize) = 1201")

	for _, name := range []string{"well-pages", "well-crowded", "well-shop", "well-files"} {
		if all := strings.Join(verbs(b.history(name)), "\n"); strings.Contains(all, "systemd.restart") {
			b.Errorf("%s was restarted:\n%s", name, all)
		}
	}
	b.sh("test $(wc -l </var/lib/mend/mended) = 1")
	b.sh("! journalctl --no-pager | grep -q canary-hunter[2] && ! grep -rq canary-hunter[2] /var/lib/evenkeel && ! grep -aq canary-hunter[2] /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null")
}
