package desired

import (
	"fmt"
	"strings"
	"testing"
)

func estateToGather() Set {
	return Set{
		Services: []Service{
			{Name: "shop", Units: []string{"shop.service"}, Spec: ServiceSpec{Ports: map[string]int{"http": 7700}}},
			{Name: "worker", Units: []string{"worker@1.service"}, Spare: []string{"worker@2.service"}},
		},
		Endpoints: []Endpoint{
			NewEndpoint("bank", nil, EndpointSpec{Probe: Probe{HTTPGet: &HTTPGet{URL: "https://bank.example/health?key=x"}}}),
			NewEndpoint("door", nil, EndpointSpec{Probe: Probe{TCPSocket: &TCPSocket{Host: "door.example", Port: &Port{Number: 25}}}}),
			NewEndpoint("mute", nil, EndpointSpec{Probe: Probe{Exec: &Exec{}}}),
		},
	}
}

// Collectors are told the units and the address of what their rung names.
func TestWhatCollectorsAreTold(t *testing.T) {
	set := estateToGather()
	for _, tt := range []struct {
		do   Do
		want string
	}{
		{Do{Gather: "logs.search", With: map[string]any{"service": "worker"}}, "gather.logs.search service=worker units=worker@1.service,worker@2.service"},
		{Do{Gather: "logs.search", With: map[string]any{"trace": "abc"}}, "gather.logs.search trace=abc"},
		{Do{Gather: "http.status", With: map[string]any{"endpoint": "bank"}}, "gather.http.status endpoint=bank url=https://bank.example/health?key=x"},
		{Do{Gather: "http.status", With: map[string]any{"endpoint": "door"}}, "gather.http.status endpoint=door url=tcp://door.example:25"},
	} {
		c, err := set.Call(tt.do)
		if got := strings.Join(strings.Fields(c.String()), " "); err != nil || got != tt.want {
			t.Errorf("%s, %v; want %s", got, err, tt.want)
		}
	}
	for _, d := range []Do{
		{Gather: "logs.search", With: map[string]any{"service": "nobody"}},
		{Gather: "http.status", With: map[string]any{"endpoint": "nobody"}},
		{Gather: "http.status", With: map[string]any{"endpoint": "mute"}},
	} {
		if c, err := set.Call(d); err == nil {
			t.Errorf("%s of what is not there", c)
		}
	}
}

// A URL leads to an address that somebody declared, and to no other.
func TestOnlyDeclaredAddressesAreAsked(t *testing.T) {
	set := estateToGather()
	for at, want := range map[string]bool{
		"https://bank.example/other":         true,
		"https://BANK.example:443/":          true,
		"http://127.0.0.1:7700/tasks":        true,
		"http://localhost:7700/":             true,
		"http://bank.example/":               false, // another port
		"https://bank.example:8443/":         false,
		"https://bank.example.evil.example/": false,
		"https://bank.example@evil.example/": false,
		"http://127.0.0.1:22/":               false,
		"http://10.0.0.1:7700/":              false,
		"http://169.254.169.254/latest":      false,
		"file:///etc/passwd":                 false,
		"https://":                           false,
	} {
		c, err := set.Call(Do{Gather: "http.status", With: map[string]any{"url": at}})
		if (err == nil) != want {
			t.Errorf("%s: %v", c, err)
		}
	}
}

// What is written in full is refused when it is read.
func TestAnUndeclaredAddressIsAFinding(t *testing.T) {
	set := estateToGather()
	for at, want := range map[string]int{"https://evil.example/": 1, "https://bank.example/": 0, "https://$(alert.instance)/": 0} {
		c := compiler{}
		c.asksUndeclared(&set, "Runbook/x", "spec.steps[0]", Do{Gather: "http.status", With: map[string]any{"url": at}})
		if got := fmt.Sprint(c.found); len(c.found) != want {
			t.Errorf("%s: %s", at, got)
		}
	}
}
