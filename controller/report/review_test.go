package report

import (
	"fmt"
	"strings"
	"testing"
)

// A comment on GitHub holds 65536 characters: what files hold goes first, then
// the steps, and at last the end is cut off where a line ends.
func TestAReviewFitsIntoAComment(t *testing.T) {
	for _, c := range []struct {
		name         string
		steps, bytes int
		objects      int
		has, hasNot  []string
	}{
		{"small", 3, 100, 3, []string{"```diff", "| 3 |", "Service/o2"}, []string{"left out", "too long"}},
		{"long files", 3, 90000, 3, []string{"| 3 |", "left out"}, []string{"```diff"}},
		{"many steps", 2000, 10, 3, []string{"Service/o2", "left out"}, []string{"| 3 |"}},
		{"many objects", 3, 10, 9000, []string{"Service/o1`", "too long"}, []string{"Service/o8999"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := NewReview(Review{Changes: true})
			for i := range c.steps {
				r.Steps = append(r.Steps, Step{ID: fmt.Sprint(i), Object: "Service/a", Actuator: "file", Verb: "write", Target: "/etc/a", Diff: strings.Repeat("+x\n", c.bytes/3)})
			}
			for i := range c.objects {
				r.Objects = append(r.Objects, Changed{Object: fmt.Sprintf("Service/o%d", i), Change: Added})
			}
			text := NewReviews("base", "head", nil, r).Markdown()
			if len(text) > 65000 || !strings.HasPrefix(text, ReviewMark+"\n") || !strings.HasSuffix(text, "\n") {
				t.Errorf("%d bytes, from %.40q to %q", len(text), text, text[len(text)-40:])
			}
			for _, s := range c.has {
				if !strings.Contains(text, s) {
					t.Errorf("it lacks %q", s)
				}
			}
			for _, s := range c.hasNot {
				if strings.Contains(text, s) {
					t.Errorf("it has %q", s)
				}
			}
		})
	}
}

// Whatever a stranger writes, a terminal and a comment show it as text.
func TestAReviewOfSomethingThatIsWrong(t *testing.T) {
	r := NewReviews("base", "head", []string{"a.yaml:3:5: unknown field \"\x1b[31m`x`\" <b>@all</b>"}, Review{})
	for form, text := range map[string]string{"text": r.Text(Style{}), "markdown": r.Markdown(), "html": must2(t)(r.HTML())} {
		if strings.Contains(text, "\x1b") || !strings.Contains(text, `a.yaml:3:5`) || !strings.Contains(text, `\x1b[31m`) {
			t.Errorf("%s: %q", form, text)
		}
		if form == "markdown" && !strings.Contains(text, "- ``a.yaml") || form == "html" && strings.Contains(text, "<b>") {
			t.Errorf("%s: %q", form, text)
		}
	}
	if got := r.Summary(); got != "it cannot be used: 1 error" {
		t.Errorf("%q", got)
	}
}

func must2(t *testing.T) func(string, error) string {
	return func(s string, err error) string {
		t.Helper()
		check(t, err)
		return s
	}
}

func TestListsOfNamedThingsAreComparedByName(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     map[string]string
	}{
		{"plain", `{"a":{"b":1,"c":"x"},"d":null}`, map[string]string{"spec.a.b": "1", "spec.a.c": `"x"`, "spec.d": "null"}},
		{"a list of values is one", `{"a":["x",1]}`, map[string]string{"spec.a": `["x",1]`}},
		{"an empty list", `{"a":[]}`, map[string]string{}},
		{"by name", `{"a":[{"name":"x","v":1},{"name":"y"}]}`, map[string]string{"spec.a[x].name": `"x"`, "spec.a[x].v": "1", "spec.a[y].name": `"y"`}},
		{"by path", `{"a":[{"path":"/x","v":1}]}`, map[string]string{"spec.a[/x].path": `"/x"`, "spec.a[/x].v": "1"}},
		{"the same name twice", `{"a":[{"name":"x"},{"name":"x"}]}`, map[string]string{"spec.a[0].name": `"x"`, "spec.a[1].name": `"x"`}},
		{"without names", `{"a":[{"do":"restart"},{"do":"rollback"}]}`, map[string]string{"spec.a[0].do": `"restart"`, "spec.a[1].do": `"rollback"`}},
	} {
		got := map[string]string{}
		walk("spec", decoded([]byte(c.in)), got)
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
