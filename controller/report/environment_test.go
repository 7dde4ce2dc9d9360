package report

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/desired"
)

// A controller knows what runs in its own environment; of another one it knows what
// that is, and not what its overlays declare.
func TestServicesOfAnEnvironment(t *testing.T) {
	h := newHost(app("backend"), app("gateway"))
	h.Want.Objects[1].Spec = json.RawMessage(`{"hosts":["role=\"edge\""]}`)
	for _, name := range []string{"production", "staging"} {
		h.Want.Objects = append(h.Want.Objects, desired.Object{
			Kind: "Environment", Metadata: desired.Meta{Name: name}, Spec: json.RawMessage(`{"branch":"main","confirmAfter":"5m","vars":{"b":"1","a":"2"}}`),
		})
	}
	want := `NAME        BRANCH  DOMAIN  HOSTS       SERVICES                               CONFIRM  VERIFY  FLOOR  VARS
production  main    -       every host  2 (1 on every host, 1 on role="edge")  5m       -       -      a,b
staging     main    -       every host  ?                                      5m       -       -      a,b
`
	if d := cmp.Diff(want, h.Get("Environment").Text(Style{})); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	d, _ := h.Describe("Environment/production", nil)
	if diff := cmp.Diff([]Placed{{"backend", []string{}}, {"gateway", []string{`role="edge"`}}}, d.Services); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if d, _ := h.Describe("Environment/staging", nil); d.Services != nil {
		t.Errorf("of another environment: %v", d.Services)
	}
}
