package live_test

import (
	"strings"
	"testing"
)

// way is one way in which somebody can make a host differ by hand, and what
// `run` does about it.
type way struct {
	name   string   // of the test and of its service
	unit   string   // unit file; default: a sleeper
	spec   []string // more lines of spec
	before string   // a shell line, before it is declared
	start  string   // a shell line, once the service is well
	by     string   // what somebody does
	why    string   // the step that heals it, "actuator.verb Reason"
	all    []string // every step that is done; default: whatever heals
	held   string   // or the reason for which nothing is done
	proof  string   // a shell line that succeeds in the end
	ends   string   // the hold that is left; default: none, it is well
}

// fill puts the service's name for $S and its unit file for $U.
func (w way) fill(line string) string {
	line = strings.ReplaceAll(line, "$U", unitDir+"/"+w.name+".service")
	return strings.ReplaceAll(line, "$S", w.name)
}

func (w way) run(t *testing.T, b box) {
	b = b.on(t)
	unit := w.unit
	if unit == "" {
		unit = sleeper()
	}
	var spec []string
	for _, l := range w.spec {
		spec = append(spec, w.fill(l))
	}
	if w.before != "" {
		b.sh(w.fill(w.before))
	}
	b.declare(w.name, service(w.name, w.fill(unit), spec...))
	b.well(w.name)
	if w.start != "" {
		b.sh(w.fill(w.start))
	}
	if w.held != "" {
		b.holds(w.name, w.fill(w.by), w.held, w.fill(w.proof))
		return
	}
	did := b.healsTo(w.ends, w.name, w.fill(w.by), w.why, w.fill(w.proof))
	if w.all != nil {
		b.only(did, w.all...)
	}
}

const (
	asDeclared = `grep -qx Description="a test's own" $U && ! grep -q by.hand $U && test $(stat -c %a%u%g $U) = 64400 && test $(systemctl show -P NeedDaemonReload $S) = no && systemctl is-active -q $S`
	sameRun    = ` && test $(systemctl show -P InvocationID $S) = $(cat /run/$S.was)`
	newRun     = ` && test $(systemctl show -P InvocationID $S) != $(cat /run/$S.was)`
	remember   = `systemctl show -P InvocationID $S > /run/$S.was`
	byHand     = `echo '# by hand' >> $U`
)

// Everything that a unit is made of: what lies on disk, what is linked, what
// systemd has loaded, and what the process was started with.
func TestDriftIsHealedOrHeldAsDeclared(t *testing.T) {
	t.Parallel()
	b := boot(t, "drift")
	b.declare("first", service("first", sleeper()))
	b.keep()
	b.well("first")
	for _, w := range drifts {
		t.Run(w.name, func(t *testing.T) { w.run(t, b) })
	}
}

