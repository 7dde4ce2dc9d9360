package livetest

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

// What is remembered of an earlier reading never shows: whatever happened
// meanwhile, an observer that has looked before sees what a new one sees, of one
// unit and of many.
func TestAReadingAgainIsAsGoodAsTheFirst(t *testing.T) {
	files := map[string]string{
		"evk-mem-cond.service": "[Unit]\nConditionPathExists=/run/evk-mem\n" + service("ExecStart=/bin/sleep infinity"),
	}
	names := []string{"evk-mem-cond.service", "evk-mem-none.service", "basic.target"}
	for i := range 6 {
		n := fmt.Sprintf("evk-mem%d.service", i)
		files[n] = sleeper()
		names = append(names, n)
	}
	write(t, files)
	run(t, "systemctl", "start", "evk-mem0", "evk-mem1", "evk-mem2", "evk-mem3")
	old := observer(t)
	ctx, cancel := context.WithCancel(t.Context())
	watching := make(chan error, 1)
	go func() { watching <- old.Watch(ctx, func([]string, bool) {}) }()
	defer func() {
		cancel()
		if err := <-watching; err != nil {
			t.Error(err)
		}
	}()
	for _, what := range [][]string{
		{"true"},
		{"true"},
		{"systemctl", "restart", "evk-mem0"},
		{"sh", "-c", "systemctl kill -s KILL evk-mem1; while systemctl is-active -q evk-mem1; do sleep 0.01; done"},
		{"systemctl", "stop", "evk-mem2"},
		{"systemctl", "set-property", "--runtime", "evk-mem3", "CPUWeight=50"},
		{"sh", "-c", "echo Restart=always >> " + unitDir + "/evk-mem3.service"},
		{"systemctl", "daemon-reload"},
		{"systemctl", "start", "evk-mem-cond"},
		{"systemctl", "start", "evk-mem4", "evk-mem2"},
		{"systemctl", "reset-failed"},
		{"systemctl", "daemon-reexec"},
		{"systemctl", "mask", "--runtime", "evk-mem5"},
		{"rm", "-r", "/run/systemd/system/evk-mem5.service", unitDir + "/evk-mem4.service"},
		{"systemctl", "daemon-reload"},
		{"systemctl", "stop", "evk-mem4"},
	} {
		run(t, what...)
		fresh := observer(t).Observe(t.Context(), names)
		many := old.Observe(t.Context(), names)
		one := make(map[string]state.Fact[state.Unit])
		for _, n := range names {
			maps.Copy(one, old.Observe(t.Context(), []string{n}))
		}
		let := old.KeepLoaded(t.Context(), names)
		held := old.Observe(t.Context(), names[:3])
		let()
		for _, n := range names {
			if d := cmp.Diff(fresh[n].Value, many[n].Value); d != "" || many[n].Err != "" {
				t.Errorf("after %q, %s among others, %s, -new +old:\n%s", what, n, many[n].Err, d)
			}
			if d := cmp.Diff(fresh[n].Value, one[n].Value); d != "" || one[n].Err != "" {
				t.Errorf("after %q, %s alone, %s, -new +old:\n%s", what, n, one[n].Err, d)
			}
			if h, ok := held[n]; ok && cmp.Diff(fresh[n].Value, h.Value) != "" {
				t.Errorf("after %q, %s held, %s, -new +old:\n%s", what, n, h.Err, cmp.Diff(fresh[n].Value, h.Value))
			}
		}
	}
}
