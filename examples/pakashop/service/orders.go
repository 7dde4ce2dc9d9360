package main

import (
	"context"
	"net/http"
	"regexp"
	"time"
)

// cached is how long an order is kept in the cache.
const cached = "2" // seconds

// orders are looked up in the cache, and else in the database.
func (a *app) orders() routes {
	cache, db := redis{a.dependency("redis")}, database{a.dependency("postgres"), a}
	a.metrics.add("cache_hits", trace{}, 0, "cache", "orders")
	a.metrics.add("cache_misses", trace{}, 0, "cache", "orders")
	return routes{"GET /orders/{id}": func(w http.ResponseWriter, r *http.Request) {
		id, t := r.PathValue("id"), traceIn(r.Context())
		if !orderID.MatchString(id) {
			reply(w, http.StatusBadRequest, map[string]string{"error": "an order's id is a number"})
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if _, err := cache.do(ctx, "GET", "cache:order:"+id); err == nil {
			a.metrics.add("cache_hits", t, 1, "cache", "orders")
			reply(w, http.StatusOK, map[string]string{"order": id, "from": "cache"})
			return
		}
		a.metrics.add("cache_misses", t, 1, "cache", "orders")
		if _, err := db.rows(ctx, t, "order_by_id", "SELECT * FROM orders WHERE id = "+id); err != nil {
			reply(w, http.StatusServiceUnavailable, map[string]string{"error": "the order cannot be looked up", "service": a.name})
			return
		}
		if _, err := cache.do(ctx, "SET", "cache:order:"+id, "{}", "EX", cached); err != nil {
			a.log.warn(t, "the cache cannot be written", "err", err.Error())
		}
		reply(w, http.StatusOK, map[string]string{"order": id, "from": "database"})
	}}
}

var orderID = regexp.MustCompile(`^[0-9]{1,9}$`)

// mostSessions is how many a leak leaks: more than four fifths of what Debian's
// PostgreSQL allows, and not all of it.
const mostSessions = 88

// leakSessions begins sessions that nobody ends, as a pool without a bound does.
func (a *app) leakSessions() {
	var leaked []*session
	for a.fault.on("sessions") && len(leaked) < mostSessions {
		ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
		s, err := openSession(ctx, a.dependency("postgres"), a.name)
		cancel()
		if err != nil {
			a.log.error(trace{}, "a session cannot be begun", "err", err.Error())
			time.Sleep(time.Second)
			continue
		}
		leaked = append(leaked, s)
		time.Sleep(20 * time.Millisecond)
	}
	for a.fault.on("sessions") {
		time.Sleep(100 * time.Millisecond)
	}
	for _, s := range leaked {
		s.conn.Close()
	}
}
