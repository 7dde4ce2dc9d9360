package bus

import (
	"testing"

	"pgregory.net/rapid"
)

func TestUnitPath(t *testing.T) {
	for name, path := range map[string]string{
		"nginx.service":              "/org/freedesktop/systemd1/unit/nginx_2eservice",
		"postgresql@15-main.service": "/org/freedesktop/systemd1/unit/postgresql_4015_2dmain_2eservice",
		`a@b\x2dc.service`:           "/org/freedesktop/systemd1/unit/a_40b_5cx2dc_2eservice",
		"-.mount":                    "/org/freedesktop/systemd1/unit/_2d_2emount",
		"7zip.service":               "/org/freedesktop/systemd1/unit/_37zip_2eservice",
		"under_score.service":        "/org/freedesktop/systemd1/unit/under_5fscore_2eservice",
		"a:b.service":                "/org/freedesktop/systemd1/unit/a_3ab_2eservice",
		"":                           "/org/freedesktop/systemd1/unit/_",
	} {
		if got := UnitPath(name); got != path {
			t.Errorf("UnitPath(%q) = %s, want %s", name, got, path)
		}
		if got, ok := UnitName(path); got != name || !ok {
			t.Errorf("UnitName(%s) = %q, %v", path, got, ok)
		}
	}
	for _, path := range []string{"", "/", "/org/freedesktop/systemd1", "/org/freedesktop/systemd1/unit/", "/org/freedesktop/systemd1/unit/a_2", "/org/freedesktop/systemd1/unit/a_zz", "/org/freedesktop/systemd1/job/1"} {
		if got, ok := UnitName(path); ok {
			t.Errorf("UnitName(%s) = %q", path, got)
		}
	}
}

func TestUnitPathRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOf(rapid.Byte()).Draw(t, "name"))
		if got, ok := UnitName(UnitPath(name)); got != name || !ok {
			t.Fatalf("%q became %q, %v", name, got, ok)
		}
	})
}
