package desired

import (
	"strings"
	"testing"
)

func TestUnitNames(t *testing.T) {
	long := strings.Repeat("a", MaxUnitName-len(".service"))
	for name, want := range map[string]UnitName{
		"nginx.service":                {Prefix: "nginx", Suffix: "service"},
		"once.timer":                   {Prefix: "once", Suffix: "timer"},
		"a.b.c.socket":                 {Prefix: "a.b.c", Suffix: "socket"},
		"spool.path":                   {Prefix: "spool", Suffix: "path"},
		"worker@.service":              {Prefix: "worker", Suffix: "service", At: true},
		"worker@1.service":             {Prefix: "worker", Instance: "1", Suffix: "service", At: true},
		"postgresql@15-main.service":   {Prefix: "postgresql", Instance: "15-main", Suffix: "service", At: true},
		`home-a\x2db@x\x2fy.service`:   {Prefix: `home-a\x2db`, Instance: `x\x2fy`, Suffix: "service", At: true},
		"a@b@c.service":                {Prefix: "a", Instance: "b@c", Suffix: "service", At: true},
		"x:y_z-1.service":              {Prefix: "x:y_z-1", Suffix: "service"},
		long + ".service":              {Prefix: long, Suffix: "service"},
		"A.service":                    {Prefix: "A", Suffix: "service"},
		"-x.service":                   {Prefix: "-x", Suffix: "service"},
		"0.service":                    {Prefix: "0", Suffix: "service"},
		"service.service":              {Prefix: "service", Suffix: "service"},
		"pakashop-notifications.timer": {Prefix: "pakashop-notifications", Suffix: "timer"},
	} {
		if got, err := ParseUnitName(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestNamesThatAreNoUnits(t *testing.T) {
	for name, why := range map[string]string{
		"":                                    "empty",
		"nginx":                               "has no type",
		"nginx.target":                        "cannot be declared",
		"x.mount":                             "cannot be declared",
		"x.slice":                             "cannot be declared",
		"x.servic":                            "cannot be declared",
		"x.":                                  "cannot be declared",
		".service":                            "must not begin",
		"..service":                           "must not begin",
		".hidden.service":                     "must not begin",
		"@.service":                           "must not begin",
		"@x.service":                          "must not begin",
		"a/b.service":                         "'/' cannot stand",
		"../x.service":                        "cannot stand",
		"/etc/x.service":                      "cannot stand",
		"a b.service":                         "cannot stand",
		"a\nb.service":                        "cannot stand",
		"a\x00.service":                       "cannot stand",
		"ü.service":                           "cannot stand",
		"$(x).service":                        "cannot stand",
		"%i.service":                          "cannot stand",
		"*.service":                           "cannot stand",
		strings.Repeat("a", 248) + ".service": "systemd allows 255",
	} {
		_, err := ParseUnitName(name)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `"`, "'"), why) {
			t.Errorf("%q: %v; want …%s…", name, err, why)
		}
	}
}

// FuzzUnitName holds every accepted name to what makes it safe as a file name.
func FuzzUnitName(f *testing.F) {
	for _, s := range []string{"nginx.service", "a@b.timer", "../x.service", "a/b.path", `a\x2d.socket`, "x\x00.service"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseUnitName(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(s, "/\x00\n ") || len(s) > MaxUnitName || s[0] == '.' {
			t.Errorf("%q was accepted", s)
		}
		if !u.At && u.Prefix+"."+u.Suffix != s || u.At && u.With(u.Instance) != s {
			t.Errorf("%q was taken apart as %+v", s, u)
		}
	})
}
