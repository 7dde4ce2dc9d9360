package desired

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestWhatAPublicURLIs(t *testing.T) {
	for _, good := range []string{
		"https://api.example.org", "https://api.example.org/", "http://api.example.org:8080/shop", "https://[2001:db8::1]:8443", "http://127.0.0.1:80",
	} {
		if why := CheckPublicURL(good); why != "" {
			t.Errorf("%s: %s", good, why)
		}
	}
	for bad, want := range map[string]string{
		"":                                "is not a URL",
		"api.example.org":                 "is not a URL",
		"/health":                         "is not a URL",
		"ftp://api.example.org":           "is not a URL",
		"https://":                        "is not a URL",
		"https://:443":                    "is not a URL",
		"https://api.example.org:0":       "is not a URL",
		"https://api.example.org:65536":   "is not a URL",
		"https://api example.org":         "is not a URL",
		"https://api.example.org\r\nX: y": "is not a URL",
		"https://api.example.org?a=b":     "cannot have a query",
		"https://api.example.org/?":       "cannot have a query",
		"https://api.example.org/#top":    "cannot have a query",
		"https://user@api.example.org":    "remove that",
		"https://a:secret@b:secret":       "remove that",
	} {
		if why := CheckPublicURL(bad); !strings.Contains(why, want) || strings.Contains(why, "secret") {
			t.Errorf("%q: %q; want %q", bad, why, want)
		}
	}
}

// What an outsider asks is what the probes of the service expect, wherever it runs,
// and nothing that only its host could ask.
func TestWhatAnOutsiderAsks(t *testing.T) {
	service := func(name, url, spec string) Object {
		o := Object{Kind: "Service", Metadata: Meta{Name: name, Labels: map[string]string{"tier": name}}, Spec: json.RawMessage(spec)}
		if url != "" {
			o.Metadata.Annotations = map[string]string{PublicURL: url}
		}
		return o
	}
	set := &Set{
		Objects: []Object{
			{Kind: "Environment", Metadata: Meta{Name: "production"}},
			service("all", "https://all.example.org/x/", `{"livenessProbe": {"httpGet": {"path": "/live", "port": "http", "httpHeaders": [{"name": "Host", "value": "inner"}]}, "expectJSON": {"service": "all"}, "timeoutSeconds": 4, "failureThreshold": 5},
				"readinessProbe": {"httpGet": {"path": "/ready?deep=1", "port": 80}}}`),
			service("bare", "https://bare.example.org", `{}`),
			service("inner", "", `{}`),
			service("standby", "https://standby.example.org", `{"state": "stopped"}`),
			service("other", "https://other.example.org", `{"livenessProbe": {"exec": {"command": ["/bin/true"]}, "timeoutSeconds": 3}}`),
		},
		Endpoints: []Endpoint{
			NewEndpoint("bank", nil, EndpointSpec{Probe: Probe{HTTPGet: &HTTPGet{URL: "https://bank.example/health"}}}),
			NewEndpoint("dns", nil, EndpointSpec{Probe: Probe{TCPSocket: &TCPSocket{Host: "9.9.9.9", Port: &Port{Number: 53}}}}),
			NewEndpoint("here", nil, EndpointSpec{Probe: Probe{TCPSocket: &TCPSocket{Port: &Port{Number: 53}}}}),
			NewEndpoint("run", nil, EndpointSpec{Probe: Probe{Exec: &Exec{Command: []string{"/bin/true"}}}}),
		},
	}
	all, err := set.Public()
	if err != nil {
		t.Fatal(err)
	}
	get := func(url string, expect map[string]any, timeout, failures int) Probe {
		return Probe{HTTPGet: &HTTPGet{URL: url}, ExpectJSON: expect, TimeoutSeconds: timeout, FailureThreshold: failures}
	}
	want := map[string][]Probe{
		"Service/all":     {get("https://all.example.org/x/live", map[string]any{"service": "all"}, 4, 5), get("https://all.example.org/x/ready?deep=1", nil, 0, 0)},
		"Service/bare":    {get("https://bare.example.org/health", nil, 0, 0), get("https://bare.example.org/health/ready", nil, 0, 0)},
		"Service/inner":   nil,
		"Service/standby": nil,
		"Service/other":   {get("https://other.example.org/health", nil, 3, 0), get("https://other.example.org/health/ready", nil, 0, 0)},
		"Endpoint/bank":   {set.Endpoints[0].Probe.Probe},
		"Endpoint/dns":    {set.Endpoints[1].Probe.Probe},
		"Endpoint/here":   nil,
		"Endpoint/run":    nil,
	}
	for _, p := range all {
		var got []Probe
		for i, q := range p.Probes {
			got = append(got, q.Probe)
			if q.Unit != "" || q.Object != p.Object() || p.Kind == "Service" && q.Kind != []string{LivenessProbe, ReadinessProbe}[i] {
				t.Errorf("%s: %+v", p.Object(), q)
			}
		}
		if !reflect.DeepEqual(got, want[p.Object()]) || (len(got) == 0) != (p.Why != "") {
			t.Errorf("%s: %+v, %q;\nwant %+v", p.Object(), got, p.Why, want[p.Object()])
		}
		delete(want, p.Object())
	}
	if len(want) > 0 {
		t.Errorf("nothing is said of %v", sorted(want))
	}
}
