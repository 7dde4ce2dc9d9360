package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secret is one that is planted; none of them may be seen anywhere.
func secret(i int) string { return fmt.Sprintf("canary%02dx7f3a", i) }

// What somebody wrote by hand into a unit, a drop-in or a file is told, with its
// diff, and none of the secrets in it is: on no output, in no log, in no record, on
// no command line. What is overwritten in the end is kept, for root alone, and
// what is declared sensitive is not.
func TestAHandEditIsToldWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	b := boot(t, "secrets")
	b.declare("vault", service("vault", sleeper("Environment=MODE=prod"), "drift: {mode: enforce, hold: 1h}", "files:",
		`  - {path: /etc/vault/declared.env, content: "KEY=`+secret(0)+`\n", sensitive: true, mode: "0600"}`,
		`  - {path: /etc/vault/host.env, host: true, sensitive: true, mode: "0600"}`,
		`  - {path: /etc/vault/plain.conf, content: "level = info\n", mode: "0644"}`))
	b.write("/etc/vault/host.env", "PIN="+secret(1)+"\n")
	b.sh("chmod 600 /etc/vault/host.env")
	b.keep()
	b.well("vault")

	b.sh("printf '%s\n' KEY=" + secret(2) + " > /etc/vault/declared.env; chmod 644 /etc/vault/declared.env /etc/vault/host.env; echo PIN=" + secret(3) + " >> /etc/vault/host.env")
	b.sh("printf '%s\n' 'level = debug' 'url = https://shop:" + secret(4) + "@db.internal/' > /etc/vault/plain.conf")
	b.sh("sed -i 's/MODE=prod/MODE=night/; /MODE/a Environment=DB_PASSWORD=" + secret(5) + "' " + unitDir + "/vault.service")
	b.write(unitDir+"/vault.service.d/50-hand.conf", "[Service]\nEnvironment=\"API_TOKEN="+secret(6)+"\" LEVEL=9\n")
	b.held("vault", "DriftHold")
	b.until("all of that is told", func() string {
		out := b.evenkeel("diff").out
		for _, want := range []string{
			"-Environment=MODE=night", "+Environment=MODE=prod", "-Environment=DB_PASSWORD=(sensitive)", "-level = debug", "+level = info",
			"50-hand.conf", "declared.env", "host.env differs in mode",
		} {
			if !strings.Contains(out, want) {
				return "no " + want + " in\n" + out
			}
		}
		return ""
	})
	b.tellsNoSecret("held")
	for _, user := range []string{"", "setpriv --reuid=65534 --regid=65534 --clear-groups "} {
		b.sh(user + "evenkeel diff > /dev/null; test $? = 1")
	}

	// What is then overwritten is kept, and shown to root when he asks for it.
	b.sh("mkdir -p /root/then && cp " + desiredDir + "/vault.yaml /root/then/ && sed -i 's/hold: 1h/hold: 1s/; s/^  drift/  foreignDropIns: enforce\\n  drift/' /root/then/vault.yaml && mv /root/then/vault.yaml " + desiredDir + "/vault.yaml")
	b.well("vault")
	b.tellsNoSecret("overwritten")
	kept := b.must(0, "displaced", "list").out
	for path, want := range map[string]bool{"plain.conf": true, "vault.service": true, "50-hand.conf": true, "declared.env": false} {
		if strings.Contains(kept, path) != want {
			b.Errorf("%s was overwritten; kept: %v, want %v (never of what is sensitive)\n%s", path, !want, want, kept)
		}
	}
	b.sh("! setpriv --reuid=65534 --regid=65534 --clear-groups ls /var/lib/evenkeel 2>/dev/null")
}

// tellsNoSecret asks evenkeel all that it can be asked, in every form, and looks
// for the secrets in it, in its log, its record and on all command lines.
func (b box) tellsNoSecret(when string, others ...string) {
	b.Helper()
	for i := range 7 {
		others = append(others, secret(i))
	}
	told := map[string]string{}
	for verb, forms := range map[string]string{
		"diff": "text json yaml markdown html", "status": "table wide json yaml oneline", "get services": "table json yaml", "describe vault": "text json",
		"why vault": "text json", "history": "text json", "report --since 1h": "text json markdown", "changes --since 1h": "text json", "displaced list": "table json",
	} {
		for form := range strings.FieldsSeq(forms) {
			r := b.evenkeel(append(strings.Fields(verb), "-o", form)...)
			if r.code == 2 {
				b.Errorf("%s -o %s: %s", verb, form, r.err)
			}
			told[verb+" -o "+form] = r.out + r.err
		}
	}
	told["validate --effective"] = b.must(0, "validate", "--effective", desiredDir).out
	told["the log"] = b.sh("journalctl --no-pager -o json -u evenkeel")
	told["the command lines"] = b.sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '; :")
	told["the environment"] = b.sh("cat /proc/$(systemctl show -P MainPID evenkeel)/environ | tr '\\0' ' '")
	records, err := filepath.Glob(b.host.Root() + "/var/lib/evenkeel/*.db")
	if err != nil || len(records) == 0 {
		b.Fatalf("no record: %v", err)
	}
	for _, path := range records {
		content, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		told["the record "+filepath.Base(path)] = string(content)
	}
	for where, text := range told {
		for _, one := range others {
			if strings.Contains(text, one) {
				b.Errorf("%s: %s shows the secret %s", when, where, one)
			}
		}
	}
	b.Logf("%s: looked at %d outputs", when, len(told))
}
