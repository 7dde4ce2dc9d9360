package desired

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func service(name string, deps ...string) Service {
	s := Service{Name: name, Units: []string{name + ".service"}}
	for _, d := range deps {
		s.Spec.DependsOn = append(s.Spec.DependsOn, Dependency{Name: d})
	}
	return s
}

func input(services ...Service) Input {
	in := Input{Host: Host{Name: "app-1"}}
	for _, s := range services {
		in.Services = append(in.Services, &s)
		in.Objects = append(in.Objects, Object{Kind: "Service", Metadata: Meta{Name: s.Name}})
	}
	return in
}

func names(s *Set) string {
	var all []string
	for _, one := range s.Services {
		all = append(all, one.Name)
	}
	return strings.Join(all, " ")
}

// TestOrderFollowsDependencies holds any graph without circles to the order in
// which services start, whatever the order in which they were declared.
func TestOrderFollowsDependencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "services")
		var all []Service
		for i := range n {
			var deps []string
			for j := range i {
				if rapid.Bool().Draw(t, "depends") {
					deps = append(deps, fmt.Sprintf("s%02d", (j*7+3)%n))
				}
			}
			all = append(all, service(fmt.Sprintf("s%02d", (i*7+3)%n), deps...))
		}
		if n%7 == 0 {
			return // the names would not be different
		}
		first, found := Compile(input(all...))
		if len(found) > 0 {
			t.Fatal(found)
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		second, _ := Compile(input(shuffled...))
		if names(first) != names(second) {
			t.Fatalf("%s, and declared in another order %s", names(first), names(second))
		}
		for i, s := range first.Services {
			for _, d := range append(s.Requires, s.Follows...) {
				if j := slices.IndexFunc(first.Services, func(o Service) bool { return o.Name == d }); j < 0 || j >= i {
					t.Fatalf("%s comes before %s in %s", s.Name, d, names(first))
				}
			}
		}
	})
}

func TestCirclesAreNamedWhole(t *testing.T) {
	for _, c := range []struct {
		services []Service
		want     []string
	}{
		{[]Service{service("a", "b"), service("b", "a")}, []string{"a → b → a"}},
		{[]Service{service("c", "b"), service("b", "a"), service("a", "c")}, []string{"a → c → b → a"}},
		{[]Service{service("a", "b"), service("b", "a"), service("c", "d"), service("d", "c"), service("e", "a", "c")}, []string{"a → b → a", "c → d → c"}},
		{[]Service{service("a", "b"), service("b", "c"), service("c", "d"), service("d", "b")}, []string{"b → c → d → b"}},
	} {
		_, found := Compile(input(c.services...))
		var got []string
		for _, f := range found {
			_, loop, _ := strings.Cut(f.Message, "circle: ")
			loop, _, _ = strings.Cut(loop, ";")
			got = append(got, loop)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestDependenciesByKind tells what must be ready before from what is only
// started before, and leaves out what runs elsewhere.
func TestDependenciesByKind(t *testing.T) {
	web := service("web")
	web.Spec.DependsOn = []Dependency{{Name: "db"}, {Name: "cache", Kind: "order"}, {Name: "far"}, {Name: "pay"}}
	far := service("far")
	far.Spec.Hosts = []string{"role=db"}
	in := input(web, service("db"), service("cache"), far)
	in.Objects = append(in.Objects, Object{Kind: "Endpoint", Metadata: Meta{Name: "pay"}})
	set, found := Compile(in)
	if len(found) > 0 {
		t.Fatal(found)
	}
	if got := names(set); got != "cache db web" {
		t.Errorf("order %s", got)
	}
	s, _ := set.Service("web")
	if !slices.Equal(s.Requires, []string{"db"}) || !slices.Equal(s.Follows, []string{"cache"}) {
		t.Errorf("requires %v, follows %v", s.Requires, s.Follows)
	}
}
