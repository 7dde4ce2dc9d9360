package controller_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/review"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// What a review says of a change is what a host does that is as the old revision
// declares: the same steps, and nothing besides.
func TestAReviewTellsWhatHostsDo(t *testing.T) {
	for seed := range uint64(120) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 11))
			// What is only repaired is never written, and so never comes to be as declared.
			base, head := reviewable(dice, "enforce"), reviewable(dice, "enforce", "enforce", "repair")
			r := newRig(t, base)
			r.source.set.Policy.Shrink = 1
			was := r.source.set
			r.run()
			defer func() { r.stop() }()
			time.Sleep(15 * time.Minute)
			r.want("")
			before := len(r.store.steps())

			is := declare(t, head)
			is.Policy.Shrink = 1
			want := reviewSteps(t, was, is)
			r.source.offer(is, nil)
			time.Sleep(15 * time.Minute)
			synctest.Wait()
			var did []string
			for _, l := range r.store.steps()[before:] {
				if l.Outcome != state.Done {
					t.Errorf("%s %s %s: %s", l.Verb, l.Target, l.Outcome, l.Detail)
				}
				did = append(did, fmt.Sprintf("%s %s.%s %s %s", l.Object, l.Actuator, l.Verb, l.Target, l.Reason))
			}
			slices.Sort(did)
			did = slices.Compact(did) // what a revision asks for anew is read a moment later, and loaded then
			if d := cmp.Diff(want, did); d != "" {
				t.Errorf("the review (-) and the host (+):\n%s\nfrom:\n%s\nto:\n%s", d, base, head)
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func reviewSteps(t *testing.T, base, head *desired.Set) []string {
	t.Helper()
	r := review.Make(review.Change{Host: "sim", Base: base, Head: head, Before: "base", After: "head", Known: true, Now: time.Now()})
	var out []string
	for _, s := range r.Steps {
		out = append(out, fmt.Sprintf("%s %s.%s %s %s", s.Object, s.Actuator, s.Verb, s.Target, s.Reason))
	}
	slices.Sort(out)
	return out
}

// reviewable is an estate of a few services, each of them there or not, in one of
// many forms.
func reviewable(dice *rand.Rand, managements ...string) string {
	one := func(of ...string) string { return of[dice.IntN(len(of))] }
	var b strings.Builder
	b.WriteString(service("ground"))
	for i, name := range []string{"a", "b", "c", "d"} {
		if dice.IntN(5) == 0 {
			continue
		}
		spec := []string{
			"dependsOn: " + one("null", "[ground]", "[{name: ground, kind: order}]"),
			"boot: " + one("enabled", "enabled", "disabled", "ignored"),
			"state: " + one("running", "running", "running", "stopped"),
			"onRemove: " + one("release", "stop", "delete"),
			"restartOn: {unit: " + one("now", "now", "manual") + ", files: " + one("now", "manual") + "}",
			"management: " + one(managements...),
			"dropIns: " + one("null", "null", `[{name: 10-a, content: "[Service]\nNice=5\n"}]`, `[{name: 10-a, content: "[Service]\nNice=6\n"}, {name: 20-b, content: "[Service]\nNice=7\n"}]`),
			"files: " + one("null", `[{path: /etc/%s.conf, content: "1\n"}]`, `[{path: /etc/%s.conf, content: "2\n", mode: "0600"}]`),
		}
		for j := range spec {
			spec[j] = strings.ReplaceAll(spec[j], "%s", name)
		}
		text := service(name, spec...)
		if dice.IntN(3) == 0 {
			text = strings.Replace(text, "/bin/"+name, "/bin/"+name+" --more", 1)
		}
		if i == 3 && dice.IntN(2) == 0 {
			text = strings.Replace(text, "spec:\n", "spec:\n  unit: d@.service\n  replicas: "+one("1", "2", "3")+"\n", 1)
		}
		b.WriteString(text)
	}
	return b.String()
}
