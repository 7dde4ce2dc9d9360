package live_test

import (
	"slices"
	"strings"
	"testing"
)

// handmade is a host that people worked on for years: a unit a line of what
// import must understand. The last lines are what is left undone.
const handmade = `
put() { mkdir -p "$(dirname "$1")"; cat > "$1"; }
svc() { printf '[Unit]\nDescription=hand-made\n\n[Service]\nExecStart=/bin/sleep infinity\nRestart=on-failure\nUser=nobody\n%b' "$2" | put "$1"; }
install='\n[Install]\nWantedBy=multi-user.target\n'
etc=/etc/systemd/system

svc $etc/plain.service "$install"
svc $etc/dropped.service "$install"
printf '[Service]\nMemoryMax=64M\n' | put $etc/dropped.service.d/10-limits.conf
printf '[Service]\nNice=3\n' | put $etc/dropped.service.d/20-nice.conf
svc /usr/lib/systemd/system/overridden.service "$install"
printf '[Service]\nNice=4\n' | put $etc/overridden.service.d/override.conf
svc $etc/limited.service "$install"
svc $etc/named.service "${install}Alias=nickname.service\n"
svc $etc/worker@.service "$install"
printf '[Service]\nType=forking\nExecStart=/bin/sh -c "sleep infinity & echo $! > /run/forked.pid"\nPIDFile=/run/forked.pid\n' | put $etc/forked.service
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' | put $etc/once.service
printf '[Timer]\nOnCalendar=daily\n\n[Install]\nWantedBy=timers.target\n' | put $etc/once.timer
printf '[Socket]\nListenStream=/run/sock.test\n\n[Install]\nWantedBy=sockets.target\n' | put $etc/sock.socket
svc $etc/sock.service ''
svc /usr/lib/systemd/system/hidden.service "$install"
svc $etc/stopped.service "$install"
svc $etc/edited.service "$install"
printf '[Service]\nExecStart=/bin/false\nType=simple\n' | put $etc/failing.service
svc /opt/app/linked.service "$install"
svc /opt/app/pointer.service ''
ln -s /opt/app/pointer.service $etc/pointer.service
svc /run/systemd/system/fleeting.service ''
printf '#!/bin/sh\n### BEGIN INIT INFO\n# Provides: legacy\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3 4 5\n# Default-Stop:\n# Short-Description: legacy\n### END INIT INFO\nexit 0\n' | put /etc/init.d/legacy
chmod 755 /etc/init.d/legacy
printf 'DB_PASSWORD=not-for-you\n' | put /etc/secret.env
svc $etc/reading.service "EnvironmentFile=/etc/secret.env\nEnvironment=API_TOKEN=hunter2secret\n$install"
svc $etc/twice.service "\n[Install]\nWantedBy=multi-user.target graphical.target\n"
svc $etc/static.service ''
printf '[Slice]\nMemoryMax=512M\n' | put $etc/mine.slice
svc $etc/sliced.service "Slice=mine.slice\n$install"
printf '[Path]\nPathExists=/run/never\n\n[Install]\nWantedBy=multi-user.target\n' | put $etc/watching.path
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' | put $etc/watching.service
svc $etc/disabled.service "$install"
svc /usr/lib/systemd/system/vendor.service "$install"
printf '[Service]\nNice=2\n' | put /run/systemd/system/vendor.service.d/50-now.conf
printf '[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1h\n' | put $etc/looping.service
svc $etc/conditional.service "\n[Unit]\nConditionPathExists=/nowhere\n$install"
svc $etc/Upper:Case.service "$install"
svc "$etc/esc@a\\x2db.service" ''
printf '[Service]\nExecStart=/bin/true\nType=oneshot\nRemainAfterExit=yes\n[Install]\nWantedBy=multi-user.target\n' | put $etc/remaining.service

systemctl daemon-reload
systemctl enable -q --now plain dropped overridden limited named worker@1 once.timer sock.socket stopped edited reading twice sliced watching.path vendor remaining Upper:Case
systemctl enable -q --now /opt/app/linked.service
systemctl enable -q conditional
systemctl start conditional forked pointer fleeting static disabled 'esc@a\x2db' legacy
systemctl start --no-block failing looping
systemctl set-property limited.service CPUWeight=50
systemctl mask -q hidden
systemctl stop stopped
systemctl daemon-reload
systemd-run -q --unit=passing sleep infinity
`

