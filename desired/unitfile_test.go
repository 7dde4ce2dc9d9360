package desired

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnitFilesAreTakenApart(t *testing.T) {
	text := "# a comment\n[Unit]\nDescription = with blanks \n\n[Service]\n" +
		"ExecStart=/bin/a \\\n  # between\n  ; and this\n  --flag \\\n\n" +
		"Environment=A=1\nEnvironment=\nEnvironment=B=2 C\\\\\n  Restart=no\n[X-Mine]\nAny=thing\n"
	file, found := ParseUnitFile([]byte(text))
	if len(found) > 0 {
		t.Fatal(found)
	}
	got := ""
	for _, d := range file.Directives {
		got += fmt.Sprintf("%d:%d [%s] %s=%q\n", d.Line, d.Col, d.Section, d.Key, d.Value)
	}
	want := `3:1 [Unit] Description="with blanks"
6:1 [Service] ExecStart="/bin/a  --flag"
11:1 [Service] Environment="A=1"
12:1 [Service] Environment=""
13:1 [Service] Environment="B=2 C\\\\"
14:3 [Service] Restart="no"
16:1 [X-Mine] Any="thing"
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if v := file.Values("Service", "Environment"); len(v) != 1 || v[0].Line != 13 {
		t.Errorf("an empty value must forget those before: %v", v)
	}
}

func TestUnitFilesThatHideLines(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"NUL":              {"[Service]\nExecStart=/bin/a\x00User=root\n", `2:17 holds the control character '\x00'`},
		"lone CR":          {"[Service]\nExecStart=/bin/a\rUser=root\n", `2:17 holds the control character '\r'`},
		"escape":           {"[Service]\nExecStart=/bin/a \x1b[2K\n", `2:18 holds the control character '\x1b'`},
		"delete":           {"[Service]\nX=\x7f\n", `2:3 holds the control character '\x7f'`},
		"not UTF-8":        {"[Service]\nX=\xff\n", `2:1 is not valid UTF-8`},
		"byte order mark":  {"\ufeff[Service]\n", `1:1 warning begins with a byte order mark`},
		"CRLF":             {"[Service]\r\nX=1\r\n", `1:10 warning ends its lines as Windows does`},
		"open at its end":  {"[Service]\nExecStart=/bin/a \\\n", `2:1 the last line ends with a backslash`},
		"swallowed header": {"[Service]\nExecStart=/bin/a \\\n[Install]\n", ``},
		"no section":       {"A=1\n", `1:1 A= stands before any section`},
		"broken header":    {"[Service\n", `1:1 "[Service" is not the header of a section`},
		"empty header":     {"[]\n", `1:1 "[]" is not the header of a section`},
		"no assignment":    {"[Service]\n  what\n", `2:3 "what" is not an assignment`},
		"no key":           {"[Service]\n=x\n", `2:1 "=x" is not an assignment`},
	} {
		_, found := ParseUnitFile([]byte(c.text))
		got := ""
		for _, f := range found {
			got += fmt.Sprintf("%d:%d %s%s\n", f.Line, f.Col, map[bool]string{true: "warning "}[f.Warning], f.Message)
		}
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestInstall(t *testing.T) {
	part := func(s string) UnitFile { f, _ := ParseUnitFile([]byte(s)); return f }
	in := InstallOf(part("[Service]\nType=oneshot\nRemainAfterExit=yes\n"), part("[Install]\nWantedBy=multi-user.target\nAlias=a.service b.service\n"), part("[Service]\nType=exec\n"))
	if !in.Present || in.Type != "exec" || !in.Remain || strings.Join(in.Aliases, " ") != "a.service b.service" {
		t.Errorf("%+v", in)
	}
	if in := InstallOf(part("[Install]\nDefaultInstance=x\n")); in.Present {
		t.Error("DefaultInstance enables nothing")
	}
}

// FuzzUnitFile holds the parser to its promises: no panic, places within the
// text, and nothing but what stands there: rendered and read again it is the
// same.
func FuzzUnitFile(f *testing.F) {
	units, _ := filepath.Glob("read/verify/testdata/units/*")
	for _, name := range units {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("[a]\nb=c\\\\\\\n#d\\\ne\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		file, found := ParseUnitFile(content)
		lines := 1 + strings.Count(string(content), "\n")
		for _, name := range []string{"a.service", "a@.timer", "a.socket", "a.path"} {
			unit, _ := ParseUnitName(name)
			found = append(found, LintUnit(unit, file, false)...)
		}
		bad := false
		for _, f := range found {
			if f.Line < 1 || f.Line > lines || f.Col < 1 || f.Message == "" || strings.ContainsAny(f.Message, "\n\x00") {
				t.Errorf("%+v", f)
			}
			bad = bad || !f.Warning
		}
		InstallOf(file)
		if !bad {
			again, _ := ParseUnitFile(render(file))
			if a, b := flat(file), flat(again); a != b {
				t.Errorf("%q\n%s\nread again\n%s", content, a, b)
			}
		}
	})
}

func render(u UnitFile) []byte {
	var b strings.Builder
	for _, d := range u.Directives {
		fmt.Fprintf(&b, "[%s]\n%s=%s\n", d.Section, d.Key, d.Value)
	}
	return []byte(b.String())
}

func flat(u UnitFile) string {
	var b strings.Builder
	for _, d := range u.Directives {
		fmt.Fprintf(&b, "[%s] %s=%s\n", d.Section, d.Key, d.Value)
	}
	return b.String()
}
