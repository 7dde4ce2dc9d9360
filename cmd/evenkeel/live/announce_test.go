package live_test

import (
	"strings"
	"testing"
)

// loggedIn is a program that has a terminal of its own, is listed in utmp as
// logged in there, and writes down all that is shown on it. $1 is the mode of
// the terminal, $2 the file.
const loggedIn = `
import os, pty, struct, sys
far, near = pty.openpty()
name = os.ttyname(near)
os.chmod(name, int(sys.argv[1], 8))
line = name[len("/dev/"):].encode()
length = 400 if os.uname().machine in ("aarch64", "riscv64", "loongarch64") else 384
with open("/run/utmp", "ab") as utmp:
    utmp.write(struct.pack("=hxxi32s4s32s", 7, os.getpid(), line, b"1", b"anna").ljust(length, b"\0"))
out = open(sys.argv[2], "wb", buffering=0)
out.write(b"ready\n")
while True:
    out.write(os.read(far, 4096))
`

// A stop by hand is announced when it is seen: in the log, as a warning, and on
// the terminals of those who are logged in and want to be told; once, also when
// evenkeel is started anew.
func TestAStopByHandIsAnnounced(t *testing.T) {
	t.Parallel()
	b := boot(t, "announce")
	b.write("/root/loggedin.py", loggedIn)
	b.sh("systemd-run -q --unit=anna python3 /root/loggedin.py 620 /run/anna; systemd-run -q --unit=deaf python3 /root/loggedin.py 600 /run/deaf")
	b.comes("grep -q ready /run/anna && grep -q ready /run/deaf")
	b.declare("web", service("web", sleeper()), service("brief", sleeper(), "manualStop: {hold: 2m}"))
	b.keep()
	b.well("web", "brief")
	b.sh("systemctl stop web")
	b.comes("grep -q 'systemctl start web.service' /run/anna")
	shown := b.sh("tr -d '\\r\\a' < /run/anna")
	if !strings.Contains(shown, "Message from evenkeel on announce at ") || !strings.Contains(shown, "web.service was stopped by hand; it is started again after 1h") {
		t.Errorf("shown: %q", shown)
	}
	b.held("web", "ManualStop")
	b.sh("systemctl restart evenkeel")
	b.held("web", "ManualStop")
	b.sh("systemctl stop evenkeel && systemctl stop brief && systemctl start evenkeel") // while it is down
	b.comes("grep -q 'systemctl start brief.service' /run/anna")
	if n := b.sh("grep -c 'web.service was stopped by hand' /run/anna"); n != "1" {
		t.Errorf("shown %s times", n)
	}
	if got := b.sh("cat /run/deaf"); got != "ready" {
		t.Errorf("shown in spite of mesg n: %q", got)
	}
	warned := 0
	for line := range strings.Lines(b.sh("journalctl --no-pager -o cat -u evenkeel")) {
		if strings.Contains(line, "a stop by hand is respected") && strings.Contains(line, "Service/web") {
			warned++
			if !strings.Contains(line, `"level":40`) || !strings.Contains(line, "it is started again after 1h, or at once by: systemctl start web.service") {
				t.Errorf("logged: %s", line)
			}
		}
	}
	if warned != 1 {
		t.Errorf("logged %d times", warned)
	}
}