var drifts = []way{
	{name: "disabled", by: "systemctl disable -q $S", why: "systemd.enable NotEnabled", proof: "systemctl is-enabled -q $S"},
	{name: "link-removed", by: "rm /etc/systemd/system/multi-user.target.wants/$S.service", why: "systemd.enable NotEnabled", proof: "systemctl is-enabled -q $S"},
	{name: "boot-drift", spec: []string{"boot: disabled"}, by: "systemctl enable -q $S", why: "systemd.disable BootDrift", proof: "! systemctl is-enabled -q $S"},
	{
		name: "unit-edited", start: remember, by: byHand,
		why: "file.write UnitFileDrift", all: []string{"file.write UnitFileDrift"}, proof: asDeclared + sameRun,
	},
	{
		name: "unit-deleted", start: remember, by: "rm $U",
		why: "file.write UnitFileDrift", all: []string{"file.write UnitFileDrift"}, proof: asDeclared + sameRun,
	},
	{name: "unit-mode", by: "chmod 600 $U", why: "file.write UnitFileDrift", proof: asDeclared},
	{name: "unit-owner", by: "chown nobody $U", why: "file.write UnitFileDrift", proof: asDeclared},
	{
		name: "unit-edited-with-an-old-time", start: remember, by: byHand + " && touch -d 2020-01-01 $U",
		why: "file.write UnitFileDrift", proof: asDeclared + sameRun,
	},
	{
		name: "unit-edited-and-loaded", start: remember, by: unseen("sed -i s/infinity/1h/ $U && systemctl daemon-reload"),
		why: "file.write UnitFileDrift", all: []string{"file.write UnitFileDrift"},
		proof: asDeclared + sameRun + ` && systemctl show -P ExecStart $S | grep -q infinity`,
	},
	{
		name: "unit-edited-loaded-and-restarted", start: remember, by: unseen("sed -i s/infinity/1h/ $U && systemctl daemon-reload && systemctl restart $S"),
		why: "systemd.restart StaleProcess", all: []string{"file.write UnitFileDrift", "systemd.restart StaleProcess"},
		proof: asDeclared + newRun + ` && tr '\0' ' ' < /proc/$(systemctl show -P MainPID $S)/cmdline | grep -q infinity`,
	},
	{
		name: "drop-in-edited", spec: []string{"dropIns: [{name: 10-nice.conf, content: \"[Service]\\nNice=5\\n\"}]"},
		by:  "sed -i s/5/6/ $U.d/10-nice.conf",
		why: "file.write UnitFileDrift", proof: asDeclared + " && test $(systemctl show -P Nice $S) = 5",
	},
	{
		name: "drop-in-removed-and-loaded", spec: []string{"dropIns: [{name: 10-nice.conf, content: \"[Service]\\nNice=5\\n\"}]"},
		by:  unseen("rm -r $U.d && systemctl daemon-reload"),
		why: "file.write UnitFileDrift", proof: asDeclared + " && test $(systemctl show -P Nice $S) = 5",
	},
	{
		name: "foreign-drop-in-told", by: "mkdir -p $U.d && printf '[Service]\\nNice=19\\n' > $U.d/new && mv $U.d/new $U.d/99-quick.conf", held: "ForeignDropIn",
		proof: "test -e $U.d/99-quick.conf",
	},
	{
		name: "foreign-drop-in-accepted", spec: []string{"foreignDropIns: enforce", "acceptDropIns: [50-cloud.conf]"},
		by:  "mkdir -p $U.d && printf '[Service]\\nNice=19\\n' > $U.d/new && cp $U.d/new $U.d/50-cloud.conf && mv $U.d/new $U.d/99-quick.conf",
		why: "file.remove ForeignDropIn", all: []string{"file.remove ForeignDropIn"}, proof: "test -e $U.d/50-cloud.conf && ! test -e $U.d/99-quick.conf",
	},
	{
		name: "foreign-drop-in-removed", spec: []string{"foreignDropIns: enforce"}, start: remember,
		by:  "mkdir -p $U.d && printf '[Service]\\nNice=19\\n' > $U.d/new && mv $U.d/new $U.d/99-quick.conf",
		why: "file.remove ForeignDropIn", all: []string{"file.remove ForeignDropIn"},
		proof: asDeclared + sameRun + ` && ! test -e $U.d/99-quick.conf && test $(systemctl show -P Nice $S) = 0 && evenkeel displaced list | grep -q 99-quick.conf`,
	},
	{
		name: "foreign-drop-in-loaded", spec: []string{"foreignDropIns: enforce"}, start: remember,
		by:  unseen("mkdir -p $U.d && printf '[Service]\\nNice=19\\n' > $U.d/new && mv $U.d/new $U.d/99-quick.conf && systemctl daemon-reload"),
		why: "file.remove ForeignDropIn", all: []string{"file.remove ForeignDropIn"},
		proof: asDeclared + sameRun + ` && test $(systemctl show -P Nice $S) = 0 && test -z "$(systemctl show -P DropInPaths $S)"`,
	},
	{
		name: "foreign-drop-in-running", spec: []string{"foreignDropIns: enforce"}, start: remember,
		by:  unseen("mkdir -p $U.d && printf '[Service]\\nNice=19\\n' > $U.d/new && mv $U.d/new $U.d/99-quick.conf && systemctl daemon-reload && systemctl restart $S"),
		why: "systemd.restart StaleProcess", all: []string{"file.remove ForeignDropIn", "systemd.restart StaleProcess"},
		proof: asDeclared + newRun + ` && test $(ps -o ni= -p $(systemctl show -P MainPID $S)) = 0`,
	},
	{
		name: "foreign-drop-in-for-this-boot", spec: []string{"foreignDropIns: enforce"},
		by:  `printf '#!/bin/sh\nprintf "[Service]\\nNice=19\\n" > "$1"\n' > /run/editor && chmod +x /run/editor && EDITOR=/run/editor script -qec 'systemctl edit --runtime $S' /dev/null </dev/null`,
		why: "file.remove ForeignDropIn", proof: asDeclared + " && test $(systemctl show -P Nice $S) = 0 && ! test -e /run/systemd/system/$S.service.d/override.conf",
	},
	{
		name: "property-set-by-hand", spec: []string{"foreignDropIns: enforce"},
		by:  "systemctl set-property $S CPUWeight=50 && " + byHand,
		why: "file.write UnitFileDrift", all: []string{"file.write UnitFileDrift"}, proof: asDeclared + " && test $(systemctl show -P CPUWeight $S) = 50",
	},
	{
		name: "file-edited", spec: []string{"files: [{path: /etc/$S/env, content: \"A=1\\n\", mode: \"0640\"}]"}, start: remember,
		by: "echo A=2 > /etc/$S/env", why: "file.write FileDrift", all: []string{"file.write FileDrift"},
		proof: "test $(cat /etc/$S/env) = A=1" + sameRun,
	},
	{
		name: "file-deleted-with-its-folder", spec: []string{"files: [{path: /etc/$S/conf.d/env, content: \"A=1\\n\", mode: \"0640\"}]"},
		by: unseen("rm -r /etc/$S"), why: "file.write FileDrift", proof: "test $(cat /etc/$S/conf.d/env) = A=1",
	},
	{
		name: "file-mode", spec: []string{"files: [{path: /etc/$S/env, content: \"A=1\\n\", mode: \"0640\"}]"},
		by: "chmod 644 /etc/$S/env", why: "file.write FileDrift", proof: "test $(stat -c %a /etc/$S/env) = 640",
	},
	{
		name: "file-owner", spec: []string{"files: [{path: /etc/$S/env, content: \"A=1\\n\", owner: nobody, group: nogroup}]"},
		by: "chown root:root /etc/$S/env", why: "file.write FileDrift", proof: "test $(stat -c %U:%G /etc/$S/env) = nobody:nogroup",
	},
	{
		name: "file-of-the-host", spec: []string{"files: [{path: /etc/$S.conf, host: true, mode: \"0600\"}]", "restartOn: {files: manual}"},
		before: "echo old > /etc/$S.conf && chmod 600 /etc/$S.conf", by: "chmod 644 /etc/$S.conf",
		why: "file.write FileDrift", all: []string{"file.write FileDrift"}, proof: "test $(stat -c %a /etc/$S.conf) = 600 && test $(cat /etc/$S.conf) = old",
	},
	{
		name: "file-replaced-by-a-symlink", spec: []string{"files: [{path: /etc/$S/env, content: \"A=1\\n\"}]"},
		by: "ln -sf /etc/passwd /etc/$S/env", held: "NotAllowed", proof: "test $(readlink /etc/$S/env) = /etc/passwd",
	},
	{
		name: "drift-told", spec: []string{"drift: warn"}, by: byHand, held: "UnitFileDrift", proof: "grep -q by.hand $U",
	},
	{
		name: "drift-tolerated", spec: []string{"drift: {mode: enforce, hold: 1h}"}, by: byHand, held: "DriftHold", proof: "grep -q by.hand $U",
	},
	{
		name: "drift-tolerated-briefly", spec: []string{"drift: {mode: enforce, hold: 2s}"}, by: byHand,
		why: "file.write UnitFileDrift", proof: asDeclared,
	},
}
