package livetest

import (
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/desired"
)

// A stand-in for Meilisearch, not the real one: it indexes, is stuck while it says
// that it is well, its lag grows, and a restart cures it.
func TestMeilisearchStuck(t *testing.T) {
	sh(t, "systemd-run --quiet --unit=meili -p Type=notify -p StateDirectory=meili -p Restart=always -p DynamicUser=no "+rehearse.ShareInside+"/meilisearch")
	c := collector(t)
	target := desired.Target{Unit: "meili.service", Metrics: desired.Metrics{Meilisearch: &desired.Meilisearch{}}}
	until := func(what string, lines ...string) {
		t.Helper()
		text := ""
		for range 200 {
			text = collected(t, c, target)
			missing := false
			for _, l := range lines {
				missing = missing || !strings.Contains(text, "\n"+l+"\n")
			}
			if !missing {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("%s: %q is missing in\n%s", what, lines, text)
	}
	add := func(documents string) {
		sh(t, "curl -sf -d '"+documents+"' http://127.0.0.1:7700/indexes/products/documents")
	}
	lag := func() float64 {
		return value(parse(t, []byte(collected(t, c, target)))["meilisearch_index_lag_seconds"].GetMetric()[0])
	}
	add(`[{"id": 1}, {"id": 2}]`)
	until("it indexes", `meilisearch_index_docs_count{index="products"} 2`, "meilisearch_index_lag_seconds 0", `meilisearch_tasks{status="enqueued"} 0`)

	sh(t, "curl -sf -d kind=stuck http://127.0.0.1:7700/fault")
	for range 60 {
		add(`{"id": 3}`)
	}
	until("it is stuck", "meilisearch_up 1", `meilisearch_tasks{status="enqueued"} 60`)
	first := lag()
	for second := lag(); second < first+0.3; second = lag() {
		time.Sleep(50 * time.Millisecond)
	}
	sh(t, "systemctl restart meili.service")
	until("a restart cures it", `meilisearch_index_docs_count{index="products"} 62`, "meilisearch_index_lag_seconds 0")
}
