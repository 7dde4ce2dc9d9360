package livetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/cache"
)

// fill makes so many keys that nobody used for a while and that live so long; zero:
// for ever.
func (d db) fill(format string, n int, idle, ttl time.Duration) {
	d.Helper()
	d.ok(d.Set(d.Context(), "one", "a value", 0).Err())
	dump, err := d.Dump(d.Context(), "one").Result()
	d.ok(err)
	d.ok(d.Del(d.Context(), "one").Err())
	for from := 0; from < n; from += 5000 {
		_, err := d.Pipelined(d.Context(), func(p redis.Pipeliner) error {
			for i := from; i < min(n, from+5000); i++ {
				p.Do(d.Context(), "restore", fmt.Sprintf(format, i), ttl.Milliseconds(), dump, "idletime", int(idle.Seconds()))
			}
			return nil
		})
		d.ok(err)
	}
}

var calls = regexp.MustCompile(`cmdstat_([a-z|]+):calls=`)

// called are the commands that the server has carried out since it began to count.
func (d db) called() (all []string) {
	d.Helper()
	text, err := d.Info(d.Context(), "commandstats").Result()
	d.ok(err)
	for _, m := range calls.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

// Of a hundred thousand keys those go that were asked for, and nothing else, whatever
// else is asked for: what is too much, or not of the Cache, deletes nothing at all. Keys
// are found by SCAN, which keeps nobody waiting, and counted before one is deleted.
func TestAHundredThousandKeys(t *testing.T) {
	d := newDB(t)
	d.fill("session:%d", 60_000, 2*time.Hour, 0)
	d.fill("cache:fresh:%d", 20_000, 0, time.Hour)
	d.fill("cache:kept:%d", 10_000, 2*time.Hour, time.Hour)
	d.fill("cache:stale:%d", 10_000, 2*time.Hour, 0)
	const before = "cache 40000, session 60000"
	for name, r := range map[string]actuators.Request{
		"more than the share":                      d.flush(`"cache:*"`),
		"more than the share, of all that is idle": d.flush(`"cache:*","session:*"`, "idle", "1h"),
		"a share that is none":                     d.flush(`"cache:*"`, "maxShare", "0%"),
		"a share of more than all":                 d.flush(`"cache:*"`, "maxShare", "101%"),
		"everything, of a part":                    d.flush(`"cache:*"`, "pattern", "*", "maxShare", "100%"),
		"sessions":                                 d.flush(`"cache:*"`, "pattern", "session:*", "maxShare", "100%"),
		"sessions in other words":                  d.flush(`"cache:*"`, "pattern", "[cs]*", "maxShare", "100%"),
		"sessions by a wider word":                 d.flush(`"cache:*"`, "pattern", "?*:*", "maxShare", "100%"),
		"sessions by a word that looks like ours":  d.flush(`"cache:*"`, "pattern", `cache:*\`, "maxShare", "100%"),
		"no pattern is declared":                   d.flush(``, "maxShare", "100%"),
		"the whole database":                       d.whole(),
		"the whole database, but for what is used": d.whole("idle", "1h"),
		"a span that is none":                      d.flush(`"cache:*"`, "idle", "0s", "maxShare", "100%"),
	} {
		if res, err := cache.New("1").Apply(t.Context(), r); err == nil {
			t.Errorf("%s: %+v", name, res)
		}
		if n, err := d.DBSize(t.Context()).Result(); err != nil || n != 100_000 {
			t.Fatalf("%s: %d keys are left, %v", name, n, err)
		}
	}
	stale := d.flush(`"cache:*"`, "idle", "1h", "noTTL", "true")
	if res, err := cache.New("1").Preview(t.Context(), stale); err != nil || res.Detail != "10,000 of 100,000 keys to be flushed" || res.Changed != true {
		t.Errorf("the preview: %+v, %v", res, err)
	}
	if got := d.kept(); got != before {
		t.Fatalf("a preview changed them: %s", got)
	}
	d.ok(d.ConfigResetStat(t.Context()).Err())
	res, err := cache.New("1").Apply(t.Context(), stale)
	if err != nil || res.Detail != "10,000 of 100,000 keys flushed" {
		t.Errorf("%+v, %v", res, err)
	}
	called := d.called()
	for _, must := range []string{"dbsize", "scan", "unlink"} {
		if !slices.Contains(called, must) {
			t.Errorf("no %s was carried out: %q", must, called)
		}
	}
	for _, mustNot := range []string{"keys", "flushdb", "flushall", "del", "eval"} {
		if slices.Contains(called, mustNot) {
			t.Errorf("%s was carried out", mustNot)
		}
	}
	if got := d.kept(); got != "cache 30000, session 60000" {
		t.Errorf("kept are %s", got)
	}
	for pattern, want := range map[string]int{"cache:fresh:*": 20_000, "cache:kept:*": 10_000, "cache:stale:*": 0, "session:*": 60_000} {
		if keys, err := d.Keys(t.Context(), pattern).Result(); err != nil || len(keys) != want {
			t.Errorf("of %s %d are kept, want %d; %v", strings.TrimSuffix(pattern, ":*"), len(keys), want, err)
		}
	}
}
