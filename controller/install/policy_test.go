package install

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/desired/read"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// found is a host with something of everything.
var found = []Unit{
	{Name: "pakashop-backend.service", Description: "the backend", Own: true, Live: true, Enabled: true},
	{Name: "pakashop-search.service", Own: true},
	{Name: "pakashop-gateway.service", Description: "the gateway", Own: true, Live: true, Enabled: true},
	{Name: "backup.timer", Description: "Nightly backup", Own: true, Live: true, Enabled: true},
	{Name: "one-of.service", Description: "Alone with its prefix", Own: true},
	{Name: "worker@.service", Own: true},
	{Name: "worker@1.service", Own: true, Live: true},
	{Name: `odd\x2dname.service`, Description: "Escaped", Own: true},
	{Name: "sshd.service", Own: true, Live: true},
	{Name: "evenkeel.service", Own: true, Live: true},
	{Name: "data.mount", Own: true, Live: true},
	{Name: "nginx.service", Description: "A high performance web server\x1b[31m and a \"reverse\" proxy server, for all who need: one", Live: true, Enabled: true},
	{Name: "postgresql@15-main.service", Description: "PostgreSQL Cluster 15-main", Live: true, Enabled: true},
	{Name: "apt-daily.timer", Description: "Daily apt download", Live: true, Enabled: true},
	{Name: "apt-daily-upgrade.timer", Live: true, Enabled: true},
	{Name: "apt-news.timer", Live: true, Enabled: true},
	{Name: "polkit.service", Description: "static: something starts it", Live: true},
	{Name: "rsync.service", Description: "enabled, and it never ran", Enabled: true},
	{Name: "systemd-resolved.service", Live: true, Enabled: true},
	{Name: "no.service", Description: "a word that YAML takes for false", Own: true},
}

// The policy that install writes is read without a word of complaint, allows
// what was found, and does nothing.
func TestPolicyIsUnderstood(t *testing.T) {
	for name, h := range map[string]Host{
		"of a host":            {Name: "app-1", Units: Candidates(found)},
		"of an empty image":    {},
		"of an odd host":       {Name: "no: #1", Units: []Allowed{{Glob: "a-*", Comment: "line\nfeed"}}},
		"of a number for host": {Name: "10"},
	} {
		file := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(file, Policy(h), 0o644); err != nil {
			t.Fatal(err)
		}
		p, problems := read.Policy(file)
		for _, one := range problems {
			t.Errorf("%s: %s\n%s", name, one, Policy(h))
		}
		if p.Mode != desired.Observe || p.Host.Name != h.Name || len(p.Units) != len(h.Units) {
			t.Errorf("%s: it is read as %+v", name, p)
		}
		if name != "of a host" {
			continue
		}
		for _, u := range found {
			wants := u.Own || u.Live && u.Enabled
			if wants && !p.Protected(u.Name) && !strings.HasSuffix(u.Name, ".mount") && !p.AllowsUnit(u.Name) {
				t.Errorf("%s was found and is not allowed", u.Name)
			}
		}
		for _, u := range []string{"polkit.service", "rsync.service", "sshd.service", "apt-other.timer"} {
			if p.AllowsUnit(u) {
				t.Errorf("%s is allowed", u)
			}
		}
	}
}

func TestPolicyText(t *testing.T) {
	golden(t, "policy.yaml", Policy(Host{Name: "app-1", Units: Candidates(found)}))
}

// A unit's path is one word for systemd, whatever is in it.
func TestUnitFile(t *testing.T) {
	golden(t, "evenkeel.service", UnitFile("/usr/local/bin/evenkeel"))
	for path, want := range map[string]string{
		"/opt/even keel/evenkeel": `ExecStart="/opt/even keel/evenkeel" run`,
		"/opt/100%/evenkeel":      `ExecStart=/opt/100%%/evenkeel run`,
		`/opt/a"b\c/evenkeel`:     `ExecStart="/opt/a\"b\\c/evenkeel" run`,
	} {
		if got := string(UnitFile(path)); !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("%s: no %s in\n%s", path, want, got)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is not as it was (-want +got); run with -update if that is meant:\n%s", path, d)
	}
}
