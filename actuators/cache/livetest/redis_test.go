package livetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/cache"
	"github.com/pakashop/evenkeel/actuators/host"
)

// address is that of Debian's Redis, in which each test has a database of its own.
const address = "127.0.0.1:6379"

var databases = struct {
	sync.Mutex
	next int
}{}

// db is one database of the server.
type db struct {
	testing.TB
	n int
	*redis.Client
}

func newDB(t testing.TB) db {
	t.Helper()
	run(t, "systemctl", "start", "redis-server.service")
	databases.Lock()
	n := databases.next % 16
	databases.next++
	databases.Unlock()
	c := redis.NewClient(&redis.Options{Addr: address, DB: n, MaxRetries: 20, MaxRetryBackoff: 200 * time.Millisecond})
	d := db{t, n, c}
	t.Cleanup(func() { c.Close() })
	d.ok(c.FlushDB(context.Background()).Err())
	return d
}

func (d db) ok(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// put makes keys, which never expire.
func (d db) put(format string, n int) {
	d.Helper()
	_, err := d.Pipelined(d.Context(), func(p redis.Pipeliner) error {
		for i := range n {
			p.Set(d.Context(), fmt.Sprintf(format, i), "a value", 0)
		}
		return nil
	})
	d.ok(err)
}

// age makes keys look unused for a while, and expire in an hour.
func (d db) age(pattern string, idle time.Duration) {
	d.Helper()
	keys, err := d.Keys(d.Context(), pattern).Result()
	d.ok(err)
	for _, k := range keys {
		dump, err := d.Dump(d.Context(), k).Result()
		d.ok(err)
		d.ok(d.Do(d.Context(), "restore", k, "3600000", dump, "replace", "idletime", int(idle.Seconds())).Err())
	}
}

// kept are how many keys there are, by the part of the name before the colon.
func (d db) kept() string {
	d.Helper()
	keys, err := d.Keys(d.Context(), "*").Result()
	d.ok(err)
	n := map[string]int{}
	for _, k := range keys {
		part, _, _ := strings.Cut(k, ":")
		n[part]++
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		all = append(all, fmt.Sprintf("%s %d", k, n[k]))
	}
	return strings.Join(all, ", ")
}

func (d db) flush(patterns string, args ...string) actuators.Request {
	return flush(fmt.Sprintf(`{"redis":{"address":%q,"db":%d,"patterns":[%s]}}`, address, d.n, patterns), args...)
}

func (d db) whole(args ...string) actuators.Request {
	return flush(fmt.Sprintf(`{"redis":{"address":%q,"db":%d,"whole":true}}`, address, d.n), args...)
}

func flush(content string, args ...string) actuators.Request {
	r := actuators.Request{Action: actuators.Action{Actuator: cache.Name, Verb: "flush", Target: "pages"}, Content: []byte(content)}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}

func redisSubject(t *testing.T) actuatortest.Subject {
	d := newDB(t)
	look := func(*testing.T) string { return d.kept() }
	some := func(*testing.T) {
		d.put("cache:%d", 10)
		d.put("session:%d", 90)
		d.age("cache:[0-4]", time.Hour)
	}
	return actuatortest.Subject{
		Actuator: cache.New("1"),
		Samples: []actuatortest.Sample{
			{Name: "by pattern", Request: d.flush(`"cache:*"`), Before: some, Look: look},
			{Name: "by idle time", Request: d.flush(`"cache:*"`, "idle", "30m"), Before: some, Look: look},
			{Name: "by missing TTL", Request: d.flush(`"cache:*"`, "noTTL", "true"), Before: some, Look: look},
			{Name: "all of it", Request: d.whole("maxShare", "100%"), Before: some, Look: look},
		},
		Failing: []actuatortest.Failing{
			{Name: "too much", Request: d.flush(`"session:*"`), Before: some, Kind: actuators.Refused},
			{Name: "not declared", Request: d.flush(`"cache:*"`, "pattern", "session:*", "maxShare", "100%"), Before: some, Kind: actuators.Refused},
			{Name: "nobody there", Request: flush(`{"redis":{"address":"127.0.0.1:1","patterns":["*"]}}`), Kind: actuators.Unavailable},
			{Name: "no such database", Request: flush(`{"redis":{"address":"` + address + `","db":99,"patterns":["*"]}}`), Kind: actuators.Invalid},
		},
	}
}

func TestContract(t *testing.T) {
	actuatortest.Run(t, redisSubject)
	actuatortest.RunProcess(t, host.Spec{Name: cache.Name, Role: cache.Name}, redisSubject)
}

// What is flushed is what was asked for, to the key.
func TestWhatIsFlushed(t *testing.T) {
	tests := map[string]struct {
		request func(d db) actuators.Request
		detail  string
		kept    string
	}{
		"all that is declared": {
			func(d db) actuators.Request { return d.flush(`"cache:*","tmp:*"`) },
			"2,000 of 20,000 keys flushed", "session 18000",
		},
		"part of it": {
			func(d db) actuators.Request { return d.flush(`"cache:*","tmp:*"`, "pattern", "cache:1?") },
			"10 of 20,000 keys flushed", "cache 990, session 18000, tmp 1000",
		},
		"patterns that overlap": {
			func(d db) actuators.Request { return d.flush(`"cache:*","cache:1*","*:77"`) },
			"1,002 of 20,000 keys flushed", "session 17999, tmp 999",
		},
		"what nobody used": {
			func(d db) actuators.Request { return d.flush(`"*"`, "idle", "10m") },
			"111 of 20,000 keys flushed", "cache 889, session 18000, tmp 1000",
		},
		"what never expires": {
			func(d db) actuators.Request { return d.flush(`"cache:*"`, "noTTL", "true") },
			"889 of 20,000 keys flushed", "cache 111, session 18000, tmp 1000",
		},
		"both": {
			func(d db) actuators.Request { return d.flush(`"*"`, "noTTL", "true", "idle", "10m") },
			"none of 20,000 keys is to be flushed", "cache 1000, session 18000, tmp 1000",
		},
		"a whole database": {
			func(d db) actuators.Request { return d.whole("maxShare", "100%") },
			"20,000 of 20,000 keys flushed", "",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDB(t)
			d.put("cache:%d", 1000)
			d.put("tmp:%d", 1000)
			d.put("session:%d", 18000)
			d.age("cache:1*", time.Hour) // 1, 10 to 19, 100 to 199
			preview, err := cache.New("1").Preview(t.Context(), tt.request(d))
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(tt.detail, "flushed", "to be flushed", 1); preview.Detail != want && preview.Detail != tt.detail {
				t.Errorf("the preview says %q, want %q", preview.Detail, want)
			}
			res, err := cache.New("1").Apply(t.Context(), tt.request(d))
			if err != nil {
				t.Fatal(err)
			}
			if res.Detail != tt.detail {
				t.Errorf("it says %q, want %q", res.Detail, tt.detail)
			}
			if got := d.kept(); got != tt.kept {
				t.Errorf("kept are %q, want %q", got, tt.kept)
			}
		})
	}
}

