package read

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/pakashop/evenkeel/desired"
)

// specs are the Go types of the kinds.
func specs() map[string]reflect.Type {
	return map[string]reflect.Type{
		"Service":      reflect.TypeFor[desired.ServiceSpec](),
		"Defaults":     reflect.TypeFor[desired.DefaultsSpec](),
		"Environment":  reflect.TypeFor[desired.EnvironmentSpec](),
		"Endpoint":     reflect.TypeFor[desired.EndpointSpec](),
		"AlertRules":   reflect.TypeFor[desired.AlertRulesSpec](),
		"Runbook":      reflect.TypeFor[desired.RunbookSpec](),
		"Task":         reflect.TypeFor[desired.TaskSpec](),
		"ChangeWindow": reflect.TypeFor[desired.ChangeWindowSpec](),
		"Receiver":     reflect.TypeFor[desired.ReceiverSpec](),
		"Route":        reflect.TypeFor[desired.RouteSpec](),
		"Cache":        reflect.TypeFor[desired.CacheSpec](),
		"Database":     reflect.TypeFor[desired.DatabaseSpec](),
		"Actuator":     reflect.TypeFor[desired.ActuatorSpec](),
	}
}

// plans says how each Go struct is read, by its tags: json (omitempty: may be
// left out), enum (the words that are allowed) and oneof (of the fields with
// this word, exactly one is set; with a ? at its end, at most one).
type plans map[reflect.Type]*plan

type plan struct {
	fields []fieldPlan
	names  []string
	groups []string
}

type fieldPlan struct {
	name     string
	index    int
	required bool
	enum     []string
	oneof    string
}

// shaped are the types that have a form of their own in YAML.
var (
	durationType   = reflect.TypeFor[desired.Duration]()
	portType       = reflect.TypeFor[desired.Port]()
	replicasType   = reflect.TypeFor[desired.Replicas]()
	driftType      = reflect.TypeFor[desired.Drift]()
	dependencyType = reflect.TypeFor[desired.Dependency]()
	rawType        = reflect.TypeFor[json.RawMessage]()
)

func newPlans() plans {
	p := plans{}
	for _, t := range specs() {
		p.add(t)
	}
	p.add(reflect.TypeFor[desired.Meta]())
	p.add(reflect.TypeFor[desired.Policy]())
	return p
}

func (p plans) add(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		p.add(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if t == portType || p[t] != nil {
		return
	}
	one := &plan{}
	p[t] = one
	for i := range t.NumField() {
		f := t.Field(i)
		name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || name == "" {
			continue
		}
		fp := fieldPlan{name: name, index: i, required: !strings.Contains(rest, "omit"), oneof: f.Tag.Get("oneof")}
		if words := f.Tag.Get("enum"); words != "" {
			fp.enum = strings.Split(words, ",")
		}
		one.fields = append(one.fields, fp)
		one.names = append(one.names, name)
		if g := fp.oneof; g != "" && (len(one.groups) == 0 || one.groups[len(one.groups)-1] != g) {
			one.groups = append(one.groups, g)
		}
		p.add(f.Type)
	}
}

func (p *plan) field(name string) *fieldPlan {
	for i := range p.fields {
		if p.fields[i].name == name {
			return &p.fields[i]
		}
	}
	return nil
}
