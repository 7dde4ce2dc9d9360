package ask

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestExpectJSON(t *testing.T) {
	for _, c := range []struct{ want, got, difference string }{
		{`{"a": 1}`, `{"a": 1, "b": 2}`, ""},
		{`{"a": 1}`, `{"a": 1.0}`, ""},
		{`{"a": {"b": "x"}}`, `{"a": {"b": "x", "c": 1}}`, ""},
		{`{"a": [1, {"b": 2}]}`, `{"a": [1, {"b": 2, "c": 3}]}`, ""},
		{`{"a": null}`, `{"a": null}`, ""},
		{`{"a": true}`, `{"a": true}`, ""},
		{`{"a": null}`, `{}`, "a is missing"},
		{`{"a": {"b": 1}}`, `{"a": {}}`, "a.b is missing"},
		{`{"b": 1, "a": 1}`, `{}`, "a is missing"}, // the first by name, always
		{`{"a": 1}`, `[]`, "the answer is a list of 0, not an object"},
		{`{"a": 1}`, `{"a": "1"}`, `a is "1", not 1`},
		{`{"a": true}`, `{"a": 1}`, "a is 1, not true"},
		{`{"a": [1]}`, `{"a": [1, 2]}`, "a is a list of 2, not a list of 1"},
		{`{"a": [1, 2]}`, `{"a": [1, 3]}`, "a[1] is 3, not 2"},
		{`{"a": "x"}`, `{"a": {"b": 1}}`, `a is an object, not "x"`},
		{`{"a": "x"}`, `{"a": "` + strings.Repeat("y", 1000) + `"}`, `a is "` + strings.Repeat("y", 64) + `…", not "x"`},
		{`{"a": "x"}`, `{"a": "\u001b[31m"}`, `a is "\x1b[31m", not "x"`},
		{`{"a": 1}`, `{"a": 1`, "the answer is not JSON"},
		{`{"a": 1}`, ``, "the answer is not JSON"},
	} {
		var want map[string]any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if got := compare(want, []byte(c.got)); got.Detail != c.difference {
			t.Errorf("%s expects %s: %+v; want %q", c.want, c.got, got, c.difference)
		}
	}
	if got := compare(map[string]any{"a": 3, "b": uint64(4)}, []byte(`{"a": 3, "b": 4}`)); !got.Good() {
		t.Errorf("numbers as YAML has them: %+v", got)
	}
}

func TestDependencies(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"d%03d": "ok"`, i))
	}
	for _, c := range []struct {
		body string
		want map[string]string
	}{
		{`{"dependencies": {"postgres": "ok", "redis": "DOWN"}}`, map[string]string{"postgres": "ok", "redis": "down"}},
		{`{"dependencies": {"a": true, "b": false}}`, map[string]string{"a": "ok", "b": "down"}},
		{`{"dependencies": {"a": {"status": "up"}, "b": {"state": "failed"}, "c": {"healthy": false}}}`, map[string]string{"a": "up", "b": "failed", "c": "down"}},
		{`{"dependencies": {"a": "timeout after 3021ms", "b": "not_ready"}}`, map[string]string{"a": "timeout", "b": "not_ready"}},
		{`{"dependencies": {"a": 17, "b": null, "c": {}, "d": "42ms", "": "ok", "e": "ok"}}`, map[string]string{"e": "ok"}},
		{`{"dependencies": {"` + strings.Repeat("x", 65) + `": "ok"}}`, nil},
		{`{"dependencies": {"a": "` + strings.Repeat("x", 65) + `"}}`, map[string]string{"a": strings.Repeat("x", 64)}},
		{`{"dependencies": []}`, nil},
		{`{"status": "ok"}`, nil},
		{`ok`, nil},
		{``, nil},
		{`{"dependencies": {"a": "ok"}}` + strings.Repeat(" ", maxBody), nil},
	} {
		if got := dependencies([]byte(c.body)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%.80s: %v; want %v", c.body, got, c.want)
		}
	}
	if got := dependencies([]byte(`{"dependencies": {` + strings.Join(many, ",") + `}}`)); len(got) != maxNames || got["d000"] != "ok" {
		t.Errorf("of a hundred %d were taken: %v", len(got), got)
	}
}
