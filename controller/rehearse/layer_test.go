package rehearse_test

import (
	"testing"

	"github.com/pakashop/evenkeel/controller/rehearse"
	"github.com/pakashop/evenkeel/controller/rehearse/hosttest"
)

func TestThePackagesOfTheLayerRunOnAHost(t *testing.T) {
	layer, err := rehearse.PackageLayer()
	if err != nil {
		t.Fatal(err)
	}
	h := hosttest.Boot(t, rehearse.Options{Layers: []string{layer}})
	for _, unit := range []string{"nginx", "redis-server", "postgresql@15-main"} {
		if got, _ := inside(t, h, "systemctl is-active "+unit); got != "inactive" {
			t.Errorf("%s is %s on a bare host, want inactive", unit, got)
		}
		if out, err := inside(t, h, "systemctl start "+unit); err != nil {
			why, _ := inside(t, h, "journalctl -n 20 --no-pager -u "+unit)
			t.Errorf("start %s: %v: %s\n%s", unit, err, out, why)
		}
	}
	for unit, want := range map[string]string{"nginx": "disabled", "redis-server": "disabled"} {
		if got, _ := inside(t, h, "systemctl is-enabled "+unit); got != want {
			t.Errorf("%s is %s, want %s", unit, got, want)
		}
	}
	if got := mustInside(t, h, "redis-cli ping; su postgres -c 'psql -Atc \"select 1\"'"); got != "PONG\n1" {
		t.Errorf("redis and postgres say %q", got)
	}
}
