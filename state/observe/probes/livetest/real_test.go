package livetest

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
	"github.com/pakashop/evenkeel/state/observe"
	"github.com/pakashop/evenkeel/state/observe/bus"
	"github.com/pakashop/evenkeel/state/observe/files"
	"github.com/pakashop/evenkeel/state/observe/host"
	"github.com/pakashop/evenkeel/state/observe/journal"
	"github.com/pakashop/evenkeel/state/observe/probes"
	"github.com/pakashop/evenkeel/state/observe/units"
)

// estate is a real host whose services are probed, as the loop would have it.
type estate struct {
	*testing.T
	observer *observe.Observer
	mu       sync.Mutex
	facts    map[string]state.Fact[state.Probe]
}

const (
	redisUnit    = "redis-server.service"
	postgresUnit = "postgresql@15-main.service"
	nginxUnit    = "nginx.service"
)

func port(n int) *desired.Port { return &desired.Port{Number: n} }

func probing(kind, unit string, p desired.Probe) desired.Probing {
	p.PeriodSeconds, p.TimeoutSeconds, p.SuccessThreshold, p.FailureThreshold = 1, 1, 1, 2
	return desired.Probing{Name: desired.ProbeName(kind, unit), Kind: kind, Unit: unit, Probe: p}
}

func watch(t *testing.T) *estate {
	t.Helper()
	clock, err := host.NewClock()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := bus.Dial(t.Context(), bus.Options{Subscribe: true})
	if err != nil {
		t.Fatal(err)
	}
	prober := probes.New(probes.Options{Now: clock.Now})
	e := &estate{T: t, facts: map[string]state.Fact[state.Probe]{}, observer: observe.New(observe.Options{
		Now: clock.Now, Units: units.New(conn, clock.Now, units.Options{}), Files: files.New(clock.Now, files.Options{}),
		Links: files.NewLinks(""), Host: host.New(host.Options{}), Journal: journal.New(clock.Boot(), journal.Options{}), Probes: prober,
	})}
	e.observer.Probe([]desired.Probing{
		probing(desired.ReadinessProbe, redisUnit, desired.Probe{Redis: &desired.Redis{}}),
		probing(desired.ReadinessProbe, postgresUnit, desired.Probe{Postgres: &desired.Postgres{}}),
		probing(desired.LivenessProbe, nginxUnit, desired.Probe{HTTPGet: &desired.HTTPGet{Port: port(80), Path: "/"}}),
		probing(desired.ReadinessProbe, nginxUnit, desired.Probe{HTTPGet: &desired.HTTPGet{Port: port(80), Path: "/ready"}}),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	refs := []state.Ref{{Kind: state.RefUnit, Name: redisUnit}, {Kind: state.RefUnit, Name: postgresUnit}, {Kind: state.RefUnit, Name: nginxUnit}}
	dirty := func(names []state.Ref) {
		if names == nil {
			names = refs
		}
		e.observer.Observe(ctx, names)
	}
	go func() {
		ended <- e.observer.Watch(ctx, func() []state.Ref { return refs }, dirty, func(f state.Facts) {
			e.mu.Lock()
			defer e.mu.Unlock()
			maps.Copy(e.facts, f.Probes)
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	return e
}

// become waits for a fact.
func (e *estate) become(what, name string, is func(state.Fact[state.Probe]) bool) state.Probe {
	e.Helper()
	var f state.Fact[state.Probe]
	for range 600 {
		e.mu.Lock()
		f = e.facts[name]
		e.mu.Unlock()
		if is(f) {
			return f.Value
		}
		time.Sleep(50 * time.Millisecond)
	}
	e.Fatalf("%s: %s is %+v", what, name, f)
	return f.Value
}

func well(f state.Fact[state.Probe]) bool { return f.Known() && f.Value.Verdict == state.ProbeSuccess }

func sick(class, detail string) func(state.Fact[state.Probe]) bool {
	return func(f state.Fact[state.Probe]) bool {
		return f.Value.Verdict == state.ProbeFailure && f.Value.Class == class && strings.Contains(f.Value.Detail, detail)
	}
}

func pending(f state.Fact[state.Probe]) bool {
	return f.Value.Verdict == state.ProbePending && f.Value.Invocation == ""
}

var names = struct{ redis, postgres, nginx, ready string }{
	desired.ProbeName(desired.ReadinessProbe, redisUnit), desired.ProbeName(desired.ReadinessProbe, postgresUnit),
	desired.ProbeName(desired.LivenessProbe, nginxUnit), desired.ProbeName(desired.ReadinessProbe, nginxUnit),
}

// The whole story, on one host: each step begins where the last has ended.
func TestRealServices(t *testing.T) {
	sh(t, `printf 'server { listen 127.0.0.1:80 default_server; location / { return 200 "ok"; } location /ready { default_type application/json; return 503 "{\"dependencies\": {\"redis\": \"down (3 ms)\"}}"; } }' >/etc/nginx/sites-enabled/default`)
	sh(t, "systemctl stop "+nginxUnit+" "+redisUnit+" "+postgresUnit)
	e := watch(t)
	e.become("nothing runs", names.redis, func(f state.Fact[state.Probe]) bool { return f.Known() && pending(f) })

	sh(t, "systemctl start "+nginxUnit+" "+redisUnit+" "+postgresUnit)
	first := e.become("started", names.redis, well)
	e.become("started", names.postgres, well)
	e.become("started", names.nginx, well)
	if v := e.become("it says whom it waits for", names.ready, sick(state.ClassStatus, "503")); v.Says["redis"] != "down" {
		t.Errorf("evidence: %+v", v)
	}

	e.frozen(first)
	e.restarted(first)
	e.password()
	e.closing()
	e.lost()
}

// frozen: a process that accepts and does not answer.
func (e *estate) frozen(first state.Probe) {
	sh(e.T, "systemctl kill -s STOP "+redisUnit)
	e.become("frozen", names.redis, sick(state.ClassTimeout, "127.0.0.1:6379"))
	sh(e.T, "systemctl kill -s CONT "+redisUnit)
	if v := e.become("thawed", names.redis, well); v.Invocation != first.Invocation || v.Failing != 0 || v.Class != "" {
		e.Errorf("thawed: %+v", v)
	}
}

func (e *estate) restarted(first state.Probe) {
	sh(e.T, "systemctl restart "+redisUnit)
	e.become("restarted", names.redis, func(f state.Fact[state.Probe]) bool { return well(f) && f.Value.Invocation != first.Invocation })
	sh(e.T, "systemctl stop "+redisUnit)
	e.become("stopped", names.redis, pending)
	sh(e.T, "systemctl start "+redisUnit)
	e.become("started again", names.redis, well)
}

// password: a server that asks who is there is up.
func (e *estate) password() {
	sh(e.T, "redis-cli config set requirepass hunter2")
	for range 5 {
		if f := e.observer.Observe(e.Context(), []state.Ref{{Kind: state.RefProbe, Name: names.redis}}).Probes[names.redis]; !well(f) {
			e.Errorf("with a password: %+v", f)
		}
	}
	time.Sleep(2 * time.Second)
	if log := sh(e.T, "cat /var/log/postgresql/*.log"); strings.Contains(log, "FATAL") || strings.Contains(log, "authentication") {
		e.Errorf("PostgreSQL complains of being probed:\n%s", log)
	}
}

// closing: PostgreSQL lets its last sessions end, and nobody in.
func (e *estate) closing() {
	sh(e.T, `su postgres -c "psql -c 'select pg_sleep(60)'" >/dev/null 2>&1 &
		until su postgres -c "psql -tc \"select 1 from pg_stat_activity where query ~ 'pg_sleep' and pid <> pg_backend_pid()\"" | grep -q 1; do sleep 0.1; done
		kill -TERM $(head -n 1 /var/lib/postgresql/15/main/postmaster.pid)`)
	e.become("closing", names.postgres, sick(state.ClassStatus, "57P03"))
	sh(e.T, "pkill -f [p]g_sleep; systemctl stop "+postgresUnit+"; systemctl start "+postgresUnit)
	e.become("started again", names.postgres, well)
}

// lost: without a network on this host nothing is known, and nothing is sick.
func (e *estate) lost() {
	sh(e.T, "ip link set lo down")
	all := []string{names.redis, names.postgres, names.nginx}
	for _, n := range all {
		e.become("loopback is lost", n, func(f state.Fact[state.Probe]) bool {
			return f.Err == "the loopback interface of this host is down" && f.Value.Verdict == state.ProbeSuccess && f.Value.Failing == 0
		})
	}
	sh(e.T, "ip link set lo up")
	for _, n := range all {
		e.become("loopback is back", n, well)
	}
}
