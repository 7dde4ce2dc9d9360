package live_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// traces lists whatever on the host bears evenkeel's name, wherever it lies.
const traces = `find / -xdev -name '*evenkeel*' -not -path '/proc/*' -not -path '/sys/*' 2>/dev/null | sort; find /run /sys/fs/cgroup -name '*evenkeel*' 2>/dev/null | sort
systemctl list-units --all --no-legend --plain '*evenkeel*'; systemctl list-unit-files --no-legend '*evenkeel*'; getent group evenkeel-op || true`

// managed is everything that a managed unit is, with the times of its changes.
const managed = `find /etc/systemd /etc/web -not -type d -not -path '*evenkeel*' -printf '%p %i %C@ %m %u %g %l\n' | sort
systemctl show -p Id -p MainPID -p InvocationID -p ActiveEnterTimestampMonotonic -p NRestarts -p UnitFileState clock web`

// example puts examples/minimal onto the host.
func (b box) example() {
	b.Helper()
	for _, name := range []string{"clock.yaml", "units/clock.service"} {
		content, err := os.ReadFile(filepath.Join("../../../examples/minimal", name))
		if err != nil {
			b.Fatal(err)
		}
		b.write(desiredDir+"/"+name, string(content))
	}
}

// From a host that has never seen evenkeel to one that it keeps, and back: what
// it managed stays as it was to the inode, and nothing of its own is left.
func TestInstallAndUninstall(t *testing.T) {
	t.Parallel()
	b := boot(t, "install")
	b.sh("rmdir -p --ignore-fail-on-non-empty " + desiredDir)
	b.write(unitDir+"/shop-api.service", sleeper())
	b.write(unitDir+"/shop-web.service", sleeper())
	b.write(unitDir+"/shop-worker@.service", sleeper())
	b.sh("systemctl daemon-reload && systemctl start shop-api shop-web shop-worker@1")
	before := b.sh(traces)

	r := b.must(0, "install", "--print")
	if !strings.Contains(r.out, "mode: observe") || !strings.Contains(r.out, "\n  - 'shop-*' ") || !strings.Contains(r.out, "ExecStart=/usr/local/bin/evenkeel run\n") {
		t.Errorf("--print says:\n%s", r.out)
	}
	if now := b.sh(traces); now != before {
		t.Errorf("--print left something:\n%s", changes(before, now))
	}

	r = b.must(0, "install")
	for _, want := range []string{"wrote      /etc/evenkeel/policy.yaml", "made       /etc/evenkeel/desired", "wrote      /etc/systemd/system/evenkeel.service", "made       group evenkeel-op", "systemctl daemon-reload\n  systemctl enable --now evenkeel"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("install does not say %q:\n%s", want, r.out)
		}
	}
	b.sh("! systemctl is-enabled -q evenkeel; ! systemctl is-active -q evenkeel && getent group evenkeel-op")
	b.sh("systemd-analyze verify /etc/systemd/system/evenkeel.service")
	if r := b.must(0, "check"); !strings.Contains(r.out, "[OK  ] policy") {
		t.Errorf("check says:\n%s", r.out)
	}
	if r := b.must(0, "install"); strings.Contains(r.out, "wrote") || strings.Contains(r.out, "made") {
		t.Errorf("a second install did something:\n%s", r.out)
	}
	r = b.must(2, "uninstall")
	if !strings.Contains(r.err, "will go    /etc/evenkeel/policy.yaml") || !strings.Contains(r.err, "--yes") {
		t.Errorf("uninstall without --yes says:\n%s", r.err)
	}
	b.must(0, "uninstall", "--yes")
	if now := b.sh(traces); now != before {
		t.Errorf("install and uninstall left something:\n%s", changes(before, now))
	}

	b.must(0, "install")
	b.sh("sed -i 's/^mode: observe/mode: enforce/; s/^units:.*/units: [clock, web]/; /^  - /d; s|^# paths: .*|paths: [/etc/web/**]|' " + policyFile)
	b.sh("systemctl daemon-reload && systemctl enable -q --now evenkeel") // with nothing declared it waits
	b.sh("sleep 1; systemctl is-active -q evenkeel && test $(systemctl show -P NRestarts evenkeel) = 0 && systemctl show -P StatusText evenkeel | grep -q 'nothing is declared'")
	b.example()
	b.write(desiredDir+"/web.yaml", service("web", sleeper(), "dependsOn: [clock]", "dropIns: [{name: 10-nice.conf, content: \"[Service]\\nNice=5\\n\"}]",
		"files: [{path: /etc/web/web.env, content: \"A=1\\n\", mode: \"2640\", owner: nobody, group: adm}]"))
	b.well("clock", "web")
	b.heals("clock", "systemctl kill -s KILL clock", "systemd.start Failed", "systemctl is-active clock")
	b.heals("web", "echo B=2 >> /etc/web/web.env", "file.write FileDrift", "grep -qx A=1 /etc/web/web.env && test $(stat -c %a:%U:%G /etc/web/web.env) = 2640:nobody:adm")
	b.well("clock", "web")
	b.comes(`evenkeel status -o oneline | grep -qx 'evenkeel .*: 2 OK'`)

	// A restart of evenkeel lifts no kill switch.
	b.sh("touch " + stopFile + " && systemctl restart evenkeel && test -e " + stopFile + " && rm " + stopFile)
	b.well("clock", "web")

	// What hangs on evenkeel would go down with it.
	b.write(unitDir+"/hanger.service", sleeper("")+"\n[Unit]\nRequires=evenkeel.service\n")
	b.sh("systemctl daemon-reload && systemctl start hanger")
	if r := b.must(2, "uninstall", "--yes"); !strings.Contains(r.err, "hanger.service") {
		t.Errorf("uninstall does not name what hangs on evenkeel: %s", r.err)
	}
	b.sh("systemctl is-active evenkeel && systemctl stop hanger && rm " + unitDir + "/hanger.service && systemctl daemon-reload")

	b.sh("mkdir -p " + unitDir + "/evenkeel.service.d && echo '# mine' > " + unitDir + "/evenkeel.service.d/override.conf && echo half > " + unitDir + "/.evenkeel-0123456789abcdef")
	was := b.sh(managed)
	r = b.must(0, "uninstall", "--yes")
	for _, want := range []string{
		"stopped    evenkeel.service", "removed    /etc/systemd/system/multi-user.target.wants/evenkeel.service", "removed    /etc/systemd/system/.evenkeel-0123456789abcdef",
		"removed    /var/lib/evenkeel/evenkeel.db", "removed    group evenkeel-op",
		"left       /etc/evenkeel/policy.yaml (changed since install wrote it)", "left       /etc/evenkeel/desired/clock.yaml (not written by install)", "left       /usr/local/bin/evenkeel (the program)",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("uninstall does not say %q:\n%s", want, r.out)
		}
	}
	if now := b.sh(managed); now != was {
		t.Errorf("uninstall changed what was managed:\n%s", changes(was, now))
	}
	b.sh("rm -r /etc/evenkeel")
	if now := b.sh(traces); now != before {
		t.Errorf("uninstall left something:\n%s", changes(before, now))
	}
	b.sh("systemctl is-active clock web && ! systemctl is-failed -q evenkeel")
	b.must(0, "uninstall", "--yes")
}

// Uninstall does not go on while somebody else acts, and keeps what it is told to.
func TestUninstallBesideAnotherController(t *testing.T) {
	t.Parallel()
	b := boot(t, "uninstall")
	b.sh("rmdir -p --ignore-fail-on-non-empty " + desiredDir)
	b.must(0, "install")
	b.declare("first", service("first", sleeper()))
	b.sh("systemd-run -q --unit=by-hand /usr/local/bin/evenkeel run")
	b.comes("test -S " + socketFile)
	if r := b.must(2, "uninstall", "--yes"); !strings.Contains(r.err, "another evenkeel is running") {
		t.Errorf("uninstall says: %s", r.err)
	}
	b.sh("test -e /etc/systemd/system/evenkeel.service && test -e " + policyFile + " && getent group evenkeel-op && systemctl stop by-hand")
	if r := b.must(0, "uninstall", "--keep-state", "--yes"); !strings.Contains(r.out, "left       /var/lib/evenkeel (the record, by --keep-state)") {
		t.Errorf("uninstall --keep-state says:\n%s", r.out)
	}
	b.sh("test -s /var/lib/evenkeel/evenkeel.db && ! test -e /run/evenkeel && ! test -e " + policyFile)
}
