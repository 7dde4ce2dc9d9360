package desired

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "10s": 10 * time.Second, "5m": 5 * time.Minute, "2h": 2 * time.Hour, "30d": 720 * time.Hour, "1w": 168 * time.Hour,
		"1h30m": 90 * time.Minute, "1w2d3h4m5s6ms": 168*time.Hour + 51*time.Hour + 4*time.Minute + 5*time.Second + 6*time.Millisecond, "80s": 80 * time.Second,
	} {
		if got, err := ParseDuration(text); err != nil || got.Std() != want {
			t.Errorf("%s: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "s", "10", "10 s", "-10s", "1.5h", "1m1h", "1s1s", "10sec", "1e3s", "9999999999999w", "99999999999999999999s", "1y", "٣s"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestShapesInJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"replicas":3,"drift":"warn","dependsOn":["a",{"name":"b","kind":"order"}]}`: `{"replicas":3,"drift":{"mode":"warn"},"dependsOn":[{"name":"a"},{"name":"b","kind":"order"}]}`,
		`{"replicas":{"min":1,"max":4}}`:                                              `{"replicas":{"min":1,"max":4}}`,
		`{"manualStop":{"hold":"90m"}}`:                                               `{"manualStop":{"hold":"1h30m"}}`,
		`{"files":[{"path":"/a"}]}`:                                                   `{"files":[{"path":"/a","content":""}]}`,
		`{"livenessProbe":{"tcpSocket":{"port":"http"}}}`:                             `{"livenessProbe":{"tcpSocket":{"port":"http"}}}`,
	} {
		var s ServiceSpec
		if err := json.Unmarshal([]byte(in), &s); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(s); string(got) != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"10s", "1w2d", "0", "1h30m", "9999999999999w", "ms"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			return
		}
		if again, err := ParseDuration(d.String()); err != nil || again != d || d < 0 {
			t.Errorf("%q → %d → %s → %d, %v", s, d, d, again, err)
		}
	})
}
