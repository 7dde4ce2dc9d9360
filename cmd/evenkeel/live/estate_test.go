package live_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

// bootEstate boots a host with the packages that the example estate stands on,
// the examples in /run/examples, and the programs that play its services.
func bootEstate(t *testing.T, name string) box {
	t.Helper()
	layer, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	examples, err := filepath.Abs("../../../examples")
	if err != nil {
		t.Fatal(err)
	}
	h := hosttest.Boot(t, rehearse.Options{Name: name, Layers: []string{layer}, Binds: []rehearse.Bind{
		{Source: binary, Target: "/usr/local/bin/evenkeel", ReadOnly: true}, {Source: examples, Target: "/run/examples", ReadOnly: true},
	}})
	b := newBox(t, h)
	build := exec.Command("go", "build", "-o", h.Share()+"/", "./pakashop/service", "./pakashop/meilisearch")
	build.Dir, build.Env = examples, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b.sh("install -D -t /usr/local/lib/pakashop " + rehearse.ShareInside + "/service " + rehearse.ShareInside + "/meilisearch")
	return b
}

// impatient makes the estate's probes ask each second, so that a test need not
// wait for what an operator may.
const impatient = `
	mkdir -p /etc/evenkeel/desired && cp -r /run/examples/pakashop/. /etc/evenkeel/desired && rm -r /etc/evenkeel/desired/service /etc/evenkeel/desired/meilisearch
	cd /etc/evenkeel/desired
	sed -i 's/^      timeoutSeconds: 2/      timeoutSeconds: 2\n      periodSeconds: 1/; s/initialDelaySeconds: 5/initialDelaySeconds: 1/' defaults.yaml
	sed -i 's/^  readinessProbe: {\(.*\)}$/  readinessProbe: {\1, periodSeconds: 1}/' platform.yaml`

// units19 are the platform's own services.
const units19 = "$(cd /etc/systemd/system && ls -d pakashop-*.service | grep -v @)"

// runs says which invocation of each of the platform's services runs.
func (b box) runs() string {
	b.Helper()
	return b.sh("systemctl show -P InvocationID " + units19)
}

// allWell waits until every row of the board is OK.
func (b box) allWell() {
	b.Helper()
	b.until("all of the estate is well", func() string {
		var not []string
		for _, r := range b.board().Services {
			if r.State != "OK" {
				not = append(not, fmt.Sprintf("%s %s %s: %s", r.Name, r.State, r.Reason, r.Detail))
			}
		}
		slices.Sort(not)
		return strings.Join(not, "\n")
	})
}

// count is how many lines a shell line prints.
func (b box) count(line string) int {
	b.Helper()
	return len(strings.Fields(b.sh("{ " + line + "; true; } | sed 's/.*/x/'")))
}

// escalations counts how often a human was called for the host as a whole.
func (b box) escalations() int {
	b.Helper()
	return b.count("journalctl --no-pager -o cat -u evenkeel | grep 'a human is needed' | grep 'Host/'")
}

// throughout checks again and again, for a while, that something stays as it is.
func (b box) throughout(d time.Duration, check func()) {
	b.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		check()
	}
}

