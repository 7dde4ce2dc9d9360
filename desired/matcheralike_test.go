package desired

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"pgregory.net/rapid"
)

// spell is a list of matchers, to be compared.
func spell[T any](ms []T, parts func(T) (name, op, value string)) (text string) {
	for _, m := range ms {
		name, op, value := parts(m)
		text += fmt.Sprintf("%q %s %q; ", name, op, value)
	}
	return text
}

func alertmanagers(m *labels.Matcher) (name, op, value string) {
	return m.Name, m.Type.String(), m.Value
}
func ours(m Matcher) (name, op, value string) { return m.Name, m.Op, m.Value }

// plain writes matchers as both parsers take them.
func plain(ms []Matcher) string {
	var parts []string
	for _, m := range ms {
		parts = append(parts, m.String())
	}
	return strings.Join(parts, ",")
}

// bits are what matchers are written of. Escapes such as \t, and spaces that are not
// ASCII, are none of them: they mean another thing to each of Alertmanager's parsers.
var bits = []string{
	"role", "größe", "a.b/c-d", "a:b", "0", " ", "\t", "\n", "{", "}", ",", "=", "!=", "=~", "!~", "~", "!", `"`, `"app"`, `""`, `"a b"`, `"a\"b"`, `"\n"`, `"\d+"`,
	`"\\"`, `\`, "'", "`", `"("`, "(", "[a-z]+", ".*", "app|db", "\xff", "\x00",
}

// What ParseMatchers takes means to Alertmanager, as it is set up where nobody has
// said otherwise, the same. What its newer parser takes is taken, but nothing at all,
// a label without a name, and what is not UTF-8: nobody means that. What only its
// older parser takes (role=app db) need not be. A backslash that stands for itself,
// which only the older one knows, may stand beside a name that only the newer one does.
func TestMatchersAreAlertmanagers(t *testing.T) {
	lenient := compat.FallbackMatchersParser(slog.New(slog.DiscardHandler))
	alike := func(text string) error {
		theirs, refused := lenient(text, "")
		got, err := ParseMatchers(text)
		if err == nil {
			if refused != nil && strings.Contains(text, `\`) {
				theirs, refused = parse.Matchers(plain(got))
			}
			if got, want := spell(got, ours), spell(theirs, alertmanagers); refused != nil || got != want {
				return fmt.Errorf("%q is %s; Alertmanager: %s %v", text, got, want, refused)
			}
			return nil
		}
		strict, refused := parse.Matchers(text)
		nameless := slices.ContainsFunc(strict, func(m *labels.Matcher) bool { return m.Name == "" })
		if refused == nil && len(strict) > 0 && !nameless && utf8.ValidString(text) {
			return fmt.Errorf("%q: %w; Alertmanager: %s", text, err, spell(strict, alertmanagers))
		}
		return nil
	}
	for _, text := range []string{
		`role="app"`, `role=app`, ` role = "app" `, `role!="app"`, `role=~"a.*"`, `role!~"a|b"`, `role=~a.*`, `role=""`, `a="b",c=~"d"`, `{a="b",c="d",}`, `{a="b"}`,
		`a="b",`, `{}`, `{,}`, `{ }`, `"a b"="c d"`, `a="{b},c"`, `a="b\"c"`, `a="b\\c"`, `a="b\nc"`, `a=~"\d+"`, `größe="ü"`, `a.b/c-d="e"`, `a:b=c`,
		``, ` `, `role`, `role=`, `="app"`, `role=="app"`, `role="app`, `role=app"`, `role=app db`, `role="app" and`, `{role="app"`, `role="app"}`, `role=~"("`, `,role=app`,
		`role~"a"`, "a=`b`", "a=\"\xff\"", `""="a"`, `a=b,,c=d`, `{a=b}{c=d}`, `{a=b},`, `a=b c=d`,
	} {
		if err := alike(text); err != nil {
			t.Error(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := ""
		for _, bit := range rapid.SliceOfN(rapid.SampledFrom(bits), 1, 12).Draw(t, "bits") {
			text += bit
		}
		if err := alike(text); err != nil {
			t.Fatal(err)
		}
	})
	rapid.Check(t, func(t *rapid.T) { // mostly well formed
		text := ""
		for i := range rapid.IntRange(1, 3).Draw(t, "n") {
			if i > 0 {
				text += rapid.SampledFrom([]string{",", " , ", ",,"}).Draw(t, "comma")
			}
			text += rapid.SampledFrom([]string{"a", `"a b"`, "ü", `""`, ""}).Draw(t, "name")
			text += rapid.SampledFrom([]string{"=", "!=", "=~", "!~", " = "}).Draw(t, "op")
			text += rapid.SampledFrom([]string{"b", `"b"`, `""`, "", `"\d"`, `"\""`, `"("`, `[`, "b c"}).Draw(t, "value")
		}
		if rapid.Bool().Draw(t, "braces") {
			text = "{" + text + "}"
		}
		if err := alike(text); err != nil {
			t.Fatal(err)
		}
	})
}
