package live_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
		"motd": "set clear", "cache": "flush", "postgres": "terminate", "exec": "run", "file": "write remove",
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
