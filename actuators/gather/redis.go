package gather

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/actuators"
)

// How much of a Redis is looked at.
const (
	maxKeys   = 10_000 // that match
	maxWalked = 2000   // exchanges, of about a thousand keys each
	sampled   = 200    // whose memory is asked for
	walking   = 6 * time.Second
)

// cacheSpec is what a Cache object declares, as far as it matters here.
type cacheSpec struct {
	Redis *struct {
		Address  string   `json:"address"`
		DB       int      `json:"db"`
		Patterns []string `json:"patterns"`
	} `json:"redis"`
}

func openRedis(ctx context.Context, r actuators.Request) (*redis, cacheSpec, func(), error) {
	var s cacheSpec
	if err := json.Unmarshal(r.Content, &s); err != nil || s.Redis == nil || s.Redis.Address == "" {
		return nil, s, nil, actuators.Errorf(actuators.Invalid, "its content is no Cache that is a Redis")
	}
	c, err := dialRedis(ctx, s.Redis.Address, s.Redis.DB)
	if err != nil {
		return nil, s, nil, err
	}
	return c, s, c.until(ctx), nil
}

// keys are what a walk over a Redis found.
type keys struct {
	names []string
	whole bool // all were walked over
}

// walk finds keys by SCAN, within bounds: a server whose cursor never ends is left.
func (r *redis) walk(patterns []string) (k keys, err error) {
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	seen, began, rounds := map[string]bool{}, time.Now(), 0
	for _, p := range patterns {
		for cursor := "0"; ; rounds++ {
			if len(k.names) >= maxKeys || rounds >= maxWalked || time.Since(began) > walking {
				return k, nil
			}
			v, err := r.one("SCAN", cursor, "MATCH", p, "COUNT", "1000")
			if err != nil {
				return k, err
			}
			list, ok := v.([]any)
			if !ok || len(list) != 2 {
				return k, errTalk
			}
			cursor, _ = list[0].(string)
			page, _ := list[1].([]any)
			for _, one := range page {
				if name, ok := one.(string); ok && !seen[name] && len(k.names) < maxKeys {
					seen[name] = true
					k.names = append(k.names, name)
				}
			}
			if cursor == "0" || cursor == "" {
				break
			}
		}
	}
	k.whole = true
	return k, nil
}

// group is what keys of one beginning come to.
type group struct{ keys, forever int }

func redisTTLs(ctx context.Context, req actuators.Request) (found, error) {
	r, spec, done, err := openRedis(ctx, req)
	if err != nil {
		return found{}, err
	}
	defer done()
	size, err := r.one("DBSIZE")
	if err != nil {
		return found{}, r.plain(err)
	}
	all, err := r.walk(spec.Redis.Patterns)
	if err != nil {
		return found{}, r.plain(err)
	}
	ttl, idle := newHistogram(), newHistogram()
	forever, groups, noIdle := 0, map[string]group{}, false
	for some := range slices.Chunk(all.names, 500) {
		var ask [][]string
		for _, k := range some {
			ask = append(ask, []string{"TTL", k}, []string{"OBJECT", "IDLETIME", k})
		}
		says, err := r.many(ask)
		if err != nil {
			return found{}, r.plain(err)
		}
		for i, k := range some {
			g := groups[prefix(k)]
			g.keys++
			switch n, ok := says[2*i].(int64); {
			case ok && n == -1:
				forever++
				g.forever++
			case ok && n >= 0:
				ttl.add(n)
			}
			groups[prefix(k)] = g
			if n, ok := says[2*i+1].(int64); ok {
				idle.add(n)
			} else if e, ok := says[2*i+1].(refused); ok && strings.Contains(string(e), "LFU") {
				noIdle = true
			}
		}
	}
	var t text
	how := "all of them"
	if !all.whole {
		how = "the first found of maybe more"
	}
	detail := fmt.Sprintf("%d keys (%s), %d without a TTL", len(all.names), how, forever)
	t.line("%s; the database has %v keys; patterns: %s", detail, size, brief(strings.Join(spec.Redis.Patterns, " "), 80))
	t.line("expire: never %d, %s", forever, ttl)
	if noIdle {
		t.line("unused for: not known under an LFU policy")
	} else {
		t.line("unused for: %s", idle)
	}
	if err := r.memory(all.names, &t); err != nil {
		return found{}, r.plain(err)
	}
	top := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		if n := groups[b].keys - groups[a].keys; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	for _, p := range top[:min(len(top), 15)] {
		t.line("  %s: %d keys, %d never expire", p, groups[p].keys, groups[p].forever)
	}
	return found{detail, t.String()}, nil
}

