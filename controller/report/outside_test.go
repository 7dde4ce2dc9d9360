package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

var seen = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

// answer is what came of a probe of an object at a URL, in 34 ms at the first try.
func answer(kind, object, url string) Answer {
	return Answer{
		Probing: desired.Probing{Kind: kind, Object: object, Probe: desired.Probe{HTTPGet: &desired.HTTPGet{URL: url}}},
		Tries:   1, Took: 34 * time.Millisecond,
	}
}

func failing(a Answer, class, detail string) Answer {
	a.Class, a.Detail, a.Tries = class, detail, 3
	return a
}

// lookedAt is an estate of which each part is another way.
func lookedAt() Outside {
	const api, shop = "https://api.pakashop.store", "https://pakashop.store"
	sick := failing(answer(desired.ReadinessProbe, "Service/pakashop-backend", api+"/health/ready"), state.ClassStatus, "status 503")
	sick.Says = map[string]string{"redis": "down", "postgresql": "ok"}
	blip := answer(desired.LivenessProbe, "Service/pakashop-gateway", shop+"/health")
	blip.Tries, blip.Expires = 2, seen.Add(90*24*time.Hour)
	soon := answer(desired.ReadinessProbe, "Service/pakashop-gateway", shop+"/health/ready?token=abc")
	soon.Expires = seen.Add(9*24*time.Hour + 3*time.Hour)
	expired := answer(desired.LivenessProbe, "Service/pakashop-old", "https://old.pakashop.store/health")
	expired.Err, expired.Untrusted, expired.Tries = "TLS: the certificate has expired, or is not valid yet", true, 3
	nowhere := answer(desired.EndpointProbe, "Endpoint/bank", "https://bank.example/health")
	nowhere.Err, nowhere.Tries = "DNS knows no bank.example", 3
	dns := Answer{Probing: desired.Probing{Kind: desired.EndpointProbe, Object: "Endpoint/dns", Probe: desired.Probe{
		TCPSocket: &desired.TCPSocket{Host: "9.9.9.9", Port: &desired.Port{Number: 53}},
	}}, Tries: 1, Took: time.Millisecond}
	return NewOutside("production", seen, 5432*time.Millisecond, []Answer{
		answer(desired.LivenessProbe, "Service/pakashop-backend", api+"/health"), sick, blip, soon, expired, nowhere, dns,
	}, []desired.Public{
		{Kind: "Service", Name: "redis", Why: "it has no public URL"},
		{Kind: "Endpoint", Name: "lan", Why: "only the host itself can ask"},
	})
}

// nasty is an estate whose names and answers try to be more than text.
func nasty() Outside {
	a := failing(answer(desired.LivenessProbe, "Service/x", "https://x.example/|</testcase>`&"), state.ClassWrong,
		"service is \"\x1b[31m<!channel> | `@everyone` ]]> \x00\u202e\", not \"x\"")
	return NewOutside("<b>|", seen, 0, []Answer{a}, []desired.Public{{Kind: "Service", Name: "y", Why: "<i>|`\x07"}})
}

func TestOutsideGolden(t *testing.T) {
	st := Style{Now: seen}
	for name, o := range map[string]Outside{
		"outside":       lookedAt(),
		"outside-nasty": nasty(),
		"outside-well":  NewOutside("", seen, time.Second, []Answer{answer(desired.LivenessProbe, "Service/x", "https://x.example/health")}, nil),
	} {
		a, _ := o.Alarm()
		var all strings.Builder
		for _, f := range []output{
			{"text", []byte(o.Text(st))},
			{"json", must(JSON(o))(t)},
			{"markdown", []byte(o.Markdown())},
			{"junit", must(o.JUnit())(t)},
			{"webhook", must(JSON(a))(t)},
		} {
			fmt.Fprintf(&all, "-- %s --\n%s", f.Name, f.Data)
		}
		golden(t, name+".txtar", []byte(all.String()))
	}
}