// untouchedBy lists all that an import must leave alone.
const untouchedBy = `find /etc /run/systemd/system /run/systemd/transient /var/lib/evenkeel -printf '%p %i %C@ %m %u %g %l\n' 2>/dev/null | sort
systemctl show -P UnitsLoadTimestampMonotonic
systemctl list-units --all --plain --no-legend '*.service' '*.timer' '*.socket' '*.path' | awk '$2 != "not-found" {print $1}' | xargs systemctl show -p Id -p MainPID -p ActiveState -p InvocationID -p StateChangeTimestampMonotonic`

func TestImportAHandmadeHost(t *testing.T) {
	t.Parallel()
	b := boot(t, "adopted")
	b.sh(handmade)
	b.comes("systemctl is-failed -q failing && test $(systemctl show -P SubState looping) = auto-restart && systemctl is-active -q multi-user.target")
	b.sh("sed -i 's/hand-made/edited by hand/' /etc/systemd/system/edited.service")

	before := b.sh(untouchedBy)
	r := b.must(1, "import", "--all", "-o", "/root/adopted")
	if after := b.sh(untouchedBy); after != before {
		t.Errorf("the import touched the host:\n%s", changes(before, after))
	}
	if lost := told(r.err, "not expressed: "); len(lost) != 1 || !strings.Contains(lost[0], "edited.service") {
		t.Errorf("what could not be expressed: %q, want edited.service alone\n%s", lost, r.err)
	}
	if strings.Contains(r.err, "hunter2secret") || !strings.Contains(r.err, "API_TOKEN") {
		t.Errorf("of a secret, the name is told and never the value:\n%s", r.err)
	}
	b.must(0, "validate", "/root/adopted")

	var d plan
	if r := b.data(&d, "diff", "-f", "/root/adopted", "-o", "json"); r.code != 1 || len(d.Steps) != 1 || len(d.Held)+len(d.Gaps) > 0 {
		t.Fatalf("diff: exit %d, want one step, for edited.service\n%s", r.code, r.out)
	}
	if s := d.Steps[0]; s.Reason != "DaemonReloadNeeded" || !strings.Contains(s.Detail, "edited.service") {
		t.Errorf("diff says %+v, want DaemonReloadNeeded for edited.service", s)
	}
	if again := b.must(1, "import", "--all", "-o", "/root/adopted"); again.out != r.out {
		t.Errorf("the same once more says %q, want %q", again.out, r.out)
	}
	b.sh("systemctl daemon-reload")
	b.must(0, "diff", "-f", "/root/adopted")

	wantDeclared(b, "/root/adopted", `
		conditional     ignored  enabled
		disabled        running  disabled
		dropped         running  enabled   10-limits.conf 20-nice.conf
		edited          running  enabled
		esc@a-x2db      running  ignored
		failing         ignored  ignored
		fleeting        running
		forked          running  ignored
		hidden          stopped  masked
		legacy          running
		limited         running  enabled
		linked          running
		looping         ignored  ignored
		named           running  enabled
		once            ignored  ignored
		once-timer      running  enabled
		overridden      running            override.conf
		plain           running  enabled
		pointer         running
		postgresql@15-main stopped
		reading         running  enabled
		remaining       running  enabled
		sliced          running  enabled
		sock            ignored  ignored
		sock-socket     running  enabled
		static          running  ignored
		stopped         stopped  enabled
		twice           running  enabled
		upper-case      running  enabled
		vendor          running
		watching        ignored  ignored
		watching-path   running  enabled
		worker@1        running
	`)
}

// A real estate: nineteen services that have much in common, and the databases
// and the proxy of a distribution.
func TestImportTheEstate(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "imported")
	b.must(0, "apply", "-f", "/run/examples/pakashop", "--timeout", patience.String())
	b.sh("rm -r /var/lib/evenkeel") // a host that evenkeel never saw

	r := b.must(0, "import", "--all", "-o", "/root/estate")
	b.must(0, "validate", "/root/estate")
	b.must(0, "diff", "-f", "/root/estate")
	if !strings.Contains(r.err, "stands for postgresql@15-main.service: postgresql.service") {
		t.Errorf("of PostgreSQL it says\n%s", r.err)
	}
	b.sh("cd /root/estate && grep -q 'stateful: true' postgresql@15-main.yaml && test ! -e postgresql.yaml && ls redis-server.yaml nginx.yaml")
	b.sh("cd /root/estate && test $(ls pakashop-*.yaml | grep -v @ | wc -l) = 19 && grep -q 'pakashop-backend|pakashop-config' defaults.yaml && ! grep -q unitFile pakashop-*.yaml")
}