// Beyond the share nothing is deleted, and the refusal says how much it would
// have been. A whole database is more than any share but all of it.
func TestRefusalLeavesEveryKey(t *testing.T) {
	d := newDB(t)
	d.put("cache:%d", 201)
	d.put("session:%d", 799)
	for name, tt := range map[string]struct {
		request actuators.Request
		says    string
	}{
		"a little too much": {d.flush(`"cache:*"`), "201 of 1,000 keys match, which is more than maxShare 20%"},
		"everything":        {d.whole(), "1,000 of 1,000 keys match, which is more than maxShare 20%"},
	} {
		for how, do := range map[string]func(context.Context, actuators.Request) (actuators.Result, error){
			"apply": cache.New("1").Apply, "preview": cache.New("1").Preview,
		} {
			_, err := do(t.Context(), tt.request)
			if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s, %s: %v", name, how, err)
			}
		}
	}
	if got := d.kept(); got != "cache 201, session 799" {
		t.Errorf("kept are %q", got)
	}
	if res, err := cache.New("1").Apply(t.Context(), d.flush(`"cache:*"`, "maxShare", "20.1%")); err != nil || res.Detail != "201 of 1,000 keys flushed" {
		t.Errorf("with that share: %+v, %v", res, err)
	}
}

// No more is deleted than was counted, whoever fills the cache meanwhile.
func TestNoMoreIsFlushedThanWasCounted(t *testing.T) {
	d := newDB(t)
	d.put("cache:%d", 100)
	d.put("session:%d", 900)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				d.Set(context.Background(), fmt.Sprintf("cache:new%d", i%2000), "x", 0)
			}
		}
	})
	for range 20 {
		res, err := cache.New("1").Apply(t.Context(), d.flush(`"cache:*"`, "maxShare", "100%"))
		if err != nil {
			t.Fatal(err)
		}
		done, _, _ := strings.Cut(strings.ReplaceAll(res.Detail, ",", ""), " ")
		if res.Changed && done > res.Data["matched"] && len(done) >= len(res.Data["matched"]) {
			t.Errorf("%s of %s that were counted", done, res.Data["matched"])
		}
	}
	close(stop)
	wg.Wait()
}

