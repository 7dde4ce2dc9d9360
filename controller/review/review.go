package review

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Change is one environment, or one host of it, before and after.
type Change struct {
	Environment string
	Host        string       // empty: the environment as a whole, with every service whatever its hosts
	Base, Head  *desired.Set // nil: there is none; as a whole, if Host is empty (read.Options.Everywhere)
	Before      string       // the revision of Base; empty: it is compared with nothing
	After       string       // the revision of Head

	SealedBefore, SealedAfter map[Sealed]string // of encrypted sources: digests of what nobody can read here

	Unusable   string   // why the old revision cannot be compared with; empty: it can
	Warnings   []string // that the new revision gives, and the old one did not
	Known      bool     // the Sets carry the policy of the very host
	Unlabelled bool     // which labels Host has is not known
	Now        time.Time
}

// Make says what a change does.
func Make(c Change) report.Review {
	r := reviewer{change: c}
	r.Review = report.Review{Diff: report.Diff{Environment: c.Environment, Host: c.Host, InSync: true}}
	r.Base, r.Revision = c.Before, c.After
	r.gate()
	r.gap("this is not the host; " + r.against())
	if c.Unlabelled {
		r.gap("its labels are not known (--labels): services that ask for hosts with certain labels are taken to run elsewhere")
	}
	switch {
	case c.Unusable != "":
		r.gap("nothing can be compared: " + c.Unusable)
		r.Changes, r.InSync = true, false
	case c.Head == nil:
		r.gone()
	default:
		r.compare()
	}
	return report.NewReview(r.Review)
}

// reviewer is a Review in the making.
type reviewer struct {
	report.Review
	change   Change
	old, new *desired.Set // Base and Head; empty ones where there are none
}

func (r *reviewer) gap(detail string) {
	r.Gaps = append(r.Gaps, report.Gap{Object: r.host(), Source: "host:" + strings.TrimPrefix(r.host(), "Host/"), Detail: detail})
}

// host is whom steps of the whole host speak of.
func (r *reviewer) host() string {
	for _, set := range []*desired.Set{r.change.Head, r.change.Base} {
		if set != nil {
			return "Host/" + set.Host.Name
		}
	}
	return "Host/" + r.change.Host
}

func (r *reviewer) against() string {
	s := "revision " + r.Revision + " was compared with "
	if r.Base == "" {
		return s + "nothing"
	}
	return s + "revision " + r.Base
}

// gate is what the environment says of how a revision is confirmed.
func (r *reviewer) gate() {
	spec, _ := environmentOf(r.change.Head, r.change.Environment)
	if spec.ConfirmAfter > 0 {
		r.ConfirmAfter = spec.ConfirmAfter.String()
	}
	if spec.Verify != nil {
		r.Verify = spec.Verify.Argv
	}
}

// environmentOf finds an environment in a Set.
func environmentOf(set *desired.Set, name string) (spec desired.EnvironmentSpec, ok bool) {
	if set == nil {
		return spec, false
	}
	for _, o := range set.Objects {
		if o.Kind == "Environment" && o.Metadata.Name == name {
			return specOf[desired.EnvironmentSpec](o)
		}
	}
	return spec, false
}

// specOf is an object's spec in its Go form; not ok where it has none.
func specOf[T any](o desired.Object) (spec T, ok bool) {
	err := json.Unmarshal(o.Spec, &spec)
	return spec, err == nil
}

// gone is an environment that is no longer there: its hosts find no desired state
// of theirs any more, and keep what they have.
func (r *reviewer) gone() {
	r.Changes = true
	r.Objects = report.Compare(r.change.Base, nil, func(o desired.Object) bool { return o.Kind == "Environment" && o.Metadata.Name == r.change.Environment })
	r.risk(report.RiskEnvironment, "Environment/"+r.change.Environment, "it is no longer declared: its hosts refuse the revision, and keep what they have")
}

func (r *reviewer) compare() {
	r.old, r.new = r.change.Base, r.change.Head
	if r.old == nil {
		r.old = &desired.Set{Host: r.new.Host, Policy: r.new.Policy}
	}
	r.Services = len(r.new.Services)
	for _, s := range r.new.Services {
		r.Units += len(s.Units)
	}
	r.Objects = report.Compare(r.change.Base, r.new, r.concerns)
	r.sealed()
	if r.change.Host == "" && placed(r.old, r.new) > 1 {
		r.gap("services are planned as if one host ran them all: what is much of a host, and what waits for what, is of the whole (--host NAME shows one)")
	}
	plans := make([]state.Plan, 0, 1)
	for _, l := range layers(r.old, r.new) {
		plans = append(plans, r.plan(l))
	}
	r.restarts(plans)
	r.risks(plans)
	r.Changes = len(r.Objects) > 0 || !r.InSync
}

// placed counts in how many ways services name their hosts.
func placed(sets ...*desired.Set) int {
	ways := map[string]bool{}
	for _, set := range sets {
		for _, s := range set.Services {
			ways[strings.Join(s.Spec.Hosts, "\x00")] = true
		}
	}
	return len(ways)
}

// concerns tells the objects that matter here: of services those that run on the
// host, before or after, and of environments the one.
func (r *reviewer) concerns(o desired.Object) bool {
	switch o.Kind {
	case "Environment":
		return o.Metadata.Name == r.change.Environment
	case "Service":
		_, was := r.old.Service(o.Metadata.Name)
		_, is := r.new.Service(o.Metadata.Name)
		return was || is
	}
	return true
}

// plan is what a host that is as the old Set declares would do, and reports it.
func (r *reviewer) plan(l layer) state.Plan {
	h := AsDeclared(l.base, r.change.Now)
	gaps := h.meet(l.base, l.head)
	l.head = secretive(l.base, l.head)
	p := plan.Make(l.head, &h.Have, h.Past, h.Now)
	d := report.NewDiff(l.head, h.Have, h.Past, p, contentOf(l.base)).Discreet(sensitive(l.base, l.head))
	r.InSync = r.InSync && d.InSync
	r.Steps, r.Held = append(r.Steps, d.Steps...), append(r.Held, d.Held...)
	r.Gaps = append(append(r.Gaps, d.Gaps...), gaps...)
	return p
}

// contentOf reads what lies on a host that is as a Set declares.
func contentOf(set *desired.Set) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		a, _, ok := set.Artifact(path)
		if !ok || a.Host || a.Sensitive {
			return nil, errNotHere
		}
		return a.Content, nil
	}
}

var errNotHere = errors.New("it is on the host alone")

func (r *reviewer) risk(kind report.RiskKind, object, format string, args ...any) {
	one := report.Risk{Kind: kind, Object: object, Detail: fmt.Sprintf(format, args...)}
	if !slices.Contains(r.Risks, one) {
		r.Risks = append(r.Risks, one)
	}
}

// sortRisks puts the worst first.
func (r *reviewer) sortRisks() {
	slices.SortStableFunc(r.Risks, func(a, b report.Risk) int {
		return cmp.Or(slices.Index(report.Risks, a.Kind)-slices.Index(report.Risks, b.Kind), strings.Compare(a.Object, b.Object))
	})
}
