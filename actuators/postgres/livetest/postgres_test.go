package livetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/host"
	"github.com/pakashop/evenkeel/actuators/postgres"
)

func terminate(dsn string, args ...string) actuators.Request {
	r := actuators.Request{
		Action:  actuators.Action{Actuator: postgres.Name, Verb: "terminate", Target: "main", Args: map[string]string{"over": "1ms"}},
		Content: fmt.Appendf(nil, `{"postgres":{"dsn":%q}}`, dsn),
	}
	for i := 0; i+1 < len(args); i += 2 {
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func apply(t *testing.T, r actuators.Request) string {
	t.Helper()
	res, err := postgres.New("1").Apply(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return res.Detail
}

func subject(t *testing.T) actuatortest.Subject {
	w := newWorld(t)
	leak := func(*testing.T) {
		for range 3 {
			w.open("app", "shop", "idle")
			w.inTx(w.open("app", "shop", "tx"), "SELECT 1")
		}
	}
	look := func(*testing.T) string { return w.alive() }
	return actuatortest.Subject{
		Actuator: postgres.New("1"),
		Samples: []actuatortest.Sample{
			{Name: "all that leaked", Request: terminate(dsn("keel", "shop")), Before: leak, Look: look},
			{Name: "idle", Request: terminate(dsn("keel", "shop"), "state", "idle"), Before: leak, Look: look},
			{Name: "one application", Request: terminate(dsn("keel", "shop"), "application", "tx"), Before: leak, Look: look},
		},
		Failing: []actuatortest.Failing{
			{Name: "a wrong password", Request: terminate(strings.Replace(dsn("keel", "shop"), "hunter2", "x", 1)), Kind: actuators.Refused},
			{Name: "no such database", Request: terminate(dsn("keel", "nowhere")), Kind: actuators.NotFound},
			{Name: "nobody there", Request: terminate("postgres://keel:hunter2@127.0.0.1:1/shop"), Kind: actuators.Unavailable},
			{Name: "nothing may be seen", Request: terminate(dsn("blind", "shop")), Before: leak, Kind: actuators.Refused},
			{Name: "nothing may be ended", Request: terminate(dsn("looker", "shop")), Before: leak, Kind: actuators.Refused},
		},
	}
}

func TestContract(t *testing.T) {
	actuatortest.Run(t, subject)
	actuatortest.RunProcess(t, host.Spec{Name: postgres.Name, Role: postgres.Name, User: "nobody"}, subject)
}

// Leaked sessions are ended; nothing else is, whatever state it is in.
func TestWhatIsEndedAndWhatIsNot(t *testing.T) {
	w := newWorld(t)
	w.open("app", "shop", "leak-idle")
	w.inTx(w.open("app", "shop", "leak-tx"), "SELECT 1")
	w.inTx(w.open("app", "shop", "leak-aborted"), "SELECT 1/0")
	w.open("app", "other", "other-database")
	w.open("admin", "shop", "administrator")
	w.open("app", "shop", "evenkeel")
	w.open("copier", "shop", "standby", "replication", "database")
	busy := w.open("app", "shop", "busy")
	var wg sync.WaitGroup
	sleep, wake := context.WithCancel(t.Context())
	wg.Go(func() { _ = busy.ExecParams(sleep, "SELECT pg_sleep(600)", nil, nil, nil, nil).Read() })
	t.Cleanup(func() { wake(); wg.Wait() })
	w.until("busy works", func() bool {
		return len(w.run(w.admin, `SELECT 1 FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'`)) == 1
	})
	const others = "administrator busy evenkeel other-database standby"
	if got := w.alive(); got != others[:len("administrator busy evenkeel ")]+"leak-aborted leak-idle leak-tx "+others[len("administrator busy evenkeel "):] {
		t.Fatalf("there are %q", got)
	}

	res, err := postgres.New("1").Apply(t.Context(), terminate(dsn("keel", "shop"), "over", "1h0m0s"))
	if err != nil || res.Changed || !strings.HasPrefix(res.Detail, "none of 5 sessions") {
		t.Errorf("all are younger than an hour: %+v, %v", res, err)
	}
	preview, err := postgres.New("1").Preview(t.Context(), terminate(dsn("keel", "shop")))
	const want = "3 of 5 sessions to be ended: 1 idle, 1 idle in transaction, 1 idle in transaction (aborted); 1 of superusers were left alone"
	if err != nil || preview.Detail != want {
		t.Errorf("the preview says %q, %v", preview.Detail, err)
	}
	if got := apply(t, terminate(dsn("keel", "shop"))); got != strings.Replace(want, "to be ended", "ended", 1) {
		t.Errorf("it says %q", got)
	}
	if got := w.alive(); got != others {
		t.Errorf("left are %q, want %q", got, others)
	}
	if got := apply(t, terminate(dsn("admin", "shop"), "user", "admin")); !strings.HasPrefix(got, "1 of 2 sessions ended: 1 idle") && !strings.HasPrefix(got, "1 of 3") {
		t.Errorf("a superuser that is named: %q", got)
	}
	if got := w.alive(); got != strings.TrimPrefix(others, "administrator ") {
		t.Errorf("left are %q", got)
	}
}

func TestOneUserOneApplicationAndNoMoreThanAllowed(t *testing.T) {
	w := newWorld(t)
	for i := range 4 {
		w.open("app", "shop", fmt.Sprintf("app-%d", i))
		w.open("batch", "shop", fmt.Sprintf("batch-%d", i))
		time.Sleep(2 * time.Millisecond) // an order of age
	}
	if got := apply(t, terminate(dsn("keel", "shop"), "user", "app", "max", "3")); got != "3 of 8 sessions ended: 3 idle; no more than 3 at a time" {
		t.Error(got)
	}
	if got := w.alive(); got != "app-3 batch-0 batch-1 batch-2 batch-3" {
		t.Errorf("left are %q: the longest idle go first", got)
	}
	if got := apply(t, terminate(dsn("keel", "shop"), "application", "batch-2")); got != "1 of 5 sessions ended: 1 idle" {
		t.Error(got)
	}
	if got := w.alive(); got != "app-3 batch-0 batch-1 batch-3" {
		t.Errorf("left are %q", got)
	}
}

// A role without rights does what it can for its own, and says what it cannot.
func TestARoleSeesAndEndsItsOwn(t *testing.T) {
	w := newWorld(t)
	w.open("blind", "shop", "its-own")
	w.open("app", "shop", "foreign")
	got := apply(t, terminate(dsn("blind", "shop")))
	if got != "1 of 1 sessions ended: 1 idle; what 1 do is hidden from the role of the DSN" {
		t.Error(got)
	}
	if got := w.alive(); got != "foreign" {
		t.Errorf("left are %q", got)
	}
}

// SEC-17: what a real server says is not repeated.
func TestNoErrorTellsTheDSN(t *testing.T) {
	newWorld(t)
	for _, bad := range []string{
		"postgres://canary:canary@127.0.0.1:5432/shop",
		"postgres://keel:hunter2@127.0.0.1:5432/canary",
		"postgres://keel:hunter2@127.0.0.1:5432/shop?canary=1",
		"postgres://keel:hunter2@127.0.0.1:5432/shop?options=-c%20canary%3D1",
		"postgres://keel:hunter2@localhost:5432/shop?sslmode=verify-full&sslrootcert=/etc/hostname",
	} {
		_, err := postgres.New("1").Apply(t.Context(), terminate(bad))
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "keel:") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// A session that begins to work between the look and the end is left alone: the
// statement that ends it asks again.
func TestASessionThatWakesUpIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	const n = 20
	done, stop := make(chan string, n), make(chan struct{})
	for i := range n {
		c := w.open("app", "shop", fmt.Sprintf("worker-%02d", i))
		go func() {
			for {
				select {
				case <-stop:
					done <- ""
					return
				default:
				}
				if err := c.ExecParams(context.Background(), "SELECT 1", nil, nil, nil, nil).Read().Err; err != nil {
					done <- err.Error()
					return
				}
				time.Sleep(time.Millisecond)
			}
		}()
	}
	for range 30 {
		if got := apply(t, terminate(dsn("keel", "shop"), "over", "1s")); !strings.HasPrefix(got, "none of ") {
			t.Errorf("%s", got)
		}
	}
	close(stop)
	for range n {
		if err := <-done; err != "" {
			t.Errorf("a session that works was ended: %s", err)
		}
	}
}
