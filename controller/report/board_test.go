package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/state"
)

func names(rows []Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return out
}

// The platform's own services come first, then what they depend on.
func TestSections(t *testing.T) {
	for _, c := range []struct {
		name     string
		host     *host
		own, end []string
	}{
		{"a platform", platform(), []string{"pakashop-backend", "pakashop-config", "pakashop-gateway"}, []string{"nginx", "postgresql", "redis"}},
		{"nothing is ours and nothing depends", newHost(vendor("nginx", "nginx.service"), vendor("cron", "cron.service")), []string{"cron", "nginx"}, nil},
		{"nothing is ours, but one needs the other", func() *host {
			n := vendor("nginx", "nginx.service")
			n.Follows = []string{"php"}
			return newHost(vendor("php", "php-fpm.service"), n)
		}(), []string{"nginx"}, []string{"php"}},
		{"all are ours", newHost(app("b", "a"), app("a")), []string{"a", "b"}, nil},
	} {
		own, end := c.host.board().split()
		if d := cmp.Diff(c.own, names(own)); d != "" {
			t.Errorf("%s: own (-want +got):\n%s", c.name, d)
		}
		if d := cmp.Diff(c.end, names(end)); d != "" {
			t.Errorf("%s: dependencies (-want +got):\n%s", c.name, d)
		}
		if got := names(c.host.board().Status.Services); !slices.Equal(got, append(c.own, c.end...)) {
			t.Errorf("%s: the lines are %v", c.name, got)
		}
	}
}

func TestBoardOfAPinnedHost(t *testing.T) {
	h := platform()
	h.hold(state.Held{Object: "Service/pakashop-backend", Reason: state.AwaitingApproval, Detail: "policy asks for approval of cache.flush", Info: true})
	b := h.board()
	b.Status.Pinned, b.Status.Wanted, b.Status.Quarantined = true, "badc0ffee", []string{"deadbeef"}
	golden(t, "pinned.txt", []byte(b.Text(Style{Now: noon}, false)+"\n"+b.Text(Style{Now: noon, Color: true}, false)))
}

func TestBoardWithoutServices(t *testing.T) {
	b := newHost().board()
	for name, c := range map[string]struct{ got, want string }{
		"table":   {b.Text(Style{Now: noon}, false), "app-1 (production) at 3f2a1b9c0d4e\nno services\n"},
		"oneline": {b.Status.OneLine(Style{}), "evenkeel app-1: no services\n"},
		"script":  {b.Script(Style{}), ""},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	if got := string(must(JSONLine(b.Status))(t)); !strings.Contains(got, `"quarantined":[],"approvals":[],"services":[]`) {
		t.Errorf("lists are null: %s", got)
	}
}

// What the platform's old script printed: words and colours by systemd's state
// alone, and PONG only from a Redis that was asked.
func TestScript(t *testing.T) {
	h := platform()
	h.unit("pakashop-backend.service", state.Unit{Load: "loaded", Active: "failed", Sub: "failed"})
	h.Have.Units["pakashop-config.service"] = state.Fact[state.Unit]{At: moment(0), Err: "timeout"}
	h.unit("nginx.service", state.Unit{Load: "loaded", Active: "inactive", Sub: "dead"})
	b := h.board()
	b.Pings = map[string]string{"redis-server.service": "PONG"}
	golden(t, "script.txt", []byte(b.Script(Style{})+"\n"+b.Script(Style{Color: true})))
}

func TestOnly(t *testing.T) {
	b := replicas().board()
	for _, c := range []struct {
		ask, want, missing []string
	}{
		{nil, []string{"worker@1", "worker@2", "worker@3"}, nil},
		{[]string{"worker"}, []string{"worker@1", "worker@2", "worker@3"}, nil},
		{[]string{"worker.service"}, []string{"worker@1", "worker@2", "worker@3"}, nil},
		{[]string{"Service/worker"}, []string{"worker@1", "worker@2", "worker@3"}, nil},
		{[]string{"worker@1"}, []string{"worker@1"}, nil},
		{[]string{"worker@3.service", "worker@1"}, []string{"worker@1", "worker@3"}, nil},
		{[]string{"worker@1", "nobody"}, []string{"worker@1"}, []string{"nobody"}},
	} {
		got, missing := b.Only(c.ask)
		if d := cmp.Diff(c.want, names(got.Status.Services)); d != "" || !slices.Equal(missing, c.missing) {
			t.Errorf("Only(%v): missing %v, (-want +got):\n%s", c.ask, missing, d)
		}
	}
	if got, _ := b.Only([]string{"worker@1"}); !got.Status.Healthy {
		t.Error("the failure of another replica makes worker@1 unhealthy")
	}
	if b.Status.Healthy || len(b.Status.Services) != 3 {
		t.Error("Only changed the board that it was asked of")
	}
}

func TestStatusSurvivesJSON(t *testing.T) {
	for name, build := range cases {
		b := build().board()
		first := must(JSON(b))(t)
		var back Board
		check(t, json.Unmarshal(first, &back))
		if again := must(JSON(back))(t); string(first) != string(again) {
			t.Errorf("%s: %s", name, cmp.Diff(string(first), string(again)))
		}
		if b.Text(Style{Now: noon}, true) != back.Text(Style{Now: noon}, true) {
			t.Errorf("%s: the text differs after JSON", name)
		}
	}
}

func TestBoardSaysTheSameWithoutColour(t *testing.T) {
	for name, build := range cases {
		b := build().board()
		for _, wide := range []bool{false, true} {
			plain, coloured := b.Text(Style{Now: noon}, wide), b.Text(Style{Now: noon, Color: true}, wide)
			if got := colours.ReplaceAllString(coloured, ""); got != plain {
				t.Errorf("%s: %s", name, cmp.Diff(plain, got))
			}
		}
	}
}
