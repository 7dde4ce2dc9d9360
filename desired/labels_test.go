package desired

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestLabelsOfAnAlertAreWords(t *testing.T) {
	labels := map[string]string{
		"application_name": "fraud worker", "option": "--all", "line": "a\nb", "zero": "a\x00", "bytes": "a\xff", "empty": "",
		"turned": "a\u202eb", "long": strings.Repeat("x", maxLabel+1), "star": "a*", "quote": `a"} or up{b="`, "nested": "$(alert.application_name)",
	}
	for _, tt := range []struct {
		key, text, want string
	}{
		{"application", "$(alert.application_name)", "fraud worker"},
		{"application", "app-$(alert.application_name)-1", "app-fraud worker-1"},
		{"application", "plain", "plain"},
		{"application", "$$(alert.application_name)", "$(alert.application_name)"},
		{"application", "$(alert.nested)", "$(alert.application_name)"}, // once, and not again
		{"application", "$(alert.star)", "a*"},
		{"application", "$(alert.none)", "with.application: the alert has no label none"},
		{"application", "$(alert.empty)", "with.application: the alert has no label empty"},
		{"application", "$(name)", "with.application: $(name) has no value here"},
		{"argv", "$(alert.option)", "with.argv: the alert's label option begins with -, which a program would take for an option"},
		{"argv", "x$(alert.option)", "with.argv: the alert's label option begins with -, which a program would take for an option"},
		{"argv", "$(alert.line)", "with.argv: the alert's label line has characters that cannot be printed"},
		{"argv", "$(alert.zero)", "with.argv: the alert's label zero has characters that cannot be printed"},
		{"argv", "$(alert.bytes)", "with.argv: the alert's label bytes has characters that cannot be printed"},
		{"argv", "$(alert.turned)", "with.argv: the alert's label turned has characters that cannot be printed"},
		{"argv", "$(alert.long)", "with.argv: the alert's label long is longer than 256 bytes"},
		{"pattern", "cache:$(alert.star)", "with.pattern: the alert's label star has characters that pattern would read as more than themselves"},
		{"expr", `up{a="$(alert.quote)"}`, "with.expr: the alert's label quote has characters that expr would read as more than themselves"},
	} {
		d, err := ExpandLabels(Do{Do: "x", With: map[string]any{tt.key: tt.text}}, labels)
		got := fmt.Sprint(d.With[tt.key])
		if err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %s is %q, want %q", tt.key, tt.text, got, tt.want)
		}
	}
}

// Words are replaced wherever they lie, and the runbook itself stays as it is.
func TestLabelsLieAnywhereAndChangeNothing(t *testing.T) {
	make := func() Do {
		return Do{Do: "exec.run", When: "$(alert.a)", With: map[string]any{"argv": []any{"/bin/mend", "$(alert.a)", 5}, "t": map[string]any{"x": "$(alert.a)"}, "n": 1}}
	}
	d := make()
	got, err := ExpandLabels(d, map[string]string{"a": "b"})
	want := map[string]any{"argv": []any{"/bin/mend", "b", 5}, "t": map[string]any{"x": "b"}, "n": 1}
	if err != nil || !reflect.DeepEqual(got.With, want) || got.When != d.When {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if !reflect.DeepEqual(d, make()) {
		t.Errorf("the runbook has become %v", d)
	}
	if got, err := ExpandLabels(Do{Ask: "?"}, nil); err != nil || got.With != nil {
		t.Errorf("%v, %v", got, err)
	}
}
