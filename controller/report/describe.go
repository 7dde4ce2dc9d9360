package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Description is one object in full. Its keys are append-only.
type Description struct {
	Object     string          `json:"object"`
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Metadata   desired.Meta    `json:"metadata"`
	Declared   string          `json:"declared"` // file:line:col of the document
	Spec       json.RawMessage `json:"spec"`     // effective
	Values     []Value         `json:"values"`   // the spec again, each value with its origin
	Conditions []Condition     `json:"conditions"`
	Units      []UnitDetail    `json:"units"`
	Files      []FileDetail    `json:"files"`
	Steps      []Step          `json:"steps"`
	Held       []Held          `json:"held"`
	Gaps       []Gap           `json:"gaps"`
	Holds      []HoldDetail    `json:"holds"` // the remembered ones, also where nothing differs
	History    []HistoryLine   `json:"history"`
	Warnings   []string        `json:"warnings"` // of reading its declaration; the caller's to fill
	Health     []Held          `json:"health"`   // how well it is: these hold nothing back
	Probes     []ProbeDetail   `json:"probes"`
	Cases      []CaseDetail    `json:"cases"`              // what it suffers from, and what was tried
	Services   []Placed        `json:"services,omitempty"` // of an Environment: which run there; absent: not known
}

// Value is one effective value of a spec.
type Value struct {
	Path   string `json:"path"`
	Value  string `json:"value"`  // as JSON; of a long text its length and digest
	Origin string `json:"origin"` // built-in, Defaults/NAME or file:line:col; empty: not known
}

// UnitDetail is one unit of a service.
type UnitDetail struct {
	Row
	Load       string   `json:"load"`
	Result     string   `json:"result"`
	Fragment   string   `json:"fragment"`
	DropIns    []string `json:"dropIns"`
	MainPID    uint32   `json:"mainPID"`
	Invocation string   `json:"invocation"`
	Budget     *Budget  `json:"budget"`          // null: no limits are declared
	BySystemd  int      `json:"systemdRestarts"` // systemd's own restarts, of the restarts
}

// Budget is what is left of a unit's repairs.
type Budget struct {
	Restarts int    `json:"restarts"` // so many…
	Per      string `json:"per"`      // …in this time
	Used     int    `json:"used"`
	Left     int    `json:"left"`
	Until    Stamp  `json:"until"` // when the oldest one is forgotten; null: none is used
}

// FileDetail is one file that a service declares, and what lies there.
type FileDetail struct {
	Path      string `json:"path"`
	As        string `json:"as"`       // unitFile, dropIn, file or release
	Desired   string `json:"desired"`  // digest, of a release its version; empty where the content belongs to the host, or is sensitive
	Observed  string `json:"observed"` // likewise; empty: absent, not known or sensitive
	State     string `json:"state"`    // asDeclared, differs, absent or unknown
	Mode      string `json:"mode"`
	Owner     string `json:"owner"`
	Group     string `json:"group"`
	Sensitive bool   `json:"sensitive"`

	Hidden bool `json:"-"` // its content is sensitive, and not as declared
}

// HoldDetail is one remembered hold.
type HoldDetail struct {
	Reason state.Reason `json:"reason"`
	Unit   string       `json:"unit"`
	Since  Stamp        `json:"since"`
	Until  Stamp        `json:"until"` // null: until it is lifted
	Actor  string       `json:"actor"`
	Detail string       `json:"detail"`
}