func TestWhatARedisSaysIsToldApart(t *testing.T) {
	d := newDB(t)
	d.put("cache:%d", 10)
	set := func(t *testing.T, name, value string) {
		t.Helper()
		was, err := d.ConfigGet(t.Context(), name).Result()
		d.ok(err)
		d.ok(d.ConfigSet(t.Context(), name, value).Err())
		t.Cleanup(func() { d.ok(d.ConfigSet(context.Background(), name, was[name]).Err()) })
	}
	all := d.flush(`"cache:*"`, "maxShare", "100%")
	t.Run("an LFU policy", func(t *testing.T) {
		set(t, "maxmemory-policy", "allkeys-lfu")
		_, err := cache.New("1").Apply(t.Context(), d.flush(`"cache:*"`, "idle", "1m"))
		if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "LFU") {
			t.Errorf("%v", err)
		}
	})
	t.Run("a replica", func(t *testing.T) {
		d.ok(d.Do(t.Context(), "replicaof", "127.0.0.1", "1").Err())
		t.Cleanup(func() { d.ok(d.Do(context.Background(), "replicaof", "no", "one").Err()) })
		_, err := cache.New("1").Apply(t.Context(), all)
		if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "replica") {
			t.Errorf("%v: %v", actuators.KindOf(err), err)
		}
	})
	t.Run("a password", func(t *testing.T) {
		d.ok(d.Do(t.Context(), "acl", "setuser", "default", ">hunter2").Err())
		t.Cleanup(func() { d.ok(d.Do(context.Background(), "acl", "setuser", "default", "nopass").Err()) })
		_, err := cache.New("1").Apply(t.Context(), all)
		if actuators.KindOf(err) != actuators.Refused || !strings.Contains(err.Error(), "password") {
			t.Errorf("%v: %v", actuators.KindOf(err), err)
		}
	})
	t.Run("it hangs", func(t *testing.T) {
		pid := run(t, "systemctl", "show", "-P", "MainPID", "redis-server.service")
		run(t, "kill", "-STOP", pid)
		t.Cleanup(func() { run(t, "kill", "-CONT", pid) })
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		_, err := cache.New("1").Apply(ctx, all)
		if actuators.KindOf(err) != actuators.Timeout {
			t.Errorf("%v: %v", actuators.KindOf(err), err)
		}
	})
	if got := d.kept(); got != "cache 10" {
		t.Errorf("kept are %q", got)
	}
}

// What a pattern means here is what it means to Redis.
func TestRedisReadsPatternsAsItIsThought(t *testing.T) {
	d := newDB(t)
	keys := []string{"a", "b", "ab", "a*", "a:b", "abc", "a-c", "axc", "^", "[a]", "a\\c"}
	for _, k := range keys {
		d.ok(d.Set(t.Context(), k, "1", 0).Err())
	}
	for pattern, want := range map[string]string{
		"a?":        "a* ab",
		"a[b-x]c":   "abc axc",
		"a[x-b]c":   "abc axc", // turned round
		"a[^b]c":    "a-c a\\c axc",
		"a\\*":      "a*",
		"[a^]":      "^ a",
		"a*":        "a a* a-c a:b a\\c ab abc axc",
		"**b":       "a:b ab b",
		"a[\\\\]c":  "a\\c",
		"a[b\\-x]c": "a-c abc axc",
	} {
		got, err := d.Keys(t.Context(), pattern).Result()
		d.ok(err)
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("Redis reads %q as %q, and it is thought to be %q", pattern, strings.Join(got, " "), want)
		}
	}
}
