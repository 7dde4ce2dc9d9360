package changes

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// said is what the rows say, a line each.
func said(rows []Change) []string {
	out := []string{}
	for _, c := range rows {
		out = append(out, strings.TrimSpace(c.Object+": "+c.What+"  "+c.Actor))
	}
	return out
}

// A source that cannot be read spoils nothing, and is named; the newest rows of
// each are kept, and all come in the order of time.
func TestCollect(t *testing.T) {
	source := func(name string, err error, seconds ...int) Source {
		return Source{name, func(context.Context, Window) ([]Change, error) {
			var rows []Change
			for _, s := range seconds {
				rows = append(rows, Change{Time: at(s), Object: strconv.Itoa(s)})
			}
			return rows, err
		}}
	}
	rows, err := Collect(t.Context(), []Source{
		source("a", nil, 5, 1, 3), source("b", errors.New("no permission")), source("c", errors.New("half of it"), 2, -10), source("d", nil),
	}, Window{Since: at(0), Limit: 2})
	var got []string
	for _, c := range rows {
		got = append(got, c.Source+c.Object)
	}
	if d := cmp.Diff([]string{"c2", "a3", "a5"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err == nil || err.Error() != "b: no permission\nc: half of it" {
		t.Errorf("error %q", err)
	}
}

func TestDpkgLine(t *testing.T) {
	for line, want := range map[string]string{
		"2026-11-23 02:00:00 install shellcheck:amd64 <none> 0.9.0-1":        "shellcheck:amd64: installed 0.9.0-1",
		"2026-11-23 02:00:00 install nginx:amd64 1.22.1-9 1.22.1-9":          "nginx:amd64: installed 1.22.1-9 again, it had been 1.22.1-9",
		"2026-11-23 02:00:00 upgrade nginx:amd64 1.22.1-9 1.22.1-9+deb12u1":  "nginx:amd64: upgraded from 1.22.1-9 to 1.22.1-9+deb12u1",
		"2026-11-23 02:00:00 remove nginx:amd64 1.22.1-9 <none>":             "nginx:amd64: removed 1.22.1-9",
		"2026-11-23 02:00:00 purge nginx:amd64 1.22.1-9 <none>":              "nginx:amd64: purged 1.22.1-9",
		"2026-11-23 02:00:00 configure nginx:amd64 1.22.1-9 <none>":          "",
		"2026-11-23 02:00:00 status half-configured nginx:amd64 1.22.1-9":    "",
		"2026-11-23 02:00:00 startup packages configure":                     "",
		"2026-11-23 02:00:00 trigproc libc-bin:amd64 2.36-9+deb12u10 <none>": "",
		"2026-11-23 02:00:00 conffile /etc/nginx/nginx.conf keep":            "",
		"yesterday 02:00:00 install shellcheck:amd64 <none> 0.9.0-1":         "",
		"": "",
	} {
		c, ok := dpkgLine(line)
		if got := strings.Join(said([]Change{c}), ""); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %v %q, want %q", line, ok, got, want)
		}
	}
}

func TestRpmRows(t *testing.T) {
	got := said(rpmRows("1763863200 nginx 1:1.24.0-4.el9\n1763863201 gpg-pubkey 5a6340b3-6229229e\nwarning: something\n\n"))
	if d := cmp.Diff([]string{"nginx: installed 1:1.24.0-4.el9", "gpg-pubkey: installed 5a6340b3-6229229e"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// logged is an entry of the journal by a program at its usual place.
func logged(seconds int, exe, comm, message string) entry {
	return entry{Realtime: strconv.FormatInt(at(seconds).UnixMicro(), 10), Exe: text(exe), Comm: text(comm), Message: text(message), UID: "0"}
}

func TestLogins(t *testing.T) {
	session := logged(2, "/usr/lib/systemd/systemd-logind", "systemd-logind", "New session 5 of user ann.")
	session.MessageID, session.User = sessionStarted, "ann"
	lone := session
	lone.User = "bob"
	forged := logged(1, "/home/eve/sudo", "sudo", "    ann : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")
	forged.UID = "1000"
	hidden := forged
	hidden.Exe = ""
	for name, c := range map[string]struct {
		entries []entry
		want    []string
	}{
		"ssh by key": {
			[]entry{logged(1, "/usr/sbin/sshd", "sshd", "Accepted publickey for ann from 10.0.0.5 port 50122 ssh2: ED25519 SHA256:q1w2")},
			[]string{"ann: came in by ssh from 10.0.0.5 with publickey  ann"},
		},
		"ssh of newer hosts, and its session": {
			[]entry{logged(1, "/usr/lib/openssh/sshd-session", "sshd-session", "Accepted password for ann from ::1 port 50122 ssh2"), session},
			[]string{"ann: came in by ssh from ::1 with password  ann"},
		},
		"a session of somebody else": {
			[]entry{logged(1, "/usr/sbin/sshd", "sshd", "Accepted publickey for ann from 10.0.0.5 port 1 ssh2"), lone},
			[]string{"ann: came in by ssh from 10.0.0.5 with publickey  ann", "bob: a session began  bob"},
		},
		"a failed password is no change": {[]entry{logged(1, "/usr/sbin/sshd", "sshd", "Failed password for ann from 10.0.0.5 port 1 ssh2")}, []string{}},
		"sudo": {
			[]entry{logged(1, "/usr/bin/sudo", "sudo", "     ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx")},
			[]string{"root: ran /usr/bin/systemctl restart nginx  ann"},
		},
		"sudo with a group and an environment": {
			[]entry{logged(1, "/usr/bin/sudo", "sudo", "ann : TTY=pts/0 ; PWD=/ ; USER=www ; GROUP=www ; ENV=A=1 ; COMMAND=/bin/true")},
			[]string{"www: ran /bin/true  ann"},
		},
		"sudo says no": {
			[]entry{logged(1, "/usr/bin/sudo", "sudo", "     eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh")},
			[]string{"root: was refused (user NOT in sudoers): /bin/sh  eve"},
		},
		"su":                                  {[]entry{logged(1, "/usr/bin/su", "su", "(to root) ann on pts/1")}, []string{"root: became root on pts/1  ann"}},
		"su fails":                            {[]entry{logged(1, "/usr/bin/su", "su", "FAILED SU (to root) eve on pts/1")}, []string{"root: failed to become root on pts/1  eve"}},
		"at the console":                      {[]entry{logged(1, "/usr/bin/login", "login", "ROOT LOGIN  on '/dev/tty1'"), logged(2, "/usr/bin/login", "login", "LOGIN ON tty1 BY ann")}, []string{"root: came in at tty1  root", "ann: came in at tty1  ann"}},
		"somebody's own program of that name": {[]entry{forged, hidden}, []string{}},
	} {
		if d := cmp.Diff(c.want, said(logins(c.entries))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// job is what PID 1 says of a unit.
func job(seconds int, id, kind, unit string) entry {
	e := logged(seconds, "/usr/lib/systemd/systemd", "systemd", "")
	e.MessageID, e.JobType, e.Unit, e.Boot = text(id), text(kind), text(unit), "b1"
	return e
}

func TestJobs(t *testing.T) {
	byTimer := func(unit string) bool { return unit == "backup.service" }
	skipped := job(1, jobStarted, "start", "web.service")
	skipped.Message = "web.service - a test's was skipped because of an unmet condition check (ConditionPathExists=/nowhere)."
	for name, c := range map[string]struct {
		entries []entry
		want    []string
	}{
		"start, stop, reload": {
			[]entry{job(1, jobStarted, "start", "web.service"), job(2, jobReloaded, "reload", "web.service"), job(3, jobStopped, "stop", "web.service")},
			[]string{"web.service: started", "web.service: reloaded", "web.service: stopped"},
		},
		"a restart is one change": {
			[]entry{job(1, jobStopped, "restart", "web.service"), job(2, jobStarted, "start", "web.service")},
			[]string{"web.service: restarted"},
		},
		"a start and a restart that fail": {
			[]entry{job(1, jobFailed, "start", "web.service"), job(2, jobStopped, "restart", "db.service"), job(3, jobFailed, "start", "db.service")},
			[]string{"web.service: start failed", "db.service: restarted, and the start failed"},
		},
		"systemd's own restart": {
			[]entry{job(1, restartScheduled, "", "web.service"), job(2, jobStopped, "restart", "web.service"), job(3, jobStarted, "start", "web.service")},
			[]string{},
		},
		"what a timer starts, and what a human stops of it": {
			[]entry{job(1, jobStarted, "start", "backup.service"), job(2, jobStopped, "stop", "backup.service")},
			[]string{"backup.service: stopped"},
		},
		"the host comes up": {
			[]entry{job(1, jobStarted, "start", "web.service"), job(2, startupFinished, "", ""), job(3, jobStarted, "start", "db.service")},
			[]string{"db.service: started"},
		},
		"the host goes down": {
			[]entry{job(1, jobStopped, "stop", "web.service"), job(2, shutdownBegins, "", ""), job(3, jobStopped, "stop", "db.service")},
			[]string{"web.service: stopped"},
		},
		"a condition is not met": {[]entry{skipped}, []string{"web.service: start skipped, a condition is not met"}},
		"logins and devices": {
			[]entry{job(1, jobStarted, "start", "user@1000.service"), job(1, jobStarted, "start", "session-1.scope"), job(1, jobStarted, "start", "data.mount"), job(1, jobStarted, "start", "systemd-hostnamed.service")},
			[]string{},
		},
	} {
		if d := cmp.Diff(c.want, said(jobs(c.entries, byTimer))); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func TestBoots(t *testing.T) {
	a, b, c := strings.Repeat("a", 32), strings.Repeat("b", 32), strings.Repeat("c", 32)
	want := []string{
		"host: booted", "host: booted", "host: booted; before, it went down without a shutdown after 2026-11-22T23:59:59Z",
	}
	for version, list := range map[string]string{
		"252": "-2 " + a + " Fri 2026-11-20 10:00:00 UTC—Sat 2026-11-21 10:00:00 UTC\n" +
			"-1 " + b + " Sat 2026-11-21 10:00:30 UTC—Sun 2026-11-22 23:59:59 UTC\n" +
			" 0 " + c + " Mon 2026-11-23 00:05:00 UTC—Mon 2026-11-23 12:00:00 UTC\n",
		"255": "IDX BOOT ID                          FIRST ENTRY                 LAST ENTRY\n" +
			" -2 " + a + " Fri 2026-11-20 10:00:00 UTC Sat 2026-11-21 10:00:00 UTC\n" +
			" -1 " + b + " Sat 2026-11-21 10:00:30 UTC Sun 2026-11-22 23:59:59 UTC\n" +
			"  0 " + c + " Mon 2026-11-23 00:05:00 UTC Mon 2026-11-23 12:00:00 UTC\n",
	} {
		rows := boots(list, []entry{{Boot: text(a)}})
		if d := cmp.Diff(want, said(rows)); d != "" {
			t.Errorf("systemd %s (-want +got):\n%s", version, d)
		}
	}
}

// A field of the journal may be bytes, a list, or nothing.
func TestText(t *testing.T) {
	for in, want := range map[string]text{`"plain"`: "plain", `[104, 105, 255]`: "hi\xff", `["one","two"]`: "", `null`: "", `{"a":1}`: ""} {
		var e entry
		if err := json.Unmarshal([]byte(`{"MESSAGE":`+in+`}`), &e); err != nil || e.Message != want {
			t.Errorf("%s: %q, %v; want %q", in, e.Message, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	rows := []Change{
		{at(0), "login", "root", "ran /usr/bin/systemctl restart db", "ann"},
		{at(1), "systemctl", "db.service", "restarted", ""},
		{at(1).Add(-time.Second), "systemctl", "web.service", "stopped", ""},
		{at(2), "systemctl", "web.service", "started", ""},
		{at(2), "systemctl", "web.service", "restarted", ""},
		{at(3), "file", "/etc/systemd/system/web.service", "written", ""},
		{at(2), "file", "/etc/systemd/system/multi-user.target.wants/web.service", "linked to …", ""},
		{at(3), "file", "/etc/systemd/system/other.service", "written", ""},
		{at(3), "package", "web.service", "installed 1", ""},
		{at(60), "file", "/etc/systemd/system/web.service", "written", ""},
		{at(300), "systemctl", "db.service", "restarted", ""},
	}
	own := []Act{{"start", "web.service", at(1), at(2)}, {"write", "/etc/systemd/system/web.service", at(3), at(3)}}
	want := []string{
		"root: ran /usr/bin/systemctl restart db  ann", "db.service: restarted  ann", "web.service: stopped", "web.service: restarted",
		"/etc/systemd/system/other.service: written", "web.service: installed 1",
		"/etc/systemd/system/web.service: written", "db.service: restarted",
	}
	if d := cmp.Diff(want, said(Explain(rows, own))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
