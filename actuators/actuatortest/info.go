package actuatortest

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pakashop/evenkeel/actuators"
)

// A verb may have two words, with a dot between them: gather.redis.ttls.
var (
	word  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	words = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}(\.[a-z][a-z0-9-]{0,31})?$`)
)

func saysWhatItIs(t *testing.T, fresh func(t *testing.T) Subject) {
	i := info(t, fresh(t))
	if !word.MatchString(i.Name) {
		t.Errorf("name %q: must be lower-case letters, digits and -, at most 32", i.Name)
	}
	if i.Version == "" {
		t.Error("no version")
	}
	if len(i.Verbs) == 0 {
		t.Error("no verbs")
	}
	seen := map[string]bool{}
	for _, v := range i.Verbs {
		if seen[v.Name] {
			t.Errorf("verb %q: twice", v.Name)
		}
		seen[v.Name] = true
		wellFormed(t, v)
	}
}

func wellFormed(t *testing.T, v actuators.Verb) {
	t.Helper()
	if !words.MatchString(v.Name) {
		t.Errorf("verb %q: must be lower-case letters, digits and -, at most 32, or two such words with a dot between", v.Name)
	}
	if !slices.Contains([]actuators.Effect{actuators.None, actuators.Benign, actuators.Disruptive}, v.Effect) {
		t.Errorf("verb %s: effect %q: must be none, benign or disruptive", v.Name, v.Effect)
	}
	if v.Help == "" || strings.Contains(v.Help, "\n") {
		t.Errorf("verb %s: help %q: must be one sentence", v.Name, v.Help)
	}
	for n, a := range v.Args {
		if a == "" || slices.Contains(v.Args[:n], a) {
			t.Errorf("verb %s: argument %q: empty or twice", v.Name, a)
		}
	}
}

func saysTheSame(t *testing.T, fresh func(t *testing.T) Subject) {
	s := fresh(t)
	first := info(t, s)
	for _, sample := range s.Samples[:min(1, len(s.Samples))] {
		if sample.Before != nil {
			sample.Before(t)
		}
		apply(t, s, sample.Request)
	}
	if again := info(t, s); !reflect.DeepEqual(first, again) {
		t.Errorf("Info changed while it ran:\n%+v\n%+v", first, again)
	}
}

func everyVerb(t *testing.T, fresh func(t *testing.T) Subject) {
	s := fresh(t)
	if len(s.Samples) == 0 {
		t.Fatal("no samples: nothing would be proven")
	}
	for _, v := range info(t, s).Verbs {
		proven := slices.ContainsFunc(s.Samples, func(x Sample) bool { return x.Request.Verb == v.Name })
		why := s.Unproven[v.Name]
		if !proven && why == "" {
			t.Errorf("verb %s: no sample: add one, or say in Unproven why none can be", v.Name)
		}
		if why != "" {
			t.Logf("verb %s is not proven: %s", v.Name, why)
		}
	}
	for _, x := range s.Samples {
		v, ok := info(t, s).Verb(x.Request.Verb)
		if !ok {
			t.Errorf("sample %s: unknown verb %q", x.name(), x.Request.Verb)
		}
		if x.Look == nil && v.Effect != actuators.None {
			t.Errorf("sample %s: no Look, but the verb has an effect", x.name())
		}
	}
}

// presentable checks that a result can be stored and shown: one line, UTF-8,
// small.
func presentable(t *testing.T, r actuators.Request, res actuators.Result) {
	t.Helper()
	texts := []string{res.Detail, res.Displaced}
	size := 0
	for k, v := range res.Data {
		texts = append(texts, k, v)
		size += len(k) + len(v)
	}
	for _, s := range texts {
		if !utf8.ValidString(s) {
			t.Errorf("%s: %q in the result is not UTF-8", r.Action, s)
		}
	}
	if strings.ContainsFunc(res.Detail, unicode.IsControl) || len(res.Detail) > 1<<10 {
		t.Errorf("%s: detail %q: must be one line of at most 1 KiB", r.Action, res.Detail)
	}
	if size > 64<<10 {
		t.Errorf("%s: data of %d bytes: at most 64 KiB", r.Action, size)
	}
}
