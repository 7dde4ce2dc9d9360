package ask

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pakashop/evenkeel/desired"
)

// What one sample costs, the server in the same process included.
func BenchmarkHTTP(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"status":"ok"}`)) }))
	defer s.Close()
	a, p := New(Options{}), desired.Probing{Kind: desired.LivenessProbe, Unit: "web.service", Probe: desired.Probe{TimeoutSeconds: 1, HTTPGet: &desired.HTTPGet{URL: s.URL}}}
	b.ReportAllocs()
	for b.Loop() {
		if got := a.Ask(b.Context(), p); !got.Good() {
			b.Fatalf("%+v", got)
		}
	}
}
