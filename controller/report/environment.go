package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// Placed is a service of an environment, and where it runs.
type Placed struct {
	Name  string   `json:"name"`
	Hosts []string `json:"hosts"` // matchers; none: every host of the environment
}

// placed lists the services of an environment: known of the one by which the Set
// was read, since another one's overlays may declare others. nil: not known.
func (v View) placed(o desired.Object) []Placed {
	if o.Kind != "Environment" || o.Metadata.Name != environment(v.Want) {
		return nil
	}
	out := []Placed{}
	for _, s := range v.Want.Objects {
		if s.Kind == "Service" {
			out = append(out, Placed{Name: s.Metadata.Name, Hosts: hostsOf(s)})
		}
	}
	return out
}

// where is the matchers in words.
func (p Placed) where() string {
	if len(p.Hosts) == 0 {
		return "every host"
	}
	return strings.Join(p.Hosts, " and ")
}

// environments tells a list of Environments alone, which has columns of its own.
func (l List) environments() bool {
	return !slices.ContainsFunc(l.Items, func(o Object) bool { return o.Kind != "Environment" })
}

func (l List) environmentsText(st Style) string {
	t := &table{style: st}
	t.head("NAME", "BRANCH", "DOMAIN", "HOSTS", "SERVICES", "CONFIRM", "VERIFY", "FLOOR", "VARS")
	for _, o := range l.Items {
		var e desired.EnvironmentSpec
		_ = json.Unmarshal(o.Spec, &e) // what cannot be read shows as not said
		confirm, verify := "", ""
		if e.ConfirmAfter > 0 {
			confirm = e.ConfirmAfter.String()
		}
		if e.Verify != nil {
			verify = words(e.Verify.Argv)
		}
		hosts := strings.Join(e.Hosts, " and ")
		if hosts == "" {
			hosts = "every host"
		}
		t.add(o.Metadata.Name, dash(e.Branch), dash(e.Domain), hosts, o.Status.services(), dash(confirm), dash(verify), dash(e.SeverityFloor),
			dash(strings.Join(slices.Sorted(maps.Keys(e.Vars)), ",")))
	}
	return t.String()
}

// services counts the services, by where they run if that differs: "12 (9 on
// every host, 3 on role="db")".
func (s ObjectStatus) services() string {
	if s.Services == nil {
		return "?"
	}
	by := map[string]int{}
	for _, p := range s.Services {
		by[p.where()]++
	}
	total := strconv.Itoa(len(s.Services))
	if len(by) < 2 && by["every host"] == len(s.Services) {
		return total
	}
	var parts []string
	for _, where := range slices.Sorted(maps.Keys(by)) {
		parts = append(parts, strconv.Itoa(by[where])+" on "+where)
	}
	return total + " (" + strings.Join(parts, ", ") + ")"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func placedText(list []Placed, st Style) string {
	t := &table{style: st}
	for _, p := range list {
		t.add(p.Name, p.where())
	}
	return t.String()
}
