package report

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// List is what `get` shows. Its JSON form is a contract.
type List struct {
	Items []Object `json:"items"`
}

// Object is one declared object with its effective values, and how it is.
type Object struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   desired.Meta    `json:"metadata"`
	Spec       json.RawMessage `json:"spec"`
	Status     ObjectStatus    `json:"status"`
}

// ObjectStatus is how an object is.
type ObjectStatus struct {
	Conditions []Condition `json:"conditions"`
	Services   []Placed    `json:"services,omitempty"` // of an Environment: which run there; absent: not known
}

// Get lists the objects of a kind, of all kinds for "".
func (v View) Get(kind string) List {
	v = v.looked()
	l := List{Items: []Object{}}
	declared, of := newDeclared(v.Want), v.split()
	for _, o := range v.Want.Objects {
		if kind == "" || o.Kind == kind {
			l.Items = append(l.Items, of(o.Ref()).object(o, declared))
		}
	}
	return l
}

func (v View) object(o desired.Object, d declared) Object {
	out := Object{
		APIVersion: o.APIVersion, Kind: o.Kind, Metadata: o.Metadata, Spec: d.redact(o),
		Status: ObjectStatus{Conditions: v.follows(o), Services: v.placed(o)},
	}
	if s, ok := v.service(o); ok {
		out.Status.Conditions = v.conditions(s)
	}
	if e, ok := v.endpoint(o); ok {
		out.Status.Conditions = v.answers(e)
	}
	return out
}

// service is the compiled form of a Service object, if it runs on this host.
func (v View) service(o desired.Object) (*desired.Service, bool) {
	if o.Kind != "Service" {
		return nil, false
	}
	return v.Want.Service(o.Metadata.Name)
}

// KindOf finds the kind that somebody means by services, service or Service,
// and "" for all, all, or objects.
func KindOf(word string) (kind string, ok bool) {
	w := strings.ToLower(word)
	if slices.Contains([]string{"", "all", "objects"}, w) {
		return "", true
	}
	for _, k := range desired.Kinds {
		l := strings.ToLower(k)
		if w == l || w == l+"s" || w == l+"es" || w == strings.TrimSuffix(l, "y")+"ies" {
			return k, true
		}
	}
	return "", false
}

// Text is the list as a table: of services how they are, of the rest what
// there is.
func (l List) Text(st Style) string {
	if len(l.Items) == 0 {
		return "no objects\n"
	}
	if l.environments() {
		return l.environmentsText(st)
	}
	t := &table{style: st}
	t.head("KIND", "NAME", "INSYNC", "RUNNING", "READY", "ENABLED", "HELD", "REASON")
	for _, o := range l.Items {
		in, ready := o.condition(InSync), o.condition(Ready)
		t.add(o.Kind, o.Metadata.Name, mark(in), mark(o.condition(Running)), mark(ready), mark(o.condition(Enabled)), mark(o.condition(HeldType)), o.reason())
		t.paint(2, conditionColours[in.Status])
		t.paint(4, conditionColours[ready.Status])
	}
	return t.String()
}

// reason is that of the first condition that should be True and is not. How well
// something is that does not run is no question.
func (o Object) reason() string {
	for _, kind := range []string{InSync, Healthy, Ready} {
		c := o.condition(kind)
		if rests := kind != InSync && o.condition(Running).Status == False; !rests && (c.Status == False || c.Status == Unknown) {
			return c.Reason
		}
	}
	return ""
}

func mark(c Condition) string {
	if c.Status == "" {
		return "-"
	}
	return c.Status
}

var conditionColours = map[string]colour{True: green, False: red, Unknown: magenta}

func (o Object) condition(kind string) Condition {
	for _, c := range o.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return Condition{}
}
