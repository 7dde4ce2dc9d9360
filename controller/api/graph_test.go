package api

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pakashop/evenkeel/controller/report"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// chain is how things stand where one service requires another and an Endpoint.
func chain() View {
	service := func(name string, needs ...string) desired.Service {
		return desired.Service{Name: name, Units: []string{name + ".service"}, Requires: needs, Spec: desired.ServiceSpec{State: desired.Running}}
	}
	web := service("web", "db")
	web.Outside = []string{"pay"}
	want := &desired.Set{Services: []desired.Service{service("db"), web}, Endpoints: []desired.Endpoint{desired.NewEndpoint("pay", nil, desired.EndpointSpec{})}}
	for _, o := range []string{"Service/db", "Service/web"} {
		want.Objects = append(want.Objects, desired.Object{Kind: "Service", Metadata: desired.Meta{Name: o[len("Service/"):]}})
	}
	want.Objects = append(want.Objects, desired.Object{Kind: "Endpoint", Metadata: desired.Meta{Name: "pay"}})
	at := state.Time{Up: 1, Boot: "b"}
	up := state.Fact[state.Unit]{At: at, Value: state.Unit{Active: "active", Sub: "running"}}
	return View{Want: want, Have: state.World{Units: map[string]state.Fact[state.Unit]{"db.service": up, "web.service": up}}, Past: state.NewPast(), Now: at}
}

// What the socket draws is what is drawn without it.
func TestGraphOverTheSocket(t *testing.T) {
	d := &desk{view: chain()}
	c := NewClient(serve(t, d))
	for _, object := range []string{"", "Service/web", "Endpoint/pay"} {
		want, ok := d.view.Graph(object)
		got, err := c.Graph(t.Context(), object)
		if err != nil || !ok {
			t.Fatalf("%q: %v, %t", object, err, ok)
		}
		if diff := cmp.Diff(want.Text(report.Style{}), got.Text(report.Style{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", object, diff)
		}
	}
	_, err := c.Graph(t.Context(), "Service/pay")
	var e *Error
	if !errors.As(err, &e) || e.Code != http.StatusNotFound {
		t.Errorf("of an unknown object: %v", err)
	}
}

func TestWhyOverTheSocket(t *testing.T) {
	d := &desk{view: chain()}
	c := NewClient(serve(t, d))
	for _, object := range []string{"Service/web", "Endpoint/pay"} {
		w, err := c.Why(t.Context(), object)
		if err != nil || w.Object != object {
			t.Errorf("why %s: %+v, %v", object, w, err)
		}
	}
}
