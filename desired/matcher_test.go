package desired

import (
	"testing"
)

// The cases follow Alertmanager's documentation of matchers, for its UTF-8
// parser and, where it differs, its classic one.
func TestMatchers(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // as String prints it; several with a comma; empty: an error
	}{
		{`role="app"`, `role="app"`},
		{`role=app`, `role="app"`},
		{`tier=core`, `tier="core"`},
		{` role = "app" `, `role="app"`},
		{`role!="app"`, `role!="app"`},
		{`role=~"a.*"`, `role=~"a.*"`},
		{`role!~"a|b"`, `role!~"a|b"`},
		{`role=~a.*`, `role=~"a.*"`},
		{`role=""`, `role=""`},
		{`a="b",c=~"d"`, `a="b",c=~"d"`},
		{`{a="b",c="d",}`, `a="b",c="d"`},
		{`{a="b"}`, `a="b"`},
		{`a="b",`, `a="b"`},
		{`{}`, `{}`},
		{`"a b"="c d"`, `"a b"="c d"`},
		{`a="b c"`, `a="b c"`},
		{`a="{b},c"`, `a="{b},c"`},
		{`a="b\"c"`, `a="b\"c"`},
		{`a="b\\c"`, `a="b\\c"`},
		{`a="b\nc"`, `a="b\nc"`},
		{`a=~"\d+"`, `a=~"\\d+"`},
		{`größe="ü"`, `größe="ü"`},
		{`a.b/c-d="e"`, `a.b/c-d="e"`},
		{`a:b=c`, `a:b="c"`},

		{``, ``},
		{`role`, ``},
		{`role=`, ``},
		{`="app"`, ``},
		{`role=="app"`, ``},
		{`role="app`, ``},
		{`role=app"`, ``},
		{`role=app db`, ``},
		{`role="app" and`, ``},
		{`{role="app"`, ``},
		{`role="app"}`, ``},
		{`role=~"("`, ``},
		{`,role=app`, ``},
		{`role~"a"`, ``},
		{"a=`b`", ``},
		{"a=\"\xff\"", ``},
	} {
		ms, err := ParseMatchers(c.text)
		got := ""
		for i, m := range ms {
			if i > 0 {
				got += ","
			}
			got += m.String()
		}
		if err == nil && len(ms) == 0 {
			got = "{}"
		}
		if err != nil {
			got = ""
		}
		if got != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.text, got, err, c.want)
		}
	}
}

func TestMatching(t *testing.T) {
	labels := map[string]string{"role": "app", "env": "prod"}
	for text, want := range map[string]bool{
		`role=app`:            true,
		`role=ap`:             false,
		`role=~ap`:            false, // anchored
		`role=~"a.+"`:         true,
		`role!~"db|cache"`:    true,
		`zone=""`:             true, // absent is empty
		`zone!="a"`:           true,
		`zone=~".+"`:          false,
		`role=app,env=prod`:   true,
		`role=app,env="test"`: false,
		`{}`:                  true,
	} {
		ms, err := ParseMatchers(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := MatchAll(ms, labels); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func FuzzMatcher(f *testing.F) {
	for _, s := range []string{`role="app"`, `{a="b",c!~"d.*"}`, `"a b"="\"\\\n"`, `a=~"("`, `größe=ü`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := ParseMatchers(s)
		if err != nil {
			return
		}
		for _, m := range ms {
			again, err := ParseMatchers(m.String())
			if err != nil || len(again) != 1 || again[0].Name != m.Name || again[0].Op != m.Op || again[0].Value != m.Value {
				t.Errorf("%q → %s → %v, %v", s, m, again, err)
			}
		}
	})
}
