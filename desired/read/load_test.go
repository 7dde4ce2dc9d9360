package read

import (
	"testing"
	"testing/fstest"

	"github.com/pakashop/evenkeel/desired"
)

func TestLoadOrdersServicesByDependency(t *testing.T) {
	set, problems := Load([]string{"."}, Options{
		Host: desired.Host{Name: "app-1"},
		FS: fstest.MapFS{"a.yaml": {Data: []byte(`
apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: api}
spec: {dependsOn: [redis]}
---
apiVersion: evenkeel.dev/v1
kind: Service
metadata: {name: redis}
spec: {unit: redis-server.service}
`)}},
	})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if got := []string{set.Services[0].Name, set.Services[1].Name}; got[0] != "redis" || got[1] != "api" {
		t.Errorf("order %v, want redis before api", got)
	}
}