// Import says what it was asked for, or why not, and overwrites nothing.
func TestImportByName(t *testing.T) {
	t.Parallel()
	b := boot(t, "named")
	b.write(unitDir+"/web.service", sleeper("Restart=always", "User=nobody")+"Alias=www.service\n")
	b.write(unitDir+"/odd.service", sleeper())
	b.write(unitDir+"/bad.service", "[Service]\nType=simple\n")
	b.write(unitDir+"/typo.service", "[Service]\nExecStart=/bin/sleep infinity\nWantedBy=multi-user.target\n")
	b.write(unitDir+"/ours@.service", sleeper())
	b.sh("chmod 755 /etc/systemd/system/odd.service; systemctl daemon-reload; systemctl enable -q --now web; systemctl start odd typo ours@2")

	b.must(0, "import", "www", "-o", "/root/by-alias")
	b.must(0, "diff", "-f", "/root/by-alias")
	wantDeclared(b, "/root/by-alias", "web running enabled")
	if mode := b.sh("cd /root/by-alias && stat -c %a . units web.yaml units/web.service | tr '\\n' ' '"); mode != "755 755 644 644" {
		t.Errorf("modes %s", mode)
	}

	for name, want := range map[string]string{"odd": "its mode is 0755", "bad": "cannot load it (bad-setting)", "typo": "WantedBy= belongs in [Install]"} {
		dir := "/root/" + name
		if r := b.must(1, "import", name+".service", "web", "-o", dir); !strings.Contains(r.err, "not expressed: "+name+".service: ") || !strings.Contains(r.err, want) {
			t.Errorf("import %s says\n%s", name, r.err)
		}
		b.must(0, "validate", dir)
		b.must(0, "diff", "-f", dir)
	}

	for _, c := range []struct {
		code int
		args string
		says string
	}{
		{2, "", "name the units to import, or say --all"},
		{2, "web --all -o /root/x", "not both"},
		{2, "web", "-o DIR"},
		{4, "web nobody-knows -o /root/x", "no unit nobody-knows on this host"},
		{1, "dbus -o /root/x", "not expressed: dbus.service: belongs to the protected set"},
		{2, "web -o /etc/hostname", "is no folder"},
		{2, "odd -o /root/by-alias", "/root/by-alias is not empty"},
		{2, "web -o /root", "/root is not empty"},
	} {
		if r := b.must(c.code, append([]string{"import"}, strings.Fields(c.args)...)...); !strings.Contains(r.err, c.says) {
			t.Errorf("import %s says\n%s", c.args, r.err)
		}
	}
	b.sh("test ! -e /root/x && ! ls -A /root | grep import-")
	b.must(0, "import", "ours@2", "-o", "/root/instance")
	b.sh("mkdir /root/empty")
	b.must(0, "import", "w*b", "-o", "/root/empty")
	b.must(0, "diff", "-f", "/root/empty")

	// Who may not read everything gets the same: nothing of it is secret.
	b.sh("install -d -o nobody /srv/nobody && runuser -u nobody -- evenkeel import web -o /srv/nobody/web && diff -r /srv/nobody/web /root/empty")
}

// told are the lines of a kind.
func told(text, kind string) (out []string) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, kind); ok {
			out = append(out, rest)
		}
	}
	return out
}

// wantDeclared compares Services by their effective values, a line each: name,
// state, boot and the names of drop-ins.
func wantDeclared(b box, dir, want string) {
	b.Helper()
	var list struct {
		Items []struct {
			Metadata struct{ Name string }
			Spec     struct {
				State, Boot string
				DropIns     []struct{ Name string }
			}
		}
	}
	b.data(&list, "get", "services", "-f", dir, "-o", "json")
	var got []string
	for _, i := range list.Items {
		line := i.Metadata.Name + " " + i.Spec.State + " " + i.Spec.Boot
		for _, d := range i.Spec.DropIns {
			line += " " + d.Name
		}
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(got)
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(want)) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	slices.Sort(lines)
	if a, b2 := strings.Join(lines, "\n"), strings.Join(got, "\n"); a != b2 {
		b.Errorf("declared in %s, - as wanted, + as it is:\n%s", dir, changes(a, b2))
	}
}