// The estate is struck in one way after another. Each time the right thing is
// acted on, and nothing else.
func TestTheEstateIsStruck(t *testing.T) {
	t.Parallel()
	b := bootEstate(t, "struck")
	b.sh(impatient)
	b.keep()
	b.allWell()

	strike := func(name string, f func(b box)) {
		ok := t.Run(name, func(t *testing.T) {
			b := b.on(t)
			f(b)
			b.allWell()
		})
		if !ok {
			t.FailNow() // what comes next would only tell of this
		}
	}
	others := func(before, but string) {
		t.Helper()
		names, was, is := strings.Fields(b.sh("echo "+units19)), strings.Split(before, "\n"), strings.Split(b.runs(), "\n")
		was, is = slices.DeleteFunc(was, empty), slices.DeleteFunc(is, empty)
		for i, n := range names {
			if was[i] != is[i] && n != but+".service" {
				t.Errorf("%s was restarted", n)
			}
		}
	}
	strike("one service hangs: it alone is restarted", func(b box) {
		before := b.runs()
		b.sh("curl -fsS -m 5 -X POST '127.0.0.1:3010/fault?kind=hang'")
		b.until("pakashop-fraud is restarted", func() string {
			if b.runs() == before {
				return "not yet: " + fmt.Sprint(b.row("pakashop-fraud"))
			}
			return ""
		})
		others(before, "pakashop-fraud")
		var done []step
		b.until("history tells of it", func() string {
			done = slices.DeleteFunc(b.history("pakashop-fraud"), func(s step) bool { return s.Reason != "LivenessFailed" || s.Outcome != "done" })
			if len(done) == 0 {
				return "nothing yet"
			}
			return ""
		})
		if len(done) != 1 || done[0].Verb != "restart" || done[0].Case == "" {
			t.Errorf("history says %+v", done)
		}
	})
	strike("something else answers for one: it is never restarted", func(b box) {
		before := b.runs()
		b.sh("curl -fsS -X POST '127.0.0.1:3016/fault?kind=wrong'")
		b.until("pakashop-invoicing is WrongService", func() string {
			r := b.row("pakashop-invoicing")
			if r.State != "FAIL" || r.Reason != "Escalated" {
				return fmt.Sprint(r)
			}
			return ""
		})
		b.throughout(3*time.Second, func() { others(before, "") })
		b.sh("curl -fsS -X POST '127.0.0.1:3016/fault?kind=off'")
	})
	strike("PostgreSQL is killed and kept down: nobody else is touched", func(b box) {
		b.keptDown("PostgreSQL", []string{"postgresql"}, 20*time.Second,
			"mv /usr/lib/postgresql/15/bin/postgres /root/postgres; systemctl kill -s KILL postgresql@15-main",
			"mv /root/postgres /usr/lib/postgresql/15/bin/postgres")
	})
	strike("Redis and PostgreSQL at once", func(b box) {
		b.keptDown("both", []string{"postgresql", "redis"}, 10*time.Second,
			"mv /usr/lib/postgresql/15/bin/postgres /root/postgres; mv /usr/bin/redis-server /root/redis-server; systemctl kill -s KILL postgresql@15-main redis-server",
			"mv /root/postgres /usr/lib/postgresql/15/bin/postgres; mv /root/redis-server /usr/bin/redis-server")
	})
	strike("all of it is killed at once: it comes up in order, and nothing blocks it", func(b box) {
		called := b.escalations()
		b.sh("systemctl kill -s KILL " + units19 + " redis-server postgresql@15-main nginx")
		b.until("the gateway runs", func() string {
			if r := b.row("pakashop-gateway"); r.Active != "active" {
				return fmt.Sprint(r)
			}
			return ""
		})
		b.allWell()
		if n := b.escalations() - called; n != 0 {
			t.Errorf("a human was called %d times", n)
		}
	})
	strike("the loopback is lost: nothing is done, and a human is called once", func(b box) {
		before, called := b.runs(), b.escalations()
		b.sh("ip link set lo down")
		b.until("a human is called", func() string {
			if b.escalations() == called {
				return "not yet"
			}
			return ""
		})
		b.throughout(5*time.Second, func() { others(before, "") })
		b.sh("ip link set lo up")
		if n := b.escalations() - called; n != 1 {
			t.Errorf("a human was called %d times", n)
		}
	})
	strike("all probes fail at once: nothing is done, and a human is called once", func(b box) {
		before, called := b.runs(), b.escalations()
		b.sh("for p in $(seq 3000 3018); do curl -fsS -m 5 -X POST \"127.0.0.1:$p/fault?kind=unhealthy\" & done; wait")
		b.until("it is too many", func() string {
			n := 0
			for _, r := range b.board().Services {
				// What rests on another one that fails waits for that; one that was
				// sick before has had its remedy.
				if strings.HasPrefix(r.Name, "pakashop-") && (r.State == "FAIL" || r.State == "HELD") {
					n++
				}
			}
			if n < 19 {
				return fmt.Sprintf("%d", n)
			}
			return ""
		})
		b.throughout(5*time.Second, func() { others(before, "") })
		b.sh("for p in $(seq 3000 3018); do curl -fsS -m 5 -X POST \"127.0.0.1:$p/fault?kind=off\" & done; wait")
		if n := b.escalations() - called; n != 1 {
			t.Errorf("a human was called %d times", n)
		}
	})
}

func empty(s string) bool { return s == "" }

// keptDown strikes what the estate stands on, and keeps it down for a while: its
// dependents are held and not touched, and recover by themselves.
func (b box) keptDown(what string, roots []string, long time.Duration, strike, mend string) {
	b.Helper()
	before := b.runs()
	b.sh(strike)
	b.until("dependents of "+what+" are held, and it is named", func() string {
		held := 0
		for _, r := range b.board().Services {
			if strings.HasPrefix(r.Name, "pakashop-") && r.Reason == "DependencySick" && r.State == "HELD" &&
				slices.ContainsFunc(roots, func(root string) bool { return strings.Contains(r.Detail, root) }) {
				held++
			}
		}
		if held < 10 {
			return fmt.Sprintf("%d are held", held)
		}
		return ""
	})
	starts := func(root string) (n int) {
		for _, s := range b.history(root) {
			if s.Verb == "start" {
				n++
			}
		}
		return n
	}
	was := make(map[string]int)
	for _, root := range roots {
		was[root] = starts(root)
	}
	b.throughout(long, func() {
		if b.runs() != before {
			b.Fatal("a dependent was restarted")
		}
	})
	for _, root := range roots {
		if n := starts(root) - was[root]; n > 2 { // after 10 s, after 20 s
			b.Errorf("%s was started %d times within %s", root, n, long)
		}
	}
	b.sh(mend)
	b.must(0, append([]string{"retry"}, roots...)...)
	b.allWell()
	if b.runs() != before {
		b.Error("a dependent was restarted when what it needs came back")
	}
}
