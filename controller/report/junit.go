package report

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The part of JUnit's XML that GitHub's and GitLab's readers agree on.
type junitSuites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Time     string   `xml:"time,attr"` // in seconds
	Suite    junitSuite
}

type junitSuite struct {
	XMLName   xml.Name `xml:"testsuite"`
	Name      string   `xml:"name,attr"`
	Tests     int      `xml:"tests,attr"`
	Failures  int      `xml:"failures,attr"`
	Errors    int      `xml:"errors,attr"`
	Skipped   int      `xml:"skipped,attr"`
	Time      string   `xml:"time,attr"`
	Timestamp string   `xml:"timestamp,attr"`
	Cases     []junitCase
}

type junitCase struct {
	XMLName xml.Name      `xml:"testcase"`
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
	Skipped *junitSkipped `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type junitSkipped struct {
	Message string `xml:"message,attr"`
}

// JUnit is one test suite, with a test for each public URL; what has none is
// skipped. Names are the same each time, so that whoever collects them can tell
// what is new.
func (o Outside) JUnit() ([]byte, error) {
	failures := o.Count(FAIL)
	took := seconds3(o.MS)
	suite := junitSuite{
		Name: Escape(strings.TrimSpace("outside " + o.Environment)), Tests: len(o.Checks) + len(o.Skipped), Failures: failures,
		Skipped: len(o.Skipped), Time: took, Timestamp: o.Time.UTC().Format(time.RFC3339),
	}
	for _, c := range o.Checks {
		suite.Cases = append(suite.Cases, c.junit())
	}
	for _, s := range o.Skipped {
		suite.Cases = append(suite.Cases, junitCase{Class: Escape(s.Object), Name: "public URL", Time: seconds3(0), Skipped: &junitSkipped{Escape(s.Why)}})
	}
	b, err := xml.MarshalIndent(junitSuites{
		Name: "evenkeel probe", Tests: suite.Tests, Failures: failures, Skipped: suite.Skipped, Time: took, Suite: suite,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode as JUnit: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

func (c Check) junit() junitCase {
	t := junitCase{Class: Escape(c.Object), Name: Escape(c.Kind + " " + c.URL), Time: seconds3(c.MS)}
	switch c.State {
	case FAIL:
		t.Failure = &junitFailure{Type: c.Class, Message: Escape(c.Detail), Text: Escape(c.URL + ": " + c.because())}
	case WARN:
		t.Out = Escape("warning: " + c.because())
	}
	return t
}

// seconds3 is a number of seconds with milliseconds.
func seconds3(ms int64) string { return strconv.FormatFloat(float64(ms)/1000, 'f', 3, 64) }
