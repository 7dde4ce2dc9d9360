package livetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pakashop/evenkeel/actuators"
	"github.com/pakashop/evenkeel/actuators/actuatortest"
	"github.com/pakashop/evenkeel/actuators/gather"
	"github.com/pakashop/evenkeel/actuators/host"
)

// What sessions hold and do is told by the plugin, as nobody, and no literal with it.
func TestEvidenceOfAPostgres(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.open("app", "shop", "shop")
	}
	w.inTx(w.open("app", "shop", "worker"), "SELECT 'canary literal'")
	busy := w.open("app", "shop", "busy")
	var wg sync.WaitGroup
	sleep, wake := context.WithCancel(t.Context())
	wg.Go(func() {
		_ = busy.ExecParams(sleep, "SELECT pg_sleep(600), 'canary literal'", nil, nil, nil, nil).Read()
	})
	t.Cleanup(func() { wake(); wg.Wait() })
	w.until("busy works", func() bool {
		return len(w.run(w.admin, `SELECT 1 FROM pg_stat_activity WHERE application_name = 'busy' AND state = 'active'`)) == 1
	})
	plugin := actuatortest.Launch(t, host.Spec{Name: gather.Name, Role: gather.Name, User: "nobody"})
	for verb, all := range map[string][]string{
		"postgres.activity": {"of 100 connections", "shop (app) idle: 3", "busy (app) active: 1", "idle in transaction, the oldest first", "worker (app) for"},
		"postgres.slow":     {"running", "busy (app) for", "waits for Timeout/PgSleep", "SELECT pg_sleep(?), ?", "pg_stat_statements is not there"},
	} {
		res, err := plugin.Apply(t.Context(), actuators.Request{
			Action:  actuators.Action{Actuator: gather.Name, Verb: verb, Target: "main"},
			Content: fmt.Appendf(nil, `{"postgres":{"dsn":%q}}`, dsn("keel", "shop")),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range all {
			if !strings.Contains(res.Data["evidence"], want) {
				t.Errorf("%s: no %q in\n%s", verb, want, res.Data["evidence"])
			}
		}
		if strings.Contains(res.Data["evidence"], "canary") {
			t.Errorf("%s tells a literal:\n%s", verb, res.Data["evidence"])
		}
	}
}
