package live_test

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// causes are the ways in which a unit goes down, and what why says of each. $S
// is the service.
var causes = []struct {
	name, by string
	evidence []string // "fact: how its value begins"
	held     string
}{
	{"clean-exit", "kill -TERM " + mainPID, []string{"result: success", "stopped: by its own exit"}, "ObserveOnly"},
	{"stopped-by-hand", "systemctl stop $S", []string{"result: success", "stopped: by a stop job, says the journal: somebody asked"}, "ManualStop"},
	{"conflict", "systemctl start $S-foe", []string{"result: success", "stopped: by a stop job, says the journal: because $S-foe.service was started"}, "ManualStop"},
	{"conflict-forgotten", "systemctl start $S-brief", []string{"result: success", "stopped: by a stop job, says the journal: because $S-brief.service was started"}, "ManualStop"},
	{"killed", "systemctl kill -s KILL $S", []string{"result: signal"}, "ObserveOnly"},
	{outOfMemory, "systemctl kill -s KILL $S", []string{"result: oom-kill"}, "ObserveOnly"},
	{"exit-code", "touch /run/$S.fail", []string{"result: exit-code"}, "ObserveOnly"},
}

// outOfMemory is killed for lack of memory, as systemd-oomd does it: see oomd.
const outOfMemory = "out-of-memory"

// oomd marks the cgroup of a unit as systemd-oomd does before it kills what is
// in it. It is by these marks that systemd tells such a kill from any other; what
// the kernel kills, it tells by the memory controller of cgroup2, which not every
// machine hands on to a disposable host.
func (b box) oomd(unit string) {
	b.Helper()
	dir := filepath.Join(b.host.Cgroup(), "system.slice", unit)
	for _, mark := range []string{"user.oomd_ooms", "user.oomd_kill"} {
		if err := unix.Setxattr(dir, mark, []byte("1"), 0); err != nil {
			b.Fatalf("mark %s: %v", dir, err)
		}
	}
}

// obedient fails when it is told to.
const obedient = `[Service]
ExecStart=/bin/sh -c 'while sleep 0.05; do test ! -e /run/$S.fail || exit 3; done'
[Install]
WantedBy=multi-user.target
`

// Whether a unit was stopped, ended, failed, was killed by somebody or for lack
// of memory is told apart, live and where it happened while evenkeel was down, and
// why prints the evidence.
func TestWhyAUnitWentDownIsToldApart(t *testing.T) {
	t.Parallel()
	b := boot(t, "causes")
	var estate []string
	for _, c := range causes {
		for _, name := range []string{c.name, c.name + "-unseen"} {
			estate = append(estate, service(name, strings.ReplaceAll(obedient, "$S", name), "management: observe"))
			b.write(unitDir+"/"+name+".service", strings.ReplaceAll(obedient, "$S", name))
			b.write(unitDir+"/"+name+"-foe.service", "[Unit]\nConflicts="+name+".service\n"+sleeper())
			b.write(unitDir+"/"+name+"-brief.service", "[Unit]\nConflicts="+name+".service\n[Service]\nType=oneshot\nExecStart=/bin/true\n")
		}
	}
	b.sh("systemctl daemon-reload")
	for _, c := range causes {
		b.sh("systemctl enable -q --now " + c.name + " " + c.name + "-unseen")
	}
	b.declare("estate", estate...)
	b.keep()
	for _, c := range causes {
		b.well(c.name, c.name+"-unseen")
	}

	down := func(name, by string) {
		b.Helper()
		if strings.HasPrefix(name, outOfMemory) {
			b.oomd(name + ".service")
		}
		b.sh(strings.ReplaceAll(by, "$S", name))
		b.comes("systemctl show -P ActiveState " + name + " | grep -qxE 'inactive|failed'")
	}
	for _, c := range causes {
		down(c.name, c.by)
		b.because(c.name, c.held, c.evidence)
	}
	b.sh("systemctl stop evenkeel")
	for _, c := range causes {
		down(c.name+"-unseen", c.by)
	}
	b.sh("systemctl start evenkeel")
	for _, c := range causes {
		b.because(c.name+"-unseen", c.held, c.evidence)
	}
}

// because waits until why names what holds a service, with this evidence.
func (b box) because(name, held string, evidence []string) {
	b.Helper()
	b.until("why "+name, func() string {
		var w struct {
			Held     []struct{ Reason string }
			Evidence []struct{ Source, Fact, Value string }
		}
		b.data(&w, "why", name, "-o", "json")
		var facts strings.Builder
		for _, e := range w.Evidence {
			if e.Source == "unit:"+name+".service" {
				facts.WriteString(e.Fact + ": " + e.Value + "\n")
			}
		}
		for _, e := range evidence {
			e = strings.ReplaceAll(e, "$S", name)
			if !strings.Contains(facts.String(), e) {
				return "no " + e + " in\n" + facts.String()
			}
		}
		for _, h := range w.Held {
			if h.Reason == held {
				return ""
			}
		}
		return "it is not held for " + held
	})
}
