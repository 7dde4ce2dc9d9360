package desired

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What alerts rest on touches no service: only where a service's own metrics are
// had belongs to it.
func TestTouchedByAlerting(t *testing.T) {
	was := func() *Set {
		m := &Metrics{Redis: &Redis{}}
		s := Service{Name: "a", Units: []string{"a.service"}, Spec: ServiceSpec{Metrics: m}, Targets: []Target{{Job: "a", Metrics: *m}}}
		return &Set{Services: []Service{s}, Rules: []RuleFile{{Name: "r", Text: []byte("groups: []")}}, Runbooks: []Runbook{{Name: "b"}}}
	}
	for _, c := range []struct {
		name   string
		change func(*Set)
		want   []string
	}{
		{"nothing", func(*Set) {}, nil},
		{"rules", func(s *Set) { s.Rules[0].Text = []byte("groups: [{name: x}]") }, nil},
		{"a runbook", func(s *Set) { s.Runbooks[0].Spec.Match = []string{"a=b"} }, nil},
		{"a runbook more", func(s *Set) { s.Runbooks = append(s.Runbooks, Runbook{Name: "c"}) }, nil},
		{"what the host says", func(s *Set) { s.Targets = append(s.Targets, Target{Job: "node", Collector: NodeCollector}) }, nil},
		{"metrics", func(s *Set) { s.Services[0].Spec.Metrics = &Metrics{Redis: &Redis{Address: "127.0.0.1:7"}} }, []string{"Service/a"}},
	} {
		next := was()
		c.change(next)
		if d := cmp.Diff(c.want, Touched(was(), next)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}
