package actuators_test

import (
	"testing"

	"github.com/pakashop/evenkeel/actuators"
)

func TestActionsInWords(t *testing.T) {
	for _, c := range []struct {
		action actuators.Action
		want   string
	}{
		{actuators.Action{Actuator: "systemd", Verb: "restart", Target: "a.service"}, "systemd.restart a.service"},
		{actuators.Action{Actuator: "gather", Verb: "metrics.query", Args: map[string]string{"expr": "up", "title": "x"}}, "gather metrics.query"},
		{actuators.Action{Actuator: "gather", Verb: "redis.ttls", Target: "pages", Args: map[string]string{"declared": "d1"}}, "gather redis.ttls"},
		{actuators.Action{Actuator: "ask", Verb: "human", Target: "book", Args: map[string]string{"case": "c", "question": "more? or = less"}}, "ask: more? or = less"},
		{actuators.Action{Actuator: "exec", Verb: "run", Target: "/bin/mock", Args: map[string]string{"argv": `["on","a b"]`, "timeout": "10s"}}, "/bin/mock on a b"},
		{actuators.Action{Actuator: "exec", Verb: "run", Target: "/bin/mock", Args: map[string]string{"argv": `[]`}}, "/bin/mock"},
		{actuators.Action{Actuator: "exec", Verb: "run", Target: "/bin/mock"}, "exec.run /bin/mock"},
		{actuators.Action{Actuator: "scale", Verb: "set", Target: "worker", Args: map[string]string{"to": "3"}}, "scale worker to 3"},
		{actuators.Action{Actuator: "cache", Verb: "flush", Target: "pages", Args: map[string]string{"declared": "d1", "maxShare": "20%"}}, "cache.flush pages maxShare=20%"},
		{actuators.Action{Actuator: "postgres", Verb: "terminate", Target: "main", Args: map[string]string{"declared": "d1"}}, "postgres.terminate main"},
	} {
		if got := actuators.Words(c.action.String()); got != c.want {
			t.Errorf("%s is said as %q, want %q", c.action, got, c.want)
		}
	}
}
