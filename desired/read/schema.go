package read

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/pakashop/evenkeel/desired"
)

// descriptions are the comments of the Go types, by Type and Type.field. A test
// keeps them current.
//
//go:embed descriptions.json
var descriptions []byte

// Schema is the JSON Schema of every kind, generated from the Go types, for
// editors and for checks without evenkeel. It says what can be said of one
// object alone; Load says the rest.
func Schema() ([]byte, error) {
	g := generator{defs: map[string]any{}, plans: newPlans()}
	if err := json.Unmarshal(descriptions, &g.words); err != nil {
		return nil, fmt.Errorf("read the descriptions of fields: %w", err)
	}
	kinds := specs()
	for _, kind := range desired.Kinds {
		if err := g.add(kinds[kind]); err != nil {
			return nil, fmt.Errorf("describe %s: %w", kind, err)
		}
	}
	g.partial()
	return json.MarshalIndent(g.document(kinds), "", "  ")
}

type generator struct {
	defs  map[string]any
	plans plans
	words map[string]string
}

// add puts the definitions of a type and of all that it is made of.
func (g *generator) add(t reflect.Type) error {
	r := jsonschema.Reflector{Anonymous: true, Mapper: shape}
	b, err := json.Marshal(r.ReflectFromType(t))
	if err != nil {
		return err
	}
	var one struct {
		Defs map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	maps.Copy(g.defs, one.Defs)
	for typ, p := range g.plans {
		if def, ok := g.defs[typ.Name()].(map[string]any); ok {
			g.refine(def, typ, p)
		}
	}
	return nil
}

// refine adds what the tags say: words, and which fields exclude each other.
func (g *generator) refine(def map[string]any, t reflect.Type, p *plan) {
	props, _ := def["properties"].(map[string]any)
	if w := g.words[t.Name()]; w != "" {
		def["description"] = w
	}
	for _, f := range p.fields {
		prop, ok := props[f.name].(map[string]any)
		if !ok {
			if prop = map[string]any{}; props == nil {
				continue
			}
			props[f.name] = prop
		}
		if len(f.enum) > 0 {
			prop["enum"] = f.enum
		}
		if w := g.words[t.Name()+"."+f.name]; w != "" {
			prop["description"] = w
		}
		if f.required && prop["type"] == "string" {
			prop["minLength"] = 1
		}
	}
	for _, group := range p.groups {
		exclusive(def, p, group)
	}
}

func exclusive(def map[string]any, p *plan, group string) {
	var all []any
	for _, f := range p.fields {
		if f.oneof == group {
			all = append(all, map[string]any{"required": []string{f.name}})
		}
	}
	if strings.HasSuffix(group, "?") {
		all = append(all, map[string]any{"not": map[string]any{"anyOf": append([]any(nil), all...)}})
	}
	def["oneOf"] = all
}

// shape gives the types that have a form of their own in YAML.
func shape(t reflect.Type) *jsonschema.Schema {
	short := func(s *jsonschema.Schema, plain any) *jsonschema.Schema {
		r := jsonschema.Reflector{Anonymous: true, DoNotReference: true}
		long := r.Reflect(plain)
		long.Version = ""
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, long}}
	}
	switch t {
	case durationType:
		return duration()
	case portType:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1", Maximum: "65535"}, {Type: "string", Pattern: `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`, Description: "the name of one of spec.ports"},
		}}
	case replicasType:
		return short(&jsonschema.Schema{Type: "integer", Minimum: "1", Maximum: "1000"}, struct {
			Min int `json:"min" jsonschema:"minimum=1"`
			Max int `json:"max" jsonschema:"maximum=1000"`
		}{})
	case driftType:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{{Type: "string", Enum: words(driftType, "mode")}, longDrift()}}
	case dependencyType:
		return short(&jsonschema.Schema{Type: "string", MinLength: pointer(uint64(1))}, struct {
			Name string `json:"name" jsonschema:"minLength=1"`
			Kind string `json:"kind,omitempty" jsonschema:"enum=requires,enum=order"`
		}{})
	case rawType:
		return &jsonschema.Schema{Type: "object"}
	}
	return nil
}

func duration() *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: "string", MinLength: pointer(uint64(1)), Pattern: `^(0|([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$`},
		{Const: 0},
	}, Description: "a length of time: 10s, 5m, 2h, 30d, 1w"}
}

