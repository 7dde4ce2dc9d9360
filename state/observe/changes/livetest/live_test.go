package livetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
	"github.com/pakashop/evenkeel/state/observe/changes"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func sh(t *testing.T, line string) {
	t.Helper()
	if out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ask returns what a source knows since a moment, a line each.
func ask(t *testing.T, s changes.Source, since time.Time) (lines []string) {
	t.Helper()
	rows, err := changes.Collect(t.Context(), []changes.Source{s}, changes.Window{Since: since})
	if err != nil {
		t.Errorf("%s: %v", s.Name, err)
	}
	for _, c := range rows {
		lines = append(lines, strings.TrimSpace(c.Object+": "+c.What+"  "+c.Actor))
	}
	return lines
}

// comes asks until a line is there: the journal has it in its own time.
func comes(t *testing.T, s changes.Source, since time.Time, want string) []string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		lines := ask(t, s, since)
		for _, l := range lines {
			if l == want {
				return lines
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never says %q; it says\n%s", s.Name, want, strings.Join(lines, "\n"))
		}
	}
}

// only insists that no line but these speaks of something.
func only(t *testing.T, lines []string, of string, want ...string) {
	t.Helper()
	var got []string
	for _, l := range lines {
		if strings.Contains(l, of) {
			got = append(got, l)
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("of %s it says\n%s\nwant\n%s", of, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Real packages by a real dpkg, and its log rotated as logrotate does it.
func TestPackages(t *testing.T) {
	began := time.Now().Truncate(time.Second) // dpkg's own resolution
	for _, version := range []string{"1.0", "1.1"} {
		dir := filepath.Join(t.TempDir(), version)
		write(t, dir+"/DEBIAN/control", "Package: little\nVersion: "+version+"\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: little\n")
		sh(t, "dpkg-deb --build "+dir+" "+dir+".deb && dpkg -i "+dir+".deb")
	}
	sh(t, "mv /var/log/dpkg.log /var/log/dpkg.log.1 && gzip -k /var/log/dpkg.log.1 && mv /var/log/dpkg.log.1.gz /var/log/dpkg.log.2.gz && rm /var/log/dpkg.log.1")
	sh(t, "dpkg --purge little && echo 'not a log of dpkg' > /var/log/dpkg.logo")
	want := []string{"little:all: installed 1.0", "little:all: upgraded from 1.0 to 1.1", "little:all: removed 1.1"}
	only(t, ask(t, changes.Dpkg(), began), "little", want...)
	only(t, ask(t, changes.Dpkg(), time.Now().Add(time.Hour)), "little")

	// A log that cannot be unpacked is said, and spoils nothing.
	write(t, "/var/log/dpkg.log.3.gz", "not gzip")
	rows, err := changes.Collect(t.Context(), []changes.Source{changes.Dpkg()}, changes.Window{Since: began})
	if err == nil || !strings.Contains(err.Error(), "/var/log/dpkg.log.3.gz") || len(rows) < len(want) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// Who asked apt is known from apt.
func TestWhoAskedApt(t *testing.T) {
	write(t, "/var/log/apt/history.log", "\nStart-Date: 2026-11-23  02:00:00\nCommandline: apt install jq\nRequested-By: ann (1000)\nEnd-Date: 2026-11-23  02:00:09\n"+
		"\nStart-Date: 2026-11-23  06:00:00\nCommandline: /usr/bin/unattended-upgrade\nEnd-Date: 2026-11-23  06:00:05\n")
	write(t, "/var/log/dpkg.log.4", "2026-11-23 02:00:05 install jq:amd64 <none> 1.6\n2026-11-23 06:00:03 upgrade curl:amd64 1 2\n2026-11-23 07:00:00 upgrade git:amd64 1 2\n")
	s := changes.Source{Name: "package", Read: changes.Dpkg().Read}
	rows, _ := s.Read(t.Context(), changes.Window{Since: time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local)})
	who := map[string]string{}
	for _, c := range rows {
		who[c.Object] = c.Actor
	}
	for object, want := range map[string]string{"jq:amd64": "ann", "curl:amd64": "unattended-upgrade", "git:amd64": ""} {
		if got, ok := who[object]; !ok || got != want {
			t.Errorf("%s by %q (%v), want %q", object, got, ok, want)
		}
	}
}

const sleeper = "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n"

// What a human does with systemctl, and what systemd does by itself.
func TestSystemctlAndFiles(t *testing.T) {
	began := time.Now().Add(-time.Second) // a file's times are coarser than the clock
	write(t, "/etc/systemd/system/web.service", sleeper)
	write(t, "/etc/systemd/system/crashy.service", "[Service]\nExecStart=/bin/sh -c 'test -e /run/crashed || { touch /run/crashed; exit 1; }; exec sleep infinity'\nRestart=always\nRestartSec=10ms\n")
	write(t, "/etc/systemd/system/tick.service", "[Service]\nType=oneshot\nExecStart=/bin/touch /run/ticked\n")
	write(t, "/etc/systemd/system/tick.timer", "[Timer]\nOnActiveSec=10ms\nAccuracySec=1ms\n")
	sh(t, "systemctl daemon-reload && systemctl enable -q --now web && systemctl restart web && systemctl reload web && systemctl stop web")
	sh(t, "systemctl start crashy; until test -e /run/crashed && systemctl is-active -q crashy; do sleep 0.05; done")
	sh(t, "systemctl start tick.timer; until test -e /run/ticked; do sleep 0.05; done; systemctl mask -q tick2.service")

	comes(t, changes.Jobs(), began, "web.service: stopped")
	lines := comes(t, changes.Jobs(), began, "tick.timer: started")
	only(t, lines, "web.service", "web.service: started", "web.service: restarted", "web.service: reloaded", "web.service: stopped")
	only(t, lines, "crashy.service", "crashy.service: started")
	only(t, lines, "tick.service")

	write(t, "/etc/web/web.env", "A=1\n")
	files := ask(t, changes.Files([]string{"/etc/web/web.env", "/etc/web/none", "/etc/passwd"}), began)
	for _, want := range []string{
		"/etc/systemd/system/web.service: written",
		"/etc/systemd/system/multi-user.target.wants/web.service: linked to /etc/systemd/system/web.service",
		"/etc/systemd/system/tick2.service: masked",
		"/etc/web/web.env: written",
	} {
		only(t, files, strings.SplitAfter(want, ": ")[0], want)
	}
	only(t, files, "/etc/passwd")
	only(t, files, "none")
	sh(t, "touch -d '2 days ago' /etc/web/web.env")
	if got := ask(t, changes.Files([]string{"/etc/web/web.env"}), began); !strings.Contains(strings.Join(got, "\n"), "/etc/web/web.env: put there, renamed, or its owner or mode set") {
		t.Errorf("an old time of writing hides a change:\n%s", strings.Join(got, "\n"))
	}
}

func TestLoginsAndBoots(t *testing.T) {
	began := time.Now()
	sh(t, "su -s /bin/sh -c true nobody")
	comes(t, changes.Logins(), began, "nobody: became nobody on none  root")
	if boots := ask(t, changes.Boots(), began.Add(-time.Hour)); len(boots) == 0 || !strings.HasPrefix(boots[len(boots)-1], "host: booted") {
		t.Errorf("the boot of this host is not told: %q", boots)
	}
}

func TestCertificates(t *testing.T) {
	began := time.Now().Add(-time.Second)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pakashop.store"}, DNSNames: []string{"pakashop.store", "www.pakashop.store"}, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "/etc/web/archive/1.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs}))+string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	sh(t, "ln -s archive/1.pem /etc/web/live.pem")
	write(t, "/etc/web/broken.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no")})))
	write(t, "/etc/web/notes.txt", "no certificate")

	rows, err := changes.Collect(t.Context(), []changes.Source{changes.Certificates([]string{"/etc/web/live.pem", "/etc/web/broken.crt", "/etc/web/notes.txt", "/etc/web/gone.pem"})}, changes.Window{Since: began})
	if len(rows) != 1 || rows[0].What != "certificate of pakashop.store for pakashop.store, www.pakashop.store until 2027-01-02T03:04:05Z" {
		t.Errorf("%+v", rows)
	}
	if err == nil || !strings.Contains(err.Error(), "/etc/web/broken.crt") || strings.Contains(err.Error(), "gone.pem") {
		t.Errorf("error %v", err)
	}
}
