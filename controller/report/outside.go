package report

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pakashop/evenkeel/controller/plan"
	"github.com/pakashop/evenkeel/desired"
	"github.com/pakashop/evenkeel/state"
)

// Answer is what came of asking one public URL.
type Answer struct {
	Probing   desired.Probing
	Class     string // how it failed: one of state's Classes; empty: it did not
	Detail    string
	Err       string            // why it could not be asked
	Untrusted bool              // with Err: for its certificate's sake
	Says      map[string]string // what a readiness body says of others
	Expires   time.Time         // of its certificate; zero: there is none
	Tries     int
	Took      time.Duration // the last try
}

// Outside is what an outsider sees. Its JSON form is a contract.
type Outside struct {
	Environment string      `json:"environment"`
	Time        Stamp       `json:"time"` // when it began
	MS          int64       `json:"ms"`   // how long all of it took
	Healthy     bool        `json:"healthy"`
	Checks      []Check     `json:"checks"`  // Services before Endpoints, each by name, liveness before readiness
	Skipped     []NotPublic `json:"skipped"` // in the same order
}

// Check is one public URL.
type Check struct {
	Object  string            `json:"object"`
	Kind    string            `json:"kind"` // liveness, readiness, endpoint
	URL     string            `json:"url"`
	State   State             `json:"state"` // OK, WARN, FAIL
	Class   string            `json:"class"` // how it fails, or of what it is warned, in a word
	Detail  string            `json:"detail"`
	Says    map[string]string `json:"says"` // what a readiness body says of others
	Tries   int               `json:"tries"`
	MS      int64             `json:"ms"`                 // the last try
	Expires Stamp             `json:"certificateExpires"` // null: there is none, or it could not be verified
}

// NotPublic is an object of which an outsider can ask nothing.
type NotPublic struct {
	Object string `json:"object"`
	Why    string `json:"why"`
}

// The classes of failures that only an outsider counts as such. The host itself
// might be at fault for them; from outside that makes no difference.
const (
	classCertificate = "certificate" // it cannot be verified, or soon could not
	classUnreachable = "unreachable" // no name, no way, no agreement on how to speak
)

// expiresSoon is how long before its end a certificate is warned of.
const expiresSoon = 14 * 24 * time.Hour

// NewOutside judges the answers that were collected from a moment on.
func NewOutside(environment string, began time.Time, took time.Duration, answers []Answer, skipped []desired.Public) Outside {
	o := Outside{Environment: environment, Time: At(began), MS: took.Milliseconds(), Healthy: true, Checks: []Check{}, Skipped: []NotPublic{}}
	for _, a := range answers {
		o.Checks = append(o.Checks, a.check(began))
	}
	for _, p := range skipped {
		o.Skipped = append(o.Skipped, NotPublic{p.Object(), p.Why})
	}
	o.Healthy = o.Count(FAIL) == 0
	return o
}

func (a Answer) check(now time.Time) Check {
	c := Check{
		Object: a.Probing.Object, Kind: a.Probing.Kind, URL: publicURL(a.Probing.Probe), State: OK,
		Says: map[string]string{}, Tries: a.Tries, MS: a.Took.Milliseconds(), Expires: At(a.Expires),
	}
	maps.Copy(c.Says, a.Says)
	left := a.Expires.Sub(now)
	switch {
	case a.Err != "" && a.Untrusted:
		c.State, c.Class, c.Detail = FAIL, classCertificate, strings.TrimPrefix(a.Err, "TLS: ")
	case a.Err != "":
		c.State, c.Class, c.Detail = FAIL, classUnreachable, a.Err
	case a.Class != "":
		c.State, c.Class, c.Detail = FAIL, a.Class, a.Detail
		for _, w := range slices.Sorted(maps.Keys(a.Says)) {
			if !plan.Fine(a.Says[w]) {
				c.Detail += fmt.Sprintf("; it says that %s is %s", w, a.Says[w])
			}
		}
	case !a.Expires.IsZero() && left < expiresSoon:
		c.State, c.Class, c.Detail = WARN, classCertificate, "the certificate expires in "+span(left)+", "+c.Expires.UTC().Format(time.DateOnly)
	}
	return c
}

// publicURL is what is asked, as people write it.
func publicURL(p desired.Probe) string {
	if p.TCPSocket != nil {
		return "tcp://" + hostPort(p.TCPSocket.Host, p.TCPSocket.Port, 0)
	}
	return hide(address(p.HTTPGet))
}

// Count counts the checks in a state.
func (o Outside) Count(st State) int {
	n := 0
	for _, c := range o.Checks {
		if c.State == st {
			n++
		}
	}
	return n
}

// failing are the checks that fail.
func (o Outside) failing() []Check {
	return slices.DeleteFunc(slices.Clone(o.Checks), func(c Check) bool { return c.State != FAIL })
}

// Blind tells that nothing at all could be reached: it may be this machine that
// has no network.
func (o Outside) Blind() bool {
	return len(o.Checks) > 0 && !slices.ContainsFunc(o.Checks, func(c Check) bool { return c.Class != classUnreachable })
}

// Totals is "5 URLs: 4 OK, 1 FAIL".
func (o Outside) Totals() string {
	s := count(len(o.Checks), "URL")
	for i, st := range slices.DeleteFunc(slices.Clone(States), func(st State) bool { return o.Count(st) == 0 }) {
		s += []string{": ", ", "}[min(i, 1)] + strconv.Itoa(o.Count(st)) + " " + string(st)
	}
	return s
}

// because says in one line how a check fails, or of what it warns.
func (c Check) because() string {
	text := c.Detail
	if c.State != OK && c.Class != state.ClassStatus && c.Class != classCertificate { // whose details say it already
		text = c.Class + ": " + text
	}
	switch {
	case c.State == FAIL && c.Tries > 1:
		text += " (" + strconv.Itoa(c.Tries) + " tries)"
	case c.State == OK && c.Tries > 1:
		text = "at try " + strconv.Itoa(c.Tries)
	}
	return text
}

// outside tells an Endpoint's.
func (c Check) outside() bool { return c.Kind == desired.EndpointProbe }