// What JUnit's readers get is what there was, read back by another hand.
func TestJUnitIsWhatItsReadersRead(t *testing.T) {
	for _, o := range []Outside{lookedAt(), nasty(), NewOutside("staging", seen, 0, nil, nil)} {
		var got struct {
			XMLName  xml.Name `xml:"testsuites"`
			Tests    int      `xml:"tests,attr"`
			Failures int      `xml:"failures,attr"`
			Suites   []struct {
				Name  string `xml:"name,attr"`
				Tests int    `xml:"tests,attr"`
				Cases []struct {
					Class   string `xml:"classname,attr"`
					Name    string `xml:"name,attr"`
					Failure *struct {
						Type    string `xml:"type,attr"`
						Message string `xml:"message,attr"`
					} `xml:"failure"`
					Skipped *struct{} `xml:"skipped"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		b := must(o.JUnit())(t)
		d := xml.NewDecoder(strings.NewReader(string(b)))
		d.Strict = true
		if err := d.Decode(&got); err != nil {
			t.Fatalf("%v in\n%s", err, b)
		}
		if len(got.Suites) != 1 || got.Tests != len(o.Checks)+len(o.Skipped) || got.Tests != len(got.Suites[0].Cases) || got.Failures != o.Count(FAIL) {
			t.Errorf("%+v", got)
		}
		names := map[string]bool{}
		for i, c := range got.Suites[0].Cases {
			names[c.Class+" "+c.Name] = true
			if i >= len(o.Checks) {
				if c.Skipped == nil || c.Failure != nil {
					t.Errorf("%s is not skipped", c.Class)
				}
				continue
			}
			want := o.Checks[i]
			if (c.Failure != nil) != (want.State == FAIL) || c.Skipped != nil || c.Class != want.Object {
				t.Errorf("%+v; want %+v", c, want)
			}
			if c.Failure != nil && (c.Failure.Type != want.Class || c.Failure.Message != Escape(want.Detail)) {
				t.Errorf("%+v; want %+v", c.Failure, want)
			}
		}
		if len(names) != got.Tests {
			t.Errorf("%d tests have %d names", got.Tests, len(names))
		}
	}
}

func TestWhenACertificateIsWarnedOf(t *testing.T) {
	for left, want := range map[time.Duration]State{
		expiresSoon:               OK,
		expiresSoon - time.Second: WARN,
		time.Minute:               WARN,
		90 * 24 * time.Hour:       OK,
	} {
		a := answer(desired.LivenessProbe, "Service/x", "https://x.example")
		a.Expires = seen.Add(left)
		o := NewOutside("", seen, 0, []Answer{a}, nil)
		if got := o.Checks[0].State; got != want || !o.Healthy {
			t.Errorf("%v before its end: %s, healthy: %t; want %s", left, got, o.Healthy, want)
		}
		if _, tell := o.Alarm(); tell {
			t.Errorf("%v before its end somebody is called", left)
		}
	}
}

// An alarm stays short enough to be read, and says how much it leaves out.
func TestAnAlarmIsShort(t *testing.T) {
	var answers []Answer
	for i := range 100 {
		answers = append(answers, failing(answer(desired.LivenessProbe, fmt.Sprintf("Service/s%d", i), "https://x.example"), state.ClassWrong, strings.Repeat("long ", 500)))
	}
	a, tell := NewOutside("", seen, 0, answers, nil).Alarm()
	if lines := strings.Count(a.Text, "\n") + 1; !tell || lines != 2+alarmLines || !strings.HasSuffix(a.Text, "and 80 more URLs") || len(a.Text) > 8000 {
		t.Errorf("%d lines, %d bytes:\n%s", lines, len(a.Text), a.Text)
	}
	if len(a.Failing) != 100 {
		t.Errorf("%d fail", len(a.Failing))
	}
}

func TestBlindness(t *testing.T) {
	lost := answer(desired.LivenessProbe, "Service/x", "https://x.example")
	lost.Err = "no network leads to x.example:443"
	well := answer(desired.LivenessProbe, "Service/y", "https://y.example")
	for _, c := range []struct {
		answers []Answer
		want    bool
	}{
		{nil, false},
		{[]Answer{lost}, true},
		{[]Answer{lost, lost}, true},
		{[]Answer{lost, well}, false},
		{[]Answer{lost, failing(well, state.ClassRefused, "nobody listens")}, false},
	} {
		if got := NewOutside("", seen, 0, c.answers, nil).Blind(); got != c.want {
			t.Errorf("of %d answers: %t", len(c.answers), got)
		}
	}
}

// The JSON has every key in every report: that is what those who read it rely on.
func TestOutsideJSONHasAllItsKeys(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(must(JSON(NewOutside("", seen, 0, []Answer{answer("liveness", "Service/x", "https://x.example")}, nil)))(t), &got); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"environment", "time", "ms", "healthy", "checks", "skipped"} {
		if _, ok := got[key]; !ok {
			t.Errorf("no %s", key)
		}
	}
	one := got["checks"].([]any)[0].(map[string]any)
	var keys []string
	for k := range one {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if want := []string{"certificateExpires", "class", "detail", "kind", "ms", "object", "says", "state", "tries", "url"}; !slices.Equal(keys, want) {
		t.Errorf("%v; want %v", keys, want)
	}
}
