package main

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"strings"
	"time"
)

// Results of a transmission to the revenue authority (ZRA).
const (
	transmitted = "ok"
	failed      = "failed"
	mocked      = "mock" // kept here, to be transmitted later
)

// invoices are transmitted to the revenue authority as they are made. In mock mode,
// while a file is there that an operator makes, they are numbered and kept here.
func (a *app) invoices(outside string, getenv func(string) string) routes {
	flag := cmp.Or(getenv("ZRA_MOCK"), "/var/lib/pakashop/zra-mock")
	key := getenv("ZRA_KEY")
	for _, result := range []string{transmitted, failed, mocked} {
		a.metrics.add("zra_transmissions", trace{}, 0, "result", result)
	}
	a.sample = append(a.sample, func(context.Context) {
		a.metrics.set("zra_mock_mode", bit(exists(flag)))
		if end, ok := keyEnds(key); ok {
			a.metrics.set("zra_key_expiry_timestamp_seconds", float64(end.Unix()))
		}
	})
	return routes{"POST /invoices": func(w http.ResponseWriter, r *http.Request) {
		t, invoice := traceIn(r.Context()), map[string]string{"invoice": randomHex(6)}
		if exists(flag) {
			a.metrics.add("zra_transmissions", t, 1, "result", mocked)
			a.log.warn(t, "zra.validate mocked", "invoice", invoice["invoice"])
			reply(w, http.StatusAccepted, invoice)
			return
		}
		if err := post(r.Context(), t, outside+"/zra/invoices", map[string]string{"X-API-Key": key}, invoice, nil); err != nil {
			a.metrics.add("zra_transmissions", t, 1, "result", failed)
			a.log.error(t, "zra.validate failed", "invoice", invoice["invoice"], "err", err.Error())
			reply(w, http.StatusBadGateway, map[string]string{"error": "the invoice is not transmitted"})
			return
		}
		a.metrics.add("zra_transmissions", t, 1, "result", transmitted)
		reply(w, http.StatusOK, invoice)
	}}
}

// keyEnds is when a key ends: it says so itself, as NAME:2027-06-30.
func keyEnds(key string) (time.Time, bool) {
	_, day, _ := strings.Cut(key, ":")
	end, err := time.Parse(time.DateOnly, day)
	return end, err == nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func bit(on bool) float64 {
	if on {
		return 1
	}
	return 0
}