func longDrift() *jsonschema.Schema {
	props := jsonschema.NewProperties()
	props.Set("mode", &jsonschema.Schema{Type: "string", Enum: words(driftType, "mode")})
	props.Set("hold", duration())
	return &jsonschema.Schema{Type: "object", Properties: props, AdditionalProperties: jsonschema.FalseSchema}
}

func words(t reflect.Type, field string) []any {
	p := plans{}
	p.add(t)
	var all []any
	for _, w := range p[t].field(field).enum {
		all = append(all, w)
	}
	return all
}

func pointer[T any](v T) *T { return &v }

// partial adds a twin of each definition in which nothing is required: Defaults
// give part of a Service.
func (g *generator) partial() {
	twins := map[string]any{}
	for name, def := range g.defs {
		twins["Partial"+name] = partialOf(def)
	}
	maps.Copy(g.defs, twins)
	g.refer("DefaultsSpec", "service", "PartialServiceSpec")
	g.refer("ServiceSpec", "limits", "PartialLimits") // what is left out is built in
	g.removable("ServiceSpec")
	g.removable("PartialServiceSpec")
}

// removable lets the fields of a definition be null, which undoes what Defaults
// give.
func (g *generator) removable(def string) {
	d, ok := g.defs[def].(map[string]any)
	if !ok {
		return
	}
	props := d["properties"].(map[string]any)
	for name, p := range props {
		either := map[string]any{"anyOf": []any{p, map[string]any{"type": "null"}}}
		if one, ok := p.(map[string]any); ok && one["description"] != nil {
			either["description"] = one["description"]
			delete(one, "description")
		}
		props[name] = either
	}
}

func (g *generator) refer(def, field, to string) {
	if d, ok := g.defs[def].(map[string]any); ok {
		d["properties"].(map[string]any)[field] = map[string]any{"$ref": "#/$defs/" + to}
	}
}

func partialOf(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, v := range x {
			if _, list := v.([]string); k == "required" || k == "oneOf" || k == "minLength" && !list {
				continue
			}
			if ref, ok := v.(string); k == "$ref" && ok {
				v = strings.Replace(ref, "#/$defs/", "#/$defs/Partial", 1)
			}
			out[k] = partialOf(v)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = partialOf(x[i])
		}
		return out
	}
	return v
}

// document is the whole: what every object has, and a spec by its kind.
func (g *generator) document(kinds map[string]reflect.Type) map[string]any {
	texts := map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	var branches []any
	for _, kind := range desired.Kinds {
		branches = append(branches, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": kind}}, "required": []string{"kind"}},
			"then": map[string]any{"properties": map[string]any{"spec": map[string]any{"$ref": "#/$defs/" + kinds[kind].Name()}}},
		})
	}
	object := map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"apiVersion", "kind", "metadata"}, "allOf": branches,
		"properties": map[string]any{
			"apiVersion": map[string]any{"const": desired.APIVersion},
			"kind":       map[string]any{"enum": desired.Kinds},
			"metadata": map[string]any{
				"type": "object", "additionalProperties": false, "required": []string{"name"},
				"properties": map[string]any{
					"name":   map[string]any{"type": "string", "pattern": namePattern().String(), "maxLength": maxName},
					"labels": texts, "annotations": texts,
				},
			},
			"spec": map[string]any{"type": "object"},
		},
	}
	rules := map[string]any{
		"description": "a plain file of Prometheus rules", "type": "object", "required": []string{"groups"},
		"properties": map[string]any{"groups": map[string]any{"type": "array"}, "kind": false},
	}
	tests := map[string]any{
		"description": "unit tests of rules, as promtool reads them", "type": "object", "required": []string{"rule_files", "tests"},
		"properties": map[string]any{"rule_files": map[string]any{"type": "array"}, "tests": map[string]any{"type": "array"}, "kind": false},
	}
	without := func(field string) map[string]any {
		return map[string]any{"required": []string{field}, "properties": map[string]any{"kind": false, "apiVersion": false}}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evenkeel " + desired.APIVersion, "$defs": g.defs,
		"if":   map[string]any{"required": []string{"groups"}, "properties": map[string]any{"kind": false}},
		"then": rules,
		"else": map[string]any{"if": without("tests"), "then": tests, "else": object},
	}
}