// Describe reports one object, by KIND/NAME or the NAME of a service, and false
// where there is none. history is what is to be shown of it, as the caller
// read it.
func (v View) Describe(name string, history []HistoryLine) (Description, bool) {
	o, ok := v.find(name)
	if !ok {
		return Description{}, false
	}
	v = v.looked()
	declared := newDeclared(v.Want)
	obj := v.object(o, declared)
	d := Description{
		Object: o.Ref(), APIVersion: o.APIVersion, Kind: o.Kind, Metadata: o.Metadata, Declared: o.Pos.String(),
		Spec: obj.Spec, Values: values(obj.Spec, o.Origin), Conditions: obj.Status.Conditions,
		Units: []UnitDetail{}, Files: []FileDetail{}, Steps: []Step{}, Held: []Held{}, Gaps: []Gap{}, Holds: []HoldDetail{},
		History: append([]HistoryLine{}, history...), Warnings: []string{}, Health: []Held{}, Probes: []ProbeDetail{}, Cases: []CaseDetail{},
	}
	v.ofPlan(&d)
	if s, ok := v.service(o); ok {
		for _, u := range s.Units {
			d.Units = append(d.Units, v.unitDetail(s, u))
		}
		d.Files = v.fileDetails(s, declared)
		d.Probes, d.Cases = v.probeDetails(s.Probes), v.cases(s)
	}
	if e, ok := v.endpoint(o); ok {
		d.Probes = v.probeDetails([]desired.Probing{e.Probe})
	}
	d.Holds, d.Services = v.holdDetails(d.Object), obj.Status.Services
	return d, true
}

// find looks an object up as people name it.
func (v View) find(name string) (desired.Object, bool) {
	ref := name
	if kind, rest, ok := strings.Cut(name, "/"); ok {
		if k, known := KindOf(kind); known && k != "" {
			ref = k + "/" + rest
		}
	} else {
		ref = "Service/" + name
	}
	for _, candidate := range []string{ref, strings.TrimSuffix(ref, ".service")} {
		for _, o := range v.Want.Objects {
			if o.Ref() == candidate {
				return o, true
			}
		}
	}
	return desired.Object{}, false
}

// ofPlan takes from the Plan what concerns the object.
func (v View) ofPlan(d *Description) {
	all := NewDiff(v.Want, v.Have, v.Past, v.Plan, nil)
	for _, s := range all.Steps {
		if s.Object == d.Object {
			d.Steps = append(d.Steps, s)
		}
	}
	for _, h := range all.Held {
		switch {
		case h.Object != d.Object:
		case h.health():
			d.Health = append(d.Health, h)
		default:
			d.Held = append(d.Held, h)
		}
	}
	for _, g := range all.Gaps {
		if g.Object == d.Object {
			d.Gaps = append(d.Gaps, g)
		}
	}
}

func (v View) unitDetail(s *desired.Service, unit string) UnitDetail {
	u := v.Have.Units[unit].Value
	return UnitDetail{
		Row: v.row(s, unit), Load: u.Load, Result: u.Result, Fragment: u.Fragment, DropIns: append([]string{}, u.DropIns...),
		MainPID: u.MainPID, Invocation: u.Invocation, Budget: v.budget(s, unit), BySystemd: int(u.Restarts),
	}
}

func (v View) budget(s *desired.Service, unit string) *Budget {
	l := s.Spec.Limits
	if l == nil || v.Past == nil {
		return nil
	}
	charges := v.Past.Charges[unit]
	b := &Budget{Restarts: l.Restarts, Per: l.Per.String(), Used: state.Recent(charges, v.Now, l.Per.Std())}
	b.Left = max(0, b.Restarts-b.Used)
	for _, t := range charges {
		if age := v.Now.Since(t); age < l.Per.Std() {
			b.Until = At(v.Now.Add(l.Per.Std() - age).Wall)
			break
		}
	}
	return b
}

func (v View) fileDetails(s *desired.Service, d declared) []FileDetail {
	out := []FileDetail{}
	add := func(a desired.Artifact, as string) {
		f := v.fileDetail(a, as)
		if f.Sensitive = d[a.Path].sensitive; f.Sensitive {
			f.Hidden = f.Desired != "" && f.Desired != f.Observed
			f.Desired, f.Observed = "", ""
		}
		out = append(out, f)
	}
	if s.UnitFile != nil {
		add(*s.UnitFile, "unitFile")
	}
	for _, a := range s.DropIns {
		add(a, "dropIn")
	}
	for _, a := range s.Files {
		add(a, "file")
	}
	if s.Link != nil {
		out = append(out, v.linkDetail(s.Link))
	}
	return out
}

