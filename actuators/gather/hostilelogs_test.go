package gather

import (
	"encoding/json"
	"strings"
	"testing"
)

// journalled is a message as journalctl writes it: as bytes where it cannot be printed.
func journalled(message []byte, printable bool) string {
	var value any = string(message)
	if !printable {
		list := make([]int, len(message))
		for i, b := range message {
			list[i] = int(b)
		}
		value = list
	}
	b, err := json.Marshal(map[string]any{"__REALTIME_TIMESTAMP": "1700000000000000", "_SYSTEMD_UNIT": "shop.service", "PRIORITY": "6", "MESSAGE": value})
	if err != nil {
		panic(err)
	}
	return string(b) + "\n"
}

// Whatever a service wrote into its log is shown so that a terminal may have it, without
// what looks like a secret, and hides nothing that others wrote.
func TestHostileLogs(t *testing.T) {
	const plain = "the last line, of somebody else"
	much := strings.Repeat("x", 200<<10)
	for name, c := range map[string]struct {
		lines string
		want  []string
		no    []string
	}{
		"in colours":            {journalled([]byte("\x1b[31mpayment failed\x1b[0m"), false), []string{"shop info: payment failed"}, []string{"["}},
		"a screen wiped":        {journalled([]byte("\x1b[2J\x1b]0;owned\x07gone"), false), []string{"?[2J?]0;owned?gone"}, nil},
		"text turned round":     {journalled([]byte("x\u202edlrow\u2066"), true), []string{"x?dlrow?"}, nil},
		"binary":                {journalled([]byte("\x00\xff\xfe\x01 binary"), false), []string{"???? binary"}, nil},
		"no bytes":              {`{"MESSAGE":[300,-1,"x",{}],"_SYSTEMD_UNIT":"shop.service"}` + "\n", []string{"of 1 lines match"}, nil},
		"one that is left out":  {`{"MESSAGE":null,"_SYSTEMD_UNIT":"shop.service"}` + "\n", []string{"1 of 2 lines match; 1 too long to be looked at"}, nil},
		"no JSON":               {"{\"MESSAGE\":\n[[[[\n" + strings.Repeat("[", 100_000) + "\n", []string{"1 of 1 lines match"}, nil},
		"200 KiB":               {journalled([]byte(much), true), []string{"shop info: xxxx"}, nil},
		"many of 200 KiB":       {strings.Repeat(journalled([]byte(strings.Repeat("password=x ", 18_000)), true), 15), []string{"password=*** password=***"}, nil},
		"a secret":              {journalled([]byte("password="+dear), true), []string{"password=***"}, nil},
		"a secret of 200 KiB":   {journalled([]byte("token="+dear+much+dear), true), []string{"token=***"}, []string{"xx"}},
		"a secret in colours":   {journalled([]byte("pass\x1b[1mword=\x1b[31m"+dear), false), []string{"password=***"}, nil},
		"a secret at the edge":  {journalled([]byte(strings.Repeat(" ", looked-3)+"token="+dear), true), nil, []string{"tok"}},
		"a secret in pino's":    {journalled([]byte(`{"level":50,"msg":"no","err":{"type":"E","message":"Authorization: Bearer `+dear+`"}}`), true), []string{"err=E: Authorization: ***"}, nil},
		"pino's, of a terminal": {journalled([]byte(`{"level":"\u001b[31m","msg":{"a":"\u001b[2J"},"traceId":"\u202e`+much+`","ms":1e308}`), true), []string{"shop info: "}, nil},
		"units and times":       {`{"__REALTIME_TIMESTAMP":"-9223372036854775808","_SYSTEMD_UNIT":"\u001b[31m.service","PRIORITY":"99","MESSAGE":"x"}` + "\n", []string{": x"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			evidence, err := asked(t, request("logs.search", []byte(c.lines+journalled([]byte(plain), true))))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range append(c.want, plain) {
				if !strings.Contains(evidence, want) {
					t.Errorf("no %q in\n%s", want, evidence)
				}
			}
			for _, no := range c.no {
				if strings.Contains(evidence, no) {
					t.Errorf("%q in\n%s", no, evidence)
				}
			}
		})
	}
}