// memory asks how large some keys are, spread over all.
func (r *redis) memory(names []string, t *text) error {
	if len(names) == 0 {
		return nil
	}
	step := max(1, len(names)/sampled)
	var ask [][]string
	var of []string
	for i := 0; i < len(names) && len(of) < sampled; i += step {
		ask = append(ask, []string{"MEMORY", "USAGE", names[i]})
		of = append(of, names[i])
	}
	says, err := r.many(ask)
	if err != nil {
		return err
	}
	var sum, most int64
	var n int64
	largest := ""
	for i, v := range says {
		if size, ok := v.(int64); ok && size >= 0 && size < 1<<40 {
			sum, n = sum+size, n+1
			if size > most {
				most, largest = size, of[i]
			}
		}
	}
	if n > 0 {
		t.line("memory: %s a key on average of %d looked at (about %s in all), the largest %s (%s)", bytesOf(sum/n), n, bytesOf(sum/n*int64(len(names))), bytesOf(most), prefix(largest))
	}
	return nil
}

var plainPart = regexp.MustCompile(`^[A-Za-z][A-Za-z_.-]{0,23}$`)

// prefix is the beginning of a key's name, without what tells one from another: there
// are tokens and numbers of people in names.
func prefix(key string) string {
	var out []string
	for i, part := range strings.SplitN(key, ":", 4) {
		if i == 3 || !plainPart.MatchString(part) {
			out = append(out, "*")
			break
		}
		out = append(out, part)
	}
	return strings.Join(out, ":")
}

// histogram counts seconds.
type histogram struct{ n [5]int }

var edges = []struct {
	below int64
	says  string
}{{60, "under 1m"}, {3600, "under 1h"}, {86400, "under 1d"}, {7 * 86400, "under 7d"}, {0, "longer"}}

func newHistogram() *histogram { return &histogram{} }

func (h *histogram) add(seconds int64) {
	for i, e := range edges {
		if seconds < e.below || e.below == 0 {
			h.n[i]++
			return
		}
	}
}

func (h *histogram) String() string {
	var out []string
	for i, e := range edges {
		out = append(out, fmt.Sprintf("%s %d", e.says, h.n[i]))
	}
	return strings.Join(out, ", ")
}

func bytesOf(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

func redisInfo(ctx context.Context, req actuators.Request) (found, error) {
	r, _, done, err := openRedis(ctx, req)
	if err != nil {
		return found{}, err
	}
	defer done()
	v, err := r.one("INFO")
	if err != nil {
		return found{}, r.plain(err)
	}
	says, ok := v.(string)
	if !ok {
		return found{}, r.plain(errTalk)
	}
	info := map[string]string{}
	for line := range strings.Lines(says) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[k] = v
		}
	}
	return aboutRedis(info), nil
}

// aboutRedis reads an INFO.
func aboutRedis(info map[string]string) found {
	number := func(k string) int64 { n, _ := strconv.ParseInt(info[k], 10, 64); return max(n, 0) }
	used, most, hits, misses := number("used_memory"), number("maxmemory"), number("keyspace_hits"), number("keyspace_misses")
	fragmented, _ := strconv.ParseFloat(info["mem_fragmentation_ratio"], 64)
	policy := brief(info["maxmemory_policy"], 40)
	var t text
	detail := bytesOf(used) + " used, no maxmemory"
	if most > 0 {
		detail = fmt.Sprintf("%s used of %s (%.0f%%), %s", bytesOf(used), bytesOf(most), 100*float64(used)/float64(most), policy)
	}
	t.line("memory: %s; rss %s, peak %s, policy %s", detail, bytesOf(number("used_memory_rss")), bytesOf(number("used_memory_peak")), policy)
	t.line("fragmentation: %.2f", fragmented)
	if hits+misses > 0 {
		t.line("hits: %.1f%% of %d", 100*float64(hits)/float64(hits+misses), hits+misses)
	}
	t.line("evicted %d, expired %d, refused connections %d", number("evicted_keys"), number("expired_keys"), number("rejected_connections"))
	t.line("clients %d, blocked %d; up %s", number("connected_clients"), number("blocked_clients"), time.Duration(min(number("uptime_in_seconds"), 1<<30))*time.Second)
	for _, k := range slices.Sorted(maps.Keys(info)) {
		if strings.HasPrefix(k, "db") && len(k) < 5 {
			t.line("%s: %s", k, brief(info[k], 80))
		}
	}
	if most == 0 {
		t.line("advice: maxmemory is 0: it grows until the host has no memory left; set maxmemory and a policy")
	}
	if most > 0 && policy == "noeviction" {
		t.line("advice: under noeviction writes fail when maxmemory is reached; for a cache take allkeys-lru or volatile-lru")
	}
	if most > 0 && float64(used) > 0.8*float64(most) {
		t.line("advice: more than 80%% of maxmemory is used: flush what is stale, give keys a TTL, or make it larger")
	}
	if number("evicted_keys") > 0 {
		t.line("advice: keys were evicted: sessions and queues must not lie beside what a cache may lose")
	}
	if fragmented > 1.5 && used > 64<<20 {
		t.line("advice: it holds %.1f times the memory that it uses: activedefrag yes, or a restart", fragmented)
	}
	return found{detail, t.String()}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