// linkDetail is the link to a release, told by versions.
func (v View) linkDetail(l *desired.Link) FileDetail {
	have := v.Have.Files[l.Path]
	f := FileDetail{Path: l.Path, As: asRelease, Desired: path.Base(l.Target), State: "asDeclared"}
	if have.Value.Kind == state.Symlink {
		f.Observed = l.Version(have.Value.Link)
	}
	switch {
	case !have.Known():
		f.State = "unknown"
	case have.Value.Kind == state.Absent:
		f.State = "absent"
	case have.Value.Link != l.Target:
		f.State = "differs"
	}
	return f
}

const asRelease = "release"

func (v View) fileDetail(a desired.Artifact, as string) FileDetail {
	have := v.Have.Files[a.Path]
	f := FileDetail{
		Path: a.Path, As: as, Desired: a.Digest, Observed: have.Value.Digest,
		Mode: octal(a.Mode), Owner: a.Owner, Group: a.Group, State: "asDeclared",
	}
	if a.Host {
		f.Desired = ""
	}
	switch {
	case !have.Known(), a.Locked != "" && have.Value.Kind != state.Absent:
		f.State = "unknown"
	case have.Value.Kind == state.Absent:
		f.State = "absent"
	case have.Value.Kind != state.Regular, !a.Host && have.Value.Digest != a.Digest,
		have.Value.Mode != a.Mode, have.Value.Owner != a.Owner, have.Value.Group != a.Group:
		f.State = "differs"
	}
	return f
}

func octal(mode uint32) string { return fmt.Sprintf("%04o", mode) }

func (v View) holdDetails(object string) []HoldDetail {
	out := []HoldDetail{}
	if v.Past == nil {
		return out
	}
	for _, h := range v.Past.Holds {
		if h.Object == object && !h.Ended(v.Now) {
			out = append(out, HoldDetail{
				Reason: h.Reason, Unit: h.Unit, Since: At(h.Since.Wall), Until: atState(h.Until(v.Now)), Actor: h.Actor, Detail: h.Detail,
			})
		}
	}
	slices.SortFunc(out, func(a, b HoldDetail) int {
		return cmp.Or(compareReasons(a.Reason, b.Reason), strings.Compare(a.Unit, b.Unit))
	})
	return out
}

// values flattens a spec, in its order, and finds the origin of each value: its
// own, or that of the nearest thing around it.
func values(spec json.RawMessage, origin map[string]string) []Value {
	out := []Value{}
	dec := json.NewDecoder(bytes.NewReader(spec))
	dec.UseNumber()
	flatten(dec, "spec", func(p, v string) {
		out = append(out, Value{Path: p, Value: v, Origin: originOf(p, origin)})
	})
	return out
}

// flatten calls leaf for each scalar and each empty collection.
func flatten(dec *json.Decoder, at string, leaf func(path, value string)) {
	t, err := dec.Token()
	if err != nil {
		return
	}
	open, nested := t.(json.Delim)
	if !nested {
		leaf(at, shown(t))
		return
	}
	if !dec.More() {
		leaf(at, map[json.Delim]string{'{': "{}", '[': "[]"}[open])
	}
	for i := 0; dec.More(); i++ {
		if open == '[' {
			flatten(dec, fmt.Sprintf("%s[%d]", at, i), leaf)
			continue
		}
		key, err := dec.Token()
		if err != nil {
			return
		}
		flatten(dec, at+"."+fmt.Sprint(key), leaf)
	}
	_, _ = dec.Token() // the closing bracket; at the end of a broken spec there is none
}

// longText is the length in bytes beyond which a text is named by its digest.
const longText = 120

func shown(t json.Token) string {
	s, ok := t.(string)
	switch {
	case t == nil:
		return "null"
	case !ok:
		return fmt.Sprint(t)
	case len(s) > longText || strings.Contains(s, "\n"):
		return fmt.Sprintf("(%d bytes, sha256 %s)", len(s), brief(state.Digest([]byte(s))))
	}
	b, err := JSONLine(s)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

func originOf(p string, origin map[string]string) string {
	for {
		if o, ok := origin[p]; ok {
			return o
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return ""
		}
		p = p[:i]
	}
}
