package ask

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/state"
)

// compare tells whether a body holds all that is expected. One that does not is
// no failure of the service: something else answers.
func compare(expected map[string]any, body []byte) Sample {
	if len(body) > maxBody {
		return failed(state.ClassWrong, "the answer has more than 64 KiB")
	}
	var got any
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&got); err != nil {
		return failed(state.ClassWrong, "the answer is not JSON")
	}
	if difference := differs("", expected, got); difference != "" {
		return failed(state.ClassWrong, difference)
	}
	return Sample{}
}

// differs names the first field that is not as expected. Maps may hold more than
// is expected, lists may not.
func differs(at string, want, got any) string {
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %s, not an object", name(at), show(got))
		}
		for _, k := range slices.Sorted(maps.Keys(want)) {
			v, ok := m[k]
			if !ok {
				return fmt.Sprintf("%s is missing", name(join(at, k)))
			}
			if d := differs(join(at, k), want[k], v); d != "" {
				return d
			}
		}
		return ""
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return fmt.Sprintf("%s is %s, not a list of %d", name(at), show(got), len(want))
		}
		for i := range want {
			if d := differs(fmt.Sprintf("%s[%d]", at, i), want[i], list[i]); d != "" {
				return d
			}
		}
		return ""
	}
	if equal(want, got) {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", name(at), show(got), show(want))
}

func name(at string) string {
	if at == "" {
		return "the answer"
	}
	return at
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// equal compares what is neither map nor list. YAML has more kinds of numbers
// than JSON.
func equal(want, got any) bool {
	if a, ok := number(want); ok {
		b, ok := number(got)
		return ok && a == b
	}
	return want == got
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// show is a value in short.
func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return fmt.Sprintf("a list of %d", len(v))
	case string:
		return fmt.Sprintf("%q", cut(v, maxName))
	}
	return cut(fmt.Sprint(v), maxName)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
